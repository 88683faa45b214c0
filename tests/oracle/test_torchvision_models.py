"""suiren.vision.models beside a live torchvision: every builder's parameters, and what models start with and predict.

Weights are drawn and images predicted by each small builder (the bodies of the large ones are the same code with other numbers).
"""

from __future__ import annotations

import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("tests.oracle.torchvision_cpu").torchvision

import suiren  # noqa: E402
from suiren.config import config  # noqa: E402
from suiren.vision import models  # noqa: E402
from tests.vision.models.cases import INITIAL, PREDICTIONS, TRANSFORMERS, description, initial, prediction  # noqa: E402

pytestmark = pytest.mark.oracle

SMALL = [
    "efficientnet_b0", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small",
    "regnet_x_400mf", "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
    "squeezenet1_0", "squeezenet1_1", "densenet121",
]  # fmt: skip
BUILT = {f"models.{name}(num_classes=5)": 33 for name in SMALL}


def test_names():
    assert models.list_models() == torchvision.models.list_models(module=torchvision.models)


@pytest.mark.parametrize("name", models.list_models())
def test_parameters(name):
    """Names, shapes and what it prints."""
    assert description(name, suiren, models) == description(name, torch, torchvision.models)


@pytest.mark.parametrize("case", INITIAL + TRANSFORMERS + list(BUILT))
def test_initial_weights(case):
    with config(tier="interpreter"):
        found = initial(case, suiren, models)
    np.testing.assert_allclose(found, initial(case, torch, torchvision.models), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("case", "size"), (PREDICTIONS | BUILT).items())
def test_predictions(case, size):
    with config(tier="interpreter"):
        found = prediction(case, size, suiren, models)
    expected = prediction(case, size, torch, torchvision.models)
    assert np.abs(expected).max() > 1e-3, "the case shows nothing"
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "mnasnet0_5", "densenet121", "squeezenet1_1"])
def test_a_checkpoint_of_either_predicts_the_same(name):
    images = np.random.default_rng(4).standard_normal((2, 3, 33, 33)).astype(np.float32)

    def saved_by(t, builders):
        t.manual_seed(5)
        model, file = getattr(builders, name)(num_classes=5), io.BytesIO()
        t.save(model.state_dict(), file)
        return file

    def predicted_by(t, builders, file):
        file.seek(0)
        model = getattr(builders, name)(num_classes=5).eval()
        assert str(model.load_state_dict(t.load(file))) == "<All keys matched successfully>"
        with t.no_grad():
            return model(t.from_numpy(images)).numpy()

    with config(tier="interpreter"):
        for file in (saved_by(suiren, models), saved_by(torch, torchvision.models)):
            found, expected = predicted_by(suiren, models, file), predicted_by(torch, torchvision.models, file)
            np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5 * np.abs(expected).max())
