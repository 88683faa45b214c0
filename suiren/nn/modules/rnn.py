"""Recurrent networks as modules. Source: torch/nn/modules/rnn.py"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable
from typing import Any

from suiren.api.creation import empty, zeros
from suiren.nn import init
from suiren.nn.functional import recurrent
from suiren.nn.modules.module import Module
from suiren.nn.parameter import Parameter
from suiren.nn.utils.rnn import PackedSequence
from suiren.tensor import Tensor

# mode: (function, gates)
_MODES: dict[str, tuple[Callable, int]] = {
    "LSTM": (recurrent.lstm, 4),
    "GRU": (recurrent.gru, 3),
    "RNN_TANH": (recurrent.rnn_tanh, 1),
    "RNN_RELU": (recurrent.rnn_relu, 1),
}


def _permuted(t: Tensor, permutation: Tensor | None) -> Tensor:
    return t if permutation is None else t.index_select(1, permutation)


class RNNBase(Module):
    """What RNN, LSTM and GRU have in common: layers of one or two directions, each with the weights of all gates as one matrix."""

    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None,
    ):  # fmt: skip
        super().__init__()
        _check_options(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        gate_size, seen = _MODES[mode][1] * hidden_size, proj_size or hidden_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            below = input_size if layer == 0 else seen * self._directions
            for suffix in ("", "_reverse")[: self._directions]:
                shapes = {"weight_ih": (gate_size, below), "weight_hh": (gate_size, seen)}
                if bias:
                    shapes |= {"bias_ih": (gate_size,), "bias_hh": (gate_size,)}
                if proj_size > 0:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                for name, shape in zip(names, shapes.values()):
                    setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(names)
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name, None) for names in self._all_weights for name in names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of every direction of every layer."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing to do: it puts the weights together for cuDNN."""

    def reset_parameters(self) -> None:
        """All parameters drawn uniformly from ±1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    # ------------------------------------------------------------ checks

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """RuntimeError or ValueError for an input whose dims, size or dtype do not fit."""
        kind = getattr(self, self._all_weights[0][0]).dtype
        if input.dtype is not kind:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({kind}). Convert input: input.to({kind}), "
                f"or convert model: model.to({input.dtype})"
            )
        wanted = 3 if batch_sizes is None else 2
        if input.dim() != wanted:
            raise RuntimeError(f"input must have {wanted} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}")

    def _batch(self, input: Tensor, batch_sizes: Tensor | None) -> int:
        return int(batch_sizes[0]) if batch_sizes is not None else input.size(0 if self.batch_first else 1)

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of h."""
        return self.num_layers * self._directions, self._batch(input, batch_sizes), self.proj_size or self.hidden_size

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of an LSTM's c."""
        return self.num_layers * self._directions, self._batch(input, batch_sizes), self.hidden_size

    def check_hidden_size(self, hx: Tensor, expected_hidden_size: tuple, msg: str = "Expected hidden size {}, got {}") -> None:
        """RuntimeError for a hidden state of another size."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """RuntimeError or ValueError for inputs that do not fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The hidden state of the sequences in another order."""
        return _permuted(hx, permutation)

    # ------------------------------------------------------------ forward

    def _check_given(self, hx: Any, batched: bool) -> None:
        if hx.dim() != (3 if batched else 2):
            kind, dims = ("batched 3-D", 3) if batched else ("unbatched 2-D", 2)
            raise RuntimeError(f"For {kind} input, hx should also be {dims}-D but got {hx.dim()}-D tensor")

    def _initial(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def _each(self, f: Callable[[Tensor], Tensor], hx: Any) -> Any:
        return f(hx)

    def _word(self) -> str:
        return type(self).__name__

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            hx = self._initial(data, batch_sizes) if hx is None else self.permute_hidden(hx, order)
            self.check_forward_args(data, hx, batch_sizes)
            y, hidden = self._call(data, hx, batch_sizes)
            return PackedSequence(y, batch_sizes, order, back), self.permute_hidden(hidden, back)
        if input.dim() not in (2, 3):
            raise ValueError(f"{self._word()}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        batched, batch_dim = input.dim() == 3, 0 if self.batch_first else 1
        if hx is not None:
            self._check_given(hx, batched)
        if not batched:
            input = input.unsqueeze(batch_dim)
            hx = None if hx is None else self._each(lambda h: h.unsqueeze(1), hx)
        if hx is None:
            hx = self._initial(input, None)
        self.check_forward_args(input, hx, None)
        y, hidden = self._call(input, hx, None)
        if batched:
            return y, hidden
        return y.squeeze(batch_dim), self._each(lambda h: h.squeeze(1), hidden)

    def _call(self, x: Tensor, hx: Any, batch_sizes: Tensor | None) -> tuple[Tensor, Any]:
        function = _MODES[self.mode][0]
        options = (self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if batch_sizes is None:
            y, *hidden = function(x, hx, *options, self.batch_first)
        else:
            y, *hidden = function(x, batch_sizes, hx, *options)
        return y, hidden[0] if len(hidden) == 1 else tuple(hidden)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        shown = (
            ("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0), ("bidirectional", False),
        )  # fmt: skip
        return text + "".join(f", {name}={getattr(self, name)}" for name, usual in shown if getattr(self, name) != usual)


def _check_options(mode: str, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool, dropout: float, proj_size: int):
    if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):
        raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element being zeroed")
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, "
            f"but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )
    for name, value, kind in (
        ("bias", bias, bool), ("batch_first", batch_first, bool), ("input_size", input_size, int), ("hidden_size", hidden_size, int),
    ):  # fmt: skip
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if mode not in _MODES:
        raise ValueError("Unrecognized RNN mode: " + mode)


class RNN(RNNBase):
    """tanh, or relu, of the projected input and hidden state: (T, B, input_size) to ((T, B, hidden_size), the last hidden states).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html
    """

    def __init__(self, *args: Any, **kwargs: Any):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_TANH" if nonlinearity == "tanh" else "RNN_RELU", *args, **kwargs)
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """Reset, update and new gates: (T, B, input_size) to ((T, B, hidden_size), the last hidden states).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html
    """

    def __init__(self, *args: Any, **kwargs: Any):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Input, forget, cell and output gates: (T, B, input_size) to ((T, B, hidden_size), (the last hidden states, the last cells)).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__("LSTM", *args, **kwargs)

    def _initial(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return super()._initial(input, batch_sizes), zeros(self.get_expected_cell_size(input, batch_sizes), dtype=input.dtype)

    def _each(self, f: Callable[[Tensor], Tensor], hx: Any) -> Any:
        return f(hx[0]), f(hx[1])

    def _check_given(self, hx: Any, batched: bool) -> None:
        dims = 3 if batched else 2
        if hx[0].dim() != dims or hx[1].dim() != dims:
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(f"For {kind} input, hx and cx should also be {dims}-D but got ({hx[0].dim()}-D, {hx[1].dim()}-D) tensors")

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """RuntimeError or ValueError for inputs that do not fit."""
        self.check_input(input, batch_sizes)
        for i, size in enumerate((self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes))):
            self.check_hidden_size(hidden[i], size, f"Expected hidden[{i}] size {{}}, got {{}}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The hidden state and cell of the sequences in another order."""
        return _permuted(hx[0], permutation), _permuted(hx[1], permutation)


