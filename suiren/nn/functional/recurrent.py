"""Recurrent networks: RNN, LSTM and GRU over whole sequences, and their single steps. Source: aten/src/ATen/native/RNN.cpp

The inputs of all steps are projected by one matrix product; a step then is one product with the hidden state and the gates. A packed sequence is
the same loop with fewer rows from step to step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suiren.api import casting
from suiren.api.composites import composite
from suiren.api.joining import cat, stack
from suiren.api.linalg import addmm, mm
from suiren.nn.functional.dropout import dropout as drop
from suiren.nn.functional.linear import linear
from suiren.ops.elementary import sigmoid, tanh
from suiren.ops.movement import permute
from suiren.ops.pointwise import add, mul, sub
from suiren.tensor import Tensor

Hidden = tuple[Tensor, ...]  # (h,), of an LSTM (h, c)


class _Weights:
    """The parameters of one direction of one layer: weight_ih, weight_hh, [bias_ih, bias_hh], [weight_hr]."""

    def __init__(self, given: list[Tensor], has_biases: bool):
        self.ih, self.hh = given[0], permute(given[1], dims=(1, 0))
        self.bias_ih, self.bias_hh = given[2:4] if has_biases else (None, None)
        rest = given[4:] if has_biases else given[2:]
        self.hr = permute(rest[0], dims=(1, 0)) if rest else None


# ---------------------------------------------------------------- one step: (projected input, hidden, weights) to hidden


def _gates(projected: Tensor, count: int) -> tuple[Tensor, ...]:
    return projected.chunk(count, 1)


def _lstm_step(x: Tensor, hidden: Hidden, weights: _Weights) -> Hidden:
    h, c = hidden
    i, f, g, o = _gates(add(x, mm(h, weights.hh)), 4)
    c = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)))
    h = mul(sigmoid(o), tanh(c))
    return (h if weights.hr is None else mm(h, weights.hr)), c


def _gru_step(x: Tensor, hidden: Hidden, weights: _Weights) -> Hidden:
    (h,) = hidden
    from_hidden = mm(h, weights.hh) if weights.bias_hh is None else addmm(weights.bias_hh, h, weights.hh)
    (r, z, n), (hr, hz, hn) = _gates(x, 3), _gates(from_hidden, 3)
    new = tanh(add(n, mul(sigmoid(add(r, hr)), hn)))
    return (add(mul(sub(h, new), sigmoid(add(z, hz))), new),)


def _tanh_step(x: Tensor, hidden: Hidden, weights: _Weights) -> Hidden:
    return (tanh(add(x, mm(hidden[0], weights.hh))),)


def _relu_step(x: Tensor, hidden: Hidden, weights: _Weights) -> Hidden:
    return (add(x, mm(hidden[0], weights.hh)).relu(),)


def _projected(x: Tensor, weights: _Weights, step: Callable) -> Tensor:
    bias = weights.bias_ih
    if bias is not None and step is not _gru_step:  # a GRU's reset gate multiplies the hidden bias too
        bias = add(bias, weights.bias_hh)
    return linear(x, weights.ih, bias)


# ---------------------------------------------------------------- sequences


def _forward(step: Callable, inputs: list[Tensor], hidden: Hidden, weights: _Weights) -> tuple[list[Tensor], Hidden]:
    """The outputs of all steps, and the last hidden state of every sequence; the longest sequences come first."""
    outputs, ended = [], []
    for x in inputs:
        rows, now = x._spec.shape[0], hidden[0]._spec.shape[0]
        if rows < now:
            ended.append(tuple(h[rows:] for h in hidden))
            hidden = tuple(h[:rows] for h in hidden)
        hidden = step(x, hidden, weights)
        outputs.append(hidden[0])
    if ended:
        hidden = tuple(cat(list(parts), 0) for parts in zip(hidden, *reversed(ended)))
    return outputs, hidden


def _backward(step: Callable, inputs: list[Tensor], hidden: Hidden, weights: _Weights) -> tuple[list[Tensor], Hidden]:
    """The same from the last step to the first: shorter sequences join later."""
    outputs, first = [], inputs[-1]._spec.shape[0]
    state = hidden if first == hidden[0]._spec.shape[0] else tuple(h[:first] for h in hidden)
    for x in reversed(inputs):
        rows, now = x._spec.shape[0], state[0]._spec.shape[0]
        if rows > now:
            state = tuple(cat([s, h[now:rows]], 0) for s, h in zip(state, hidden))
        state = step(x, state, weights)
        outputs.append(state[0])
    return outputs[::-1], state


def _run(
    step: Callable, x: Tensor, sizes: tuple[int, ...] | None, states: list[Hidden], weights: list[_Weights], layers: int, dropout: float,
    train: bool, bidirectional: bool,
) -> tuple[Tensor, list[Hidden]]:  # fmt: skip
    """x (T, B, I), or packed (elements, I) with the `sizes` of its steps, through all layers: the last one's outputs, and all last hidden states."""
    ways = (_forward, _backward) if bidirectional else (_forward,)
    lasts = []
    for layer in range(layers):
        found = []
        for d, scan in enumerate(ways):
            at = layer * len(ways) + d
            projected = _projected(x, weights[at], step)
            inputs = projected.unbind(0) if sizes is None else projected.split(sizes, 0)
            outputs, last = scan(step, inputs, states[at], weights[at])
            found.append(stack(outputs, 0) if sizes is None else cat(outputs, 0))
            lasts.append(last)
        x = cat(found, x._spec.ndim - 1) if len(found) > 1 else found[0]
        if dropout and train and layer < layers - 1:
            x = drop(x, dropout, True)
    return x, lasts


