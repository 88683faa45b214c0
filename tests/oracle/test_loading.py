"""Loading, augmentation's draws and checkpoints beside a live PyTorch."""

from __future__ import annotations

import collections
import datetime
import io
import json
import os
import pathlib
import pickle

import pytest

torch = pytest.importorskip("torch")

import suiren  # noqa: E402
from suiren.config import config  # noqa: E402
from suiren.utils.data import draws  # noqa: E402
from tests import loading_programs  # noqa: E402
from tests.checkpoint_program import contents, facts, shared  # noqa: E402

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:This DataLoader will create")]


@pytest.mark.parametrize("name", sorted(loading_programs.PROGRAMS))
def test_programs(name):
    expected = loading_programs.PROGRAMS[name](torch)
    with config(tier="interpreter"):
        found = loading_programs.PROGRAMS[name](suiren)
    assert json.dumps(found) == json.dumps(expected)


@pytest.mark.parametrize("seed", [0, 1, 2**40 + 5])
def test_draws(seed):
    """Draw after draw from one generator, over several turns of the twister."""
    torch.manual_seed(seed)
    suiren.manual_seed(seed)
    for i in range(700):
        assert draws.uniform() == torch.rand(1).item()
        assert draws.below(33 + i) == torch.randint(33 + i, (1,)).item()
        assert draws.uniform(-30 + i / 20, 30) == torch.empty(1).uniform_(-30 + i / 20, 30).item()
    for n in (0, 1, 2, 1000):
        assert draws.permutation(n) == torch.randperm(n).tolist()
    assert draws.uniform_indices(2**40, 10) == torch.randint(2**40, (10,)).tolist()
    assert draws.base_seed() == torch.empty((), dtype=torch.int64).random_().item()
    weights = torch.linspace(0.1, 3, 5000, dtype=torch.float64)
    for count, replacement in ((1, True), (100, True), (100, False), (5000, False)):
        found = draws.choices(suiren.from_numpy(weights.numpy()), count, replacement)
        assert found == torch.multinomial(weights, count, replacement).tolist()


@pytest.mark.parametrize("options", [{}, {"weights_only": False}, {"mmap": True}])
def test_torch_reads_our_checkpoints(options, tmp_path):
    suiren.save(contents(suiren), tmp_path / "x.pt")
    found = torch.load(tmp_path / "x.pt", **options)
    assert facts(found) == facts(contents(torch))
    assert all(shared(found))


def test_there_and_back():
    first, second, third = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save(contents(torch), first)
    first.seek(0)
    suiren.save(suiren.load(first), second)
    second.seek(0)
    torch.save(torch.load(second), third)
    third.seek(0)
    assert facts(suiren.load(third)) == facts(contents(suiren))


def test_a_state_dict_of_ours_fits_torchs_module():
    nets = [t.nn.Sequential(t.nn.Conv2d(3, 6, 5), t.nn.BatchNorm2d(6), t.nn.Flatten(), t.nn.Linear(6 * 4 * 4, 10)) for t in (suiren, torch)]
    file = io.BytesIO()
    suiren.save(nets[0].state_dict(), file)
    file.seek(0)
    assert str(nets[1].load_state_dict(torch.load(file))) == "<All keys matched successfully>"
    file = io.BytesIO()
    torch.save(nets[1].state_dict(), file)
    file.seek(0)
    assert str(nets[0].load_state_dict(suiren.load(file))) == "<All keys matched successfully>"


class Mine:
    pass


@pytest.mark.parametrize(
    "thing", [Mine(), Mine, {"a": [Mine()]}, range(3), collections.defaultdict(list), os.system, datetime.date(2020, 1, 2), print, slice(1, 2), pathlib.PurePosixPath("a")]
)
def test_refusals(thing):
    """What `weights_only` does not load is refused in the same words."""
    file = io.BytesIO()
    torch.save(thing, file)
    said = []
    for t in (torch, suiren):
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError) as caught:
            t.load(file)
        said.append(str(caught.value))
    assert said[1] == said[0]
    named = []
    for t in (torch, suiren):
        file.seek(0)
        named.append(sorted(t.serialization.get_unsafe_globals_in_checkpoint(file)))
    assert named[1] == named[0]
