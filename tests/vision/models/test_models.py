"""Models by name, their weights, and what they refuse; that their numbers are torchvision's is test_same_as_torchvision's part."""

from __future__ import annotations

import copy
import os
import pickle

import numpy as np
import pytest
from PIL import Image

import suiren
from suiren import nn
from suiren.vision import models
from suiren.vision.models import _api
from suiren.vision.models._utils import IntermediateLayerGetter
from tests.vision.models.cases import nothing_drawn


@pytest.fixture(autouse=True)
def _quick():
    with nothing_drawn(nn.init):
        yield


def test_by_name():
    net = models.get_model("SqueezeNet1_1", num_classes=3)
    assert isinstance(net, models.SqueezeNet) and net.num_classes == 3
    assert models.get_model_builder("resnet18") is models.resnet18 and models.resnet18.__name__ == "resnet18"
    assert models.list_models(include="resnet*", exclude=["*5*", "*1"]) == ["resnet18", "resnet34"]
    assert models.list_models(module=suiren.vision) == [] and len(models.list_models(module=models)) == len(models.list_models())
    with pytest.raises(ValueError, match="Unknown model resnet17"):
        models.get_model("resnet17")


def test_weights_have_names():
    weights = models.ResNet50_Weights
    assert weights.DEFAULT is weights.IMAGENET1K_V2 and repr(weights.DEFAULT) == "ResNet50_Weights.IMAGENET1K_V2"
    assert models.get_weight("ResNet50_Weights.IMAGENET1K_V1") is weights.IMAGENET1K_V1
    assert models.get_model_weights("resnet50") is weights is models.get_model_weights(models.resnet50)
    assert weights.IMAGENET1K_V1.url == "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    assert weights.DEFAULT.meta["num_params"] == 25557032 and weights.DEFAULT.meta["categories"][281] == "tabby"
    assert copy.deepcopy(weights.DEFAULT) is weights.DEFAULT and pickle.loads(pickle.dumps(weights.DEFAULT)) is weights.DEFAULT
    assert weights.verify("ResNet50_Weights.DEFAULT") is weights.verify("DEFAULT") is weights.verify(weights.DEFAULT)
    with pytest.raises(TypeError, match="expected ResNet50_Weights but received ResNet18_Weights"):
        models.resnet50(weights=models.ResNet18_Weights.DEFAULT)
    for name, error in (("ResNet50", "Invalid weight name"), ("ResNet17_Weights.V1", "couldn't be retrieved")):
        with pytest.raises(ValueError, match=error):
            models.get_weight(name)


def test_transforms_of_weights():
    transform = models.ResNet50_Weights.IMAGENET1K_V1.transforms()
    image = Image.fromarray(np.full((300, 400, 3), 255, np.uint8))
    found = transform(image)
    assert tuple(found.shape) == (3, 224, 224)
    np.testing.assert_allclose(found[:, 0, 0].numpy(), [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], rtol=1e-5)
    assert "crop_size=[224]\n    resize_size=[256]" in repr(transform) and "``crop_size=[224]``" in transform.describe()