# ---------------------------------------------------------------- single steps


class RNNCellBase(Module):
    """The weights of one step."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All parameters drawn uniformly from ±1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _step(self, function: Callable, input: Tensor, hx: Any) -> Any:
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        several = function is recurrent.lstm_cell
        states = None if hx is None else tuple(hx) if several else (hx,)
        for i, h in enumerate(states or ()):
            if h.dim() not in (1, 2):
                raise ValueError(f"{name}: Expected {f'hx[{i}]' if several else 'hidden'} to be 1D or 2D, got {h.dim()}D instead")
        single = input.dim() == 1
        if single:
            input, states = input.unsqueeze(0), states and tuple(h.unsqueeze(0) for h in states)
        if states is None:
            states = (zeros(input.size(0), self.hidden_size, dtype=input.dtype),) * (2 if several else 1)
        found = function(input, states if several else states[0], self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        if not single:
            return found
        return tuple(h.squeeze(0) for h in found) if several else found.squeeze(0)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else text + f", nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """One step of an RNN: (B, input_size) and (B, hidden_size) to (B, hidden_size)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None, dtype: Any = None
    ):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        function = {"tanh": recurrent.rnn_tanh_cell, "relu": recurrent.rnn_relu_cell}.get(self.nonlinearity)
        if function is None:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(function, input, hx)


class LSTMCell(RNNCellBase):
    """One step of an LSTM: (B, input_size) and (h, c) to (h, c)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        return self._step(recurrent.lstm_cell, input, hx)


class GRUCell(RNNCellBase):
    """One step of a GRU: (B, input_size) and (B, hidden_size) to (B, hidden_size)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(recurrent.gru_cell, input, hx)


__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]
