"""Module: attributes, registries, walking, states, hooks, copies; texts and errors are PyTorch's."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import suiren
from suiren import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 3)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(3, 1, bias=False)
        self.register_buffer("scale", suiren.ones(1))
        self.register_buffer("hidden", suiren.zeros(2), persistent=False)
        self.extra = nn.Parameter(suiren.zeros(2))

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x))) * self.scale


def consistent(module):
    """The registries and the attributes say the same."""
    for registry in ("_parameters", "_buffers", "_modules"):
        for name, value in getattr(module, registry).items():
            assert module.__dict__[name] is value
            assert getattr(module, name) is value
    named = {*module._parameters, *module._buffers, *module._modules}
    for name, value in module.__dict__.items():
        if isinstance(value, (nn.Parameter, nn.Module)):
            assert name in named


# ---------------------------------------------------------------- attributes


def test_parameters_and_submodules_are_ordinary_attributes():
    net = Net()
    consistent(net)
    assert net.__dict__["fc1"] is net.fc1
    assert list(net._parameters) == ["extra"]
    assert list(net._modules) == ["fc1", "act", "fc2"]
    assert net.fc2.bias is None
    assert net.fc2.__dict__["bias"] is None


def test_assigning_and_deleting():
    net = Net()
    net.fc1 = nn.Linear(2, 4)
    net.extra = nn.Parameter(suiren.ones(3))
    net.scale = suiren.full((1,), 2.0)
    consistent(net)
    assert net._buffers["scale"].item() == 2.0
    net.extra = None
    assert net._parameters == {"extra": None}
    assert net.extra is None
    del net.extra, net.scale, net.act
    consistent(net)
    for name in ("extra", "scale", "act"):
        with pytest.raises(AttributeError, match=f"'Net' object has no attribute '{name}'"):
            getattr(net, name)
    net.act = nn.Parameter(suiren.zeros(1))  # what was a module is a parameter now
    net.fc1 = nn.Parameter(suiren.zeros(1))
    assert list(net._modules) == ["fc2"]
    consistent(net)
    net.plain = 3
    net.plain = nn.Linear(1, 1)
    net.other = suiren.zeros(2)  # a tensor that is no parameter is a plain attribute
    assert "other" not in net._buffers
    consistent(net)


def test_editing_the_registries_directly():
    net = Net()
    new = nn.Parameter(suiren.ones(2))
    net._parameters["extra"] = new
    net._parameters.update(more=nn.Parameter(suiren.ones(1)))
    net._modules.pop("act")
    net._buffers.setdefault("late", suiren.zeros(1))
    assert net.extra is new
    assert net.late.item() == 0
    assert not hasattr(net, "act")
    consistent(net)
    del net._parameters["more"]
    net._buffers.popitem()
    assert not hasattr(net, "more")
    assert not hasattr(net, "late")
    net._modules = OrderedDict(a=nn.ReLU())
    assert list(net.children()) == [net.a]
    assert not hasattr(net, "fc1")
    net._modules |= {"b": nn.Tanh()}
    net._buffers.clear()
    assert list(net.buffers()) == []
    consistent(net)


def test_a_property_goes_before_a_parameter():
    class WithProperty(nn.Module):
        def __init__(self):
            super().__init__()
            self._parameters["weight"] = nn.Parameter(suiren.ones(1))

        @property
        def weight(self):
            return self._parameters["weight"] * 2

    assert WithProperty().weight.item() == 2.0


def test_a_module_that_nobody_holds_is_freed_at_once():
    gc.disable()
    try:
        net = Net()
        gone = weakref.ref(net.fc1.weight)
        del net
        assert gone() is None
    finally:
        gc.enable()


def test_buffers():
    net = Net()
    net.counted = nn.Buffer(suiren.zeros(2))
    net.hidden2 = nn.Buffer(suiren.zeros(2), persistent=False)
    assert [n for n, _ in net.named_buffers()] == ["scale", "hidden", "counted", "hidden2"]
    assert "counted" in net.state_dict()
    assert "hidden2" not in net.state_dict()


def errors():
    net = Net()

    class Early(nn.Module):
        def __init__(self, what):
            self.x = what

    yield lambda: Early(nn.Parameter(suiren.zeros(1))), AttributeError, "cannot assign parameters before Module.__init__() call"
    yield lambda: Early(nn.ReLU()), AttributeError, "cannot assign module before Module.__init__() call"
    yield lambda: setattr(net, "extra", suiren.zeros(1)), TypeError, "cannot assign 'torch.FloatTensor' as parameter 'extra' (torch.nn.Parameter or None expected)"
    yield lambda: setattr(net, "fc1", 3), TypeError, "cannot assign 'int' as child module 'fc1' (torch.nn.Module or None expected)"
    yield lambda: setattr(net, "scale", 3), TypeError, "cannot assign 'int' as buffer 'scale' (torch.nn.Buffer, torch.Tensor or None expected)"
    yield lambda: net.register_parameter(1, None), TypeError, "parameter name should be a string. Got int"
    yield lambda: net.register_parameter("a.b", None), KeyError, 'parameter name can\\\'t contain "."'
    yield lambda: net.register_parameter("", None), KeyError, 'parameter name can\\\'t be empty string ""'
    yield lambda: net.register_parameter("fc1", None), KeyError, "attribute 'fc1' already exists"
    yield lambda: net.register_parameter("p", suiren.zeros(1)), TypeError, "cannot assign 'torch.FloatTensor' object to parameter 'p' (torch.nn.Parameter or None required)"
    yield lambda: net.register_buffer("forward", None), KeyError, "attribute 'forward' already exists"
    yield lambda: net.register_buffer("b", 1), TypeError, "cannot assign 'int' object to buffer 'b' (torch Tensor or None required)"
    yield lambda: net.add_module("m", 1), TypeError, "int is not a Module subclass"
    yield lambda: net.add_module("a.b", nn.ReLU()), KeyError, 'module name can\\\'t contain ".", got: a.b'
    yield lambda: nn.Module(3), TypeError, "Module.__init__() takes 1 positional argument but 2 were given"
    yield lambda: nn.Module(a=3), TypeError, "Module.__init__() got an unexpected keyword argument 'a'"
    yield lambda: nn.Module()(1), NotImplementedError, 'Module [Module] is missing the required "forward" function'
    yield lambda: net.train(1), ValueError, "training mode is expected to be boolean"
    yield lambda: net.to(suiren.int64), TypeError, "nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.int64"
    yield lambda: net.get_submodule("fc1.x"), AttributeError, "Linear has no attribute `x`"
    yield lambda: net.get_submodule("extra"), AttributeError, "`extra` is not an nn.Module"
    yield lambda: net.get_parameter("scale"), AttributeError, "`scale` is not an nn.Parameter"
    yield lambda: net.get_buffer("extra"), AttributeError, "`extra` is not a buffer"
    yield lambda: nn.Parameter([1.0]), TypeError, "must be Tensor, not list"
    yield lambda: nn.Parameter(suiren.zeros(1, dtype=suiren.int64)), RuntimeError, "Only Tensors of floating point and complex dtype can require gradients"
    yield lambda: net.load_state_dict([1]), TypeError, "Expected state_dict to be dict-like, got <class 'list'>."


@pytest.mark.parametrize("i", range(26))
def test_errors(i):
    call, error, text = list(errors())[i]
    with pytest.raises(error) as caught:
        call()
    assert text.replace("\\\\'", "\\'") in str(caught.value)


def test_a_non_leaf_is_no_parameter():
    net = Net()
    p = nn.Parameter(suiren.zeros(1))
    shared = suiren.nn.parameter.sharing(nn.Parameter, p * 2, True)
    net.register_parameter("q", shared)  # a parameter of a result's storage is a leaf of its own
    assert net.q.is_leaf


def test_a_parameter_without_a_shape_computes_nothing():
    weight = nn.LazyLinear(2).weight
    for use in (lambda: weight + 1, lambda: 1 - weight, lambda: weight.sum(), lambda: weight.add_(1), lambda: weight @ weight):
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter in"):
            use()
    assert weight.to(suiren.float64).dtype is suiren.float64
    weight.materialize((2, 3))
    assert (weight * 0).shape == (2, 3)


# ---------------------------------------------------------------- walking


def test_walking():
    net = nn.Sequential(Net(), nn.Sequential(nn.Linear(1, 1)))
    assert [n for n, _ in net.named_parameters()] == [
        "0.extra", "0.fc1.weight", "0.fc1.bias", "0.fc2.weight", "1.0.weight", "1.0.bias",
    ]  # fmt: skip
    assert [n for n, _ in net.named_parameters(prefix="m", recurse=False)] == []
    assert [n for n, _ in net.named_modules()] == ["", "0", "0.fc1", "0.act", "0.fc2", "1", "1.0"]
    assert [n for n, _ in net.named_children()] == ["0", "1"]
    assert [n for n, _ in net.named_buffers()] == ["0.scale", "0.hidden"]
    net[1].append(net[0].fc1)  # shared modules are walked once
    assert len(list(net.modules())) == 7
    assert len(list(net.modules(remove_duplicate=False))) == 8
    assert len(list(net.parameters())) == 6
    assert len(list(net.named_parameters(remove_duplicate=False))) == 8
    assert net.get_submodule("0.fc1") is net[0].fc1
    assert net.get_parameter("0.fc1.bias") is net[0].fc1.bias
    assert net.get_buffer("0.scale") is net[0].scale
    net.set_submodule("0.act", nn.Tanh())
    assert isinstance(net[0].act, nn.Tanh)
    seen = []
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen[-1] == "Sequential"
    assert seen[0] == "Linear"


def test_modes_and_gradients():
    net = Net()
    assert net.training
    assert not net.eval().fc1.training
    assert net.train().fc1.training
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    net.requires_grad_()
    net(suiren.ones(4, 2)).sum().backward()
    assert net.fc1.weight.grad is not None
    net.zero_grad(set_to_none=False)
    assert net.fc2.weight.grad.tolist() == [[0.0, 0.0, 0.0]]
    net.zero_grad()
    assert net.fc1.weight.grad is None


def test_conversions_keep_the_parameters():
    net = Net()
    weight, values = net.fc1.weight, net.fc1.weight.tolist()
    net(suiren.ones(4, 2)).sum().backward()
    net.double()
    assert net.fc1.weight is weight
    assert weight.dtype is suiren.float64
    assert weight.requires_grad
    assert weight.is_leaf
    assert weight.grad.dtype is suiren.float64
    assert net.scale.dtype is suiren.float64
    assert weight.tolist() == values
    assert net(suiren.ones(4, 2, dtype=suiren.float64)).dtype is suiren.float64
    assert net.to("cpu", suiren.float32).fc1.weight.dtype is suiren.float32
    assert net.half().fc1.weight.dtype is suiren.float16
    consistent(net)
    with pytest.raises(AssertionError, match="CUDA"):
        net.cuda()


# ---------------------------------------------------------------- text


def test_text():
    assert repr(Net()) == (
        "Net(\n  (fc1): Linear(in_features=2, out_features=3, bias=True)\n  (act): ReLU()\n"
        "  (fc2): Linear(in_features=3, out_features=1, bias=False)\n)"
    )

    class Told(nn.Module):
        def extra_repr(self):
            return "one\ntwo"

    assert repr(Told()) == "Told(\n  one\n  two\n)"
    assert repr(nn.Module()) == "Module()"
    assert repr(nn.Parameter(suiren.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


# ---------------------------------------------------------------- states


def test_state_dict():
    net = Net()
    state = net.state_dict()
    assert list(state) == ["extra", "scale", "fc1.weight", "fc1.bias", "fc2.weight"]
    assert state._metadata["fc1"] == {"version": 1}
    assert not state["extra"].requires_grad
    assert net.state_dict(keep_vars=True)["extra"] is net.extra
    assert list(net.state_dict(prefix="net."))[0] == "net.extra"
    state["extra"].fill_(5)  # it shares the module's memory
    assert net.extra.tolist() == [5, 5]
    other = Net()
    found = other.load_state_dict(state)
    assert str(found) == "<All keys matched successfully>"
    x = suiren.ones(4, 2)
    assert other(x).tolist() == net(x).tolist()
    assert other.extra is not net.extra


def test_loading_what_does_not_fit():
    net = Net()
    state = OrderedDict(net.state_dict())
    state["more.weight"] = state.pop("extra")
    state["fc1.bias"] = suiren.zeros(5)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Net:\n\t"
        'Missing key(s) in state_dict: "extra". \n\t'
        'Unexpected key(s) in state_dict: "more.weight". \n\t'
        "size mismatch for fc1.bias: copying a param with shape torch.Size([5]) from checkpoint, "
        "the shape in current model is torch.Size([3])."
    )
    state["fc1.bias"] = suiren.ones(3)
    found = net.load_state_dict(state, strict=False)
    assert found.missing_keys == ["extra"]
    assert found.unexpected_keys == ["more.weight"]
    assert str(found) == "_IncompatibleKeys(missing_keys=['extra'], unexpected_keys=['more.weight'])"
    assert net.fc1.bias.tolist() == [1, 1, 1]
    state["fc1.bias"] = [1, 2, 3]
    with pytest.raises(RuntimeError, match='the parameter named "fc1.bias", expected torch.Tensor or Tensor-like object'):
        net.load_state_dict(state, strict=False)


def test_loading_by_assignment():
    net = Net()
    given = {k: v.double() for k, v in net.state_dict().items()}
    net.load_state_dict(given, assign=True)
    assert net.fc1.weight.dtype is suiren.float64
    assert isinstance(net.fc1.weight, nn.Parameter)
    assert net.fc1.weight.requires_grad
    assert net.scale is given["scale"]
    consistent(net)


def test_loading_into_a_0_dim_parameter():
    module = nn.Module()
    module.p = nn.Parameter(suiren.tensor(1.0))
    module.load_state_dict({"p": suiren.tensor([3.0])})
    assert module.p.item() == 3.0


def test_extra_state_and_hooks():
    class Counted(nn.Linear):
        count = 3

        def get_extra_state(self):
            return self.count

        def set_extra_state(self, state):
            self.count = state

    module, seen = Counted(1, 1), []
    module.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append("pre"))
    module.register_state_dict_post_hook(lambda m, state, prefix, meta: state.pop("bias") and None)
    state = module.state_dict()
    assert list(state) == ["weight", "_extra_state"]
    other = Counted(1, 1)
    other.count = 0
    other.register_load_state_dict_pre_hook(lambda m, *args: seen.append(m is other))
    other.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert other.count == 3
    assert seen == ["pre", True]


def test_copies(tier):
    net = Net()
    x = suiren.ones(4, 2)
    expected = net(x).tolist()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), copy.copy(net)):
        consistent(other)
        assert other(x).tolist() == expected
        assert repr(other) == repr(net)
    assert other.fc1 is net.fc1
    deep = copy.deepcopy(net)
    with suiren.no_grad():
        deep.fc1.weight.zero_()
    assert net(x).tolist() == expected
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    again = copy.deepcopy(tied)
    assert again[1].weight is again[0].weight


# ---------------------------------------------------------------- calls


def test_a_call_without_hooks_is_forward():
    class Any(nn.Module):
        def forward(self, *args, **kwargs):
            return args, kwargs

    assert Any()(1, 2, a=3) == ((1, 2), {"a": 3})
    module = Any()
    module.forward = lambda x: x + 1  # an instance's own forward, as some programs set it
    assert module(1) == 2


def test_values_follow_the_module(tier):
    net = nn.Linear(2, 1)
    for value in (1.0, 2.0, 3.0):
        net.weight.data = suiren.full((1, 2), value)
        with suiren.no_grad():
            net.bias.zero_()
        np.testing.assert_array_equal(net(suiren.ones(1, 2)).detach().numpy(), [[2 * value]])