def _network(step: Callable, name: str, several: bool) -> Callable:
    def f(*args: Any) -> tuple[Tensor, ...]:
        if not isinstance(args[3], bool):  # packed: the parameters stand there
            x, batch_sizes, hx, params, has_biases, layers, dropout, train, bidirectional = args
            sizes, batch_first = batch_sizes.tolist(), False
        else:
            x, hx, params, has_biases, layers, dropout, train, bidirectional, batch_first = args
            sizes = None
        if casting.on and casting.here.enabled and several and sizes is None and hx[0]._spec.shape[2] == hx[1]._spec.shape[2]:
            # PyTorch runs such an LSTM as one listed operation; of the others each product is listed
            return casting.lowered(f, *args)
        hx = tuple(hx) if several else (hx,)
        if batch_first:
            x = x.transpose(0, 1)
        options = (has_biases, layers, dropout, train, bidirectional)
        y, *lasts = _recurrent(step, None if sizes is None else tuple(sizes), options, len(hx), x, *hx, *params)
        return (y.transpose(0, 1) if batch_first else y, *lasts)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"""torch.{name}: (input (T, B, I), hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or, packed,
    (data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional), to (outputs, last hidden states …)."""
    return f


@composite
def _recurrent(step: Callable, sizes: tuple[int, ...] | None, options: tuple, n_states: int, x: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    """x (T, B, I), or packed with the `sizes` of its steps; `tensors` are `n_states` initial states, each of all layers, and then the parameters."""
    has_biases, layers, dropout, train, bidirectional = options
    hx, params = tensors[:n_states], list(tensors[n_states:])
    cells = layers * (2 if bidirectional else 1)
    each = len(params) // cells
    weights = [_Weights(params[i * each : (i + 1) * each], has_biases) for i in range(cells)]
    states = list(zip(*[h.unbind(0) for h in hx]))
    if sizes is None and not x._spec.shape[0]:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    y, lasts = _run(step, x, sizes, states, weights, layers, dropout, train, bidirectional)
    return (y, *(stack(list(parts), 0) for parts in zip(*lasts)))


lstm = _network(_lstm_step, "lstm", True)
gru = _network(_gru_step, "gru", False)
rnn_tanh = _network(_tanh_step, "rnn_tanh", False)
rnn_relu = _network(_relu_step, "rnn_relu", False)


# ---------------------------------------------------------------- cells


def _check_cell(input: Tensor, hidden: Tensor, w_ih: Tensor, w_hh: Tensor, label: str = "") -> None:
    if input._spec.shape[1] != w_ih._spec.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input._spec.shape[1]} expected {w_ih._spec.shape[1]}")
    if input._spec.shape[0] != hidden._spec.shape[0]:
        raise RuntimeError(f"Input batch size {input._spec.shape[0]} doesn't match hidden{label} batch size {hidden._spec.shape[0]}")
    if hidden._spec.shape[1] != w_hh._spec.shape[1]:
        raise RuntimeError(f"hidden{label} has inconsistent hidden_size: got {hidden._spec.shape[1]}, expected {w_hh._spec.shape[1]}")


def _cell(step: Callable, input: Tensor, hidden: Hidden, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None) -> Hidden:
    for i, h in enumerate(hidden):
        _check_cell(input, h, w_ih, w_hh, str(i) if len(hidden) > 1 else "0")
    weights = _Weights([w_ih, w_hh] if b_ih is None else [w_ih, w_hh, b_ih, b_hh], b_ih is not None)
    return step(_projected(input, weights, step), hidden, weights)


def lstm_cell(
    input: Tensor, hx: tuple[Tensor, Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """A step of an LSTM: (B, I) and (h, c), both (B, H), to (h, c). RuntimeError for sizes that do not fit."""
    return _cell(_lstm_step, input, tuple(hx), w_ih, w_hh, b_ih, b_hh)


def gru_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Tensor:
    """A step of a GRU: (B, I) and h (B, H) to h. RuntimeError for sizes that do not fit."""
    return _cell(_gru_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Tensor:
    """tanh(input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh). RuntimeError for sizes that do not fit."""
    return _cell(_tanh_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Tensor:
    """relu(input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh). RuntimeError for sizes that do not fit."""
    return _cell(_relu_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]