@pytest.fixture
def weights(monkeypatch, tmp_path):
    """SqueezeNet's weights, from a server that is not there, kept in a folder of the test's own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    member = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    monkeypatch.setattr(member.value, "url", "http://127.0.0.1:9/squeezenet1_1-b8a52dc0.pth")
    return member


def test_without_a_connection(weights, tmp_path):
    path = tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    with pytest.raises(RuntimeError, match=f"Is there a network connection.*put it at {path}"):
        models.squeezenet1_1(weights=weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suiren.no_grad():
        one = models.squeezenet1_1()
        one.classifier[1].bias.fill_(3.0)
    suiren.save(one.state_dict(), path)
    for given in (weights, "IMAGENET1K_V1", "DEFAULT"):
        found = models.squeezenet1_1(weights=given, progress=False)
        assert (found.classifier[1].bias.detach().numpy() == 3.0).all()
    with pytest.warns(UserWarning, match="pretrained|weight enum"):
        found = models.squeezenet1_1(pretrained=True)
    assert (found.classifier[1].bias.detach().numpy() == 3.0).all()
    with pytest.raises(ValueError, match="'num_classes' expected value 1000 but got 10 instead"):
        models.squeezenet1_1(weights=weights, num_classes=10)


def test_what_came_is_checked(weights, tmp_path, monkeypatch):
    part = tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth.part"

    def comes(url, part, path, progress):
        with open(part, "wb") as file:
            file.write(b"something else")

    monkeypatch.setattr("suiren.vision.datasets.utils._fetch", comes)
    with pytest.raises(RuntimeError, match="another checksum"):
        models.squeezenet1_1(weights=weights)
    assert not os.listdir(part.parent)


def test_older_arguments():
    with pytest.warns(UserWarning, match="Arguments other than a weight enum or `None` for 'weights'|The parameter 'pretrained' is deprecated"):
        models.squeezenet1_1(pretrained=False)
    with pytest.warns(UserWarning, match="Using 'weights' as positional parameter"):
        models.squeezenet1_1(None)
    with pytest.warns(UserWarning, match="'pretrained' is deprecated"), pytest.raises(ValueError, match="No weights available for model regnet_y_128gf"):
        models.regnet_y_128gf(pretrained=True)


def test_intermediate_layers():
    net = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1])
    found = IntermediateLayerGetter(net, {"layer1": "first", "layer3": "third"})(suiren.ones(1, 3, 32, 32))
    assert {name: tuple(value.shape) for name, value in found.items()} == {"first": (1, 64, 8, 8), "third": (1, 256, 2, 2)}
    with pytest.raises(ValueError, match="return_layers are not present"):
        IntermediateLayerGetter(net, {"layer9": "x"})


def test_older_state_dicts():
    """DenseNet's published weights have dots in their names; MNASNet's first version another stem."""
    net = models.DenseNet(4, (1, 1, 1, 1), 8)
    state = {k.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.") if "denselayer" in k else k: v for k, v in net.state_dict().items()}
    state = {k: v for k, v in state.items() if "num_batches" not in k}  # they are from before these were kept
    assert "features.denseblock1.denselayer1.norm.1.weight" in state
    models.densenet._load(models.DenseNet(4, (1, 1, 1, 1), 8), state, {})
    net = models.mnasnet0_5()
    state = net.state_dict()
    state._metadata[""]["version"] = 1
    with pytest.warns(UserWarning, match="new version of MNASNet"), pytest.raises(RuntimeError, match="size mismatch"):
        net.load_state_dict(state)
    assert net.layers[0].out_channels == 32


def test_auxiliary_heads():
    net = models.googlenet(num_classes=4, init_weights=False)
    with suiren.no_grad():
        out = net(suiren.zeros(2, 3, 32, 32))
    assert [tuple(x.shape) for x in out] == [(2, 4)] * 3 and out._fields == ("logits", "aux_logits2", "aux_logits1")
    with pytest.warns(FutureWarning, match="default weight initialization of GoogleNet"):
        models.googlenet()
    with pytest.raises(ValueError, match="blocks length should be 3"):
        models.GoogLeNet(blocks=[], init_weights=False)


@pytest.mark.parametrize("image_size,channels", [(28, 1), (32, 3)])
def test_lenet(tier, image_size, channels):
    net = models.lenet(in_channels=channels, image_size=image_size)
    out = net(suiren.zeros(2, channels, image_size, image_size))
    assert tuple(out.shape) == (2, 10) and sum(p.numel() for p in models.lenet(image_size=32).parameters()) == 61706


@pytest.mark.parametrize(
    "attempt,error,match",
    [
        (lambda: models.SqueezeNet("2"), ValueError, "Unsupported SqueezeNet version 2"),
        (lambda: models.resnet.BasicBlock(4, 4, groups=2), ValueError, "only supports groups=1"),
        (lambda: models.ResNet(models.resnet.BasicBlock, [1] * 4, replace_stride_with_dilation=[True]), ValueError, "3-element tuple"),
        (lambda: models.resnext50_32x4d(groups=3), ValueError, "The parameter 'groups' expected value 32 but got 3 instead"),
        (lambda: models.MNASNet(0), ValueError, "alpha should be greater"),
        (lambda: models.ShuffleNetV2([1], [1]), ValueError, "3 positive ints"),
        (lambda: models.EfficientNet([], 0.1), ValueError, "should not be empty"),
        (lambda: models.ConvNeXt([3]), TypeError, r"List\[CNBlockConfig\]"),
        (lambda: models.MobileNetV2(inverted_residual_setting=[]), ValueError, "non-empty or a 4-element list"),
        (lambda: models.regnet.BlockParams.from_init_params(4, 7, 1, 2, 8), ValueError, "Invalid RegNet settings"),
    ],
)
def test_bad_arguments(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()


def test_folder_of_checkpoints(monkeypatch):
    monkeypatch.setenv("TORCH_HOME", "/somewhere")
    assert _api.checkpoint_folder() == "/somewhere/hub/checkpoints"
