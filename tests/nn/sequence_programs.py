"""Small programs of sequences, recurrent networks and attention: `t` is torch or suiren. Each gives a list of tensors and texts; PyTorch's are recorded by tests/recorded/record_nn_programs.py."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import product

from tests.nn.evaluate import Draws, error, gradients, state

PROGRAMS: dict[str, Callable] = {}


def program(f: Callable) -> Callable:
    PROGRAMS[f.__name__] = f
    return f


# ---------------------------------------------------------------- recurrent networks

RECURRENT = {
    "plain": {},
    "two_ways": {"num_layers": 2, "bidirectional": True, "batch_first": True},
    "dropout": {"bias": False, "num_layers": 2, "dropout": 0.4},
}


def recurrent(t, kind: str, options: dict, is_packed: bool, is_given: bool) -> list:
    t.manual_seed(3)
    module, draws = getattr(t.nn, kind)(4, 5, **options), Draws(t)
    rnn, batch_first = t.nn.utils.rnn, options.get("batch_first", False)
    x, hx = draws(3, 6, 4) if batch_first else draws(6, 3, 4), None
    if is_given:
        layers = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
        hx = draws(layers, 3, options.get("proj_size") or 5)
        hx = (hx, draws(layers, 3, 5)) if kind == "LSTM" else hx
    given = rnn.pack_padded_sequence(x, [4, 6, 2], batch_first=batch_first, enforce_sorted=False) if is_packed else x
    y, last = module(given, hx)
    if is_packed:
        y = rnn.pad_packed_sequence(y, batch_first=batch_first)[0]
    last = last if isinstance(last, tuple) else (last,)
    states = () if hx is None else hx if isinstance(hx, tuple) else (hx,)
    return [repr(module), y, *last, *gradients((y, *last), x, *states, *module.parameters())]


def _register_recurrent() -> None:
    kinds = [*product(("LSTM", "GRU", "RNN"), RECURRENT.items())]
    kinds += [("LSTM", ("projected", {"proj_size": 2, "bidirectional": True})), ("RNN", ("relu", {"nonlinearity": "relu"}))]
    for kind, (name, options) in kinds:
        for is_packed in (False, True):
            def run(t, kind=kind, options=options, is_packed=is_packed):
                return recurrent(t, kind, options, is_packed, is_given=is_packed != (kind == "GRU"))

            PROGRAMS[f"{kind.lower()}_{name}{'_packed' if is_packed else ''}"] = run


_register_recurrent()


@program
def recurrent_cells(t) -> list:
    found, draws = [], Draws(t)
    for text in ("RNNCell(4, 5)", "RNNCell(4, 5, nonlinearity='relu', bias=False)", "LSTMCell(4, 5)", "GRUCell(4, 5)"):
        t.manual_seed(3)
        cell = eval("nn." + text, {"nn": t.nn})
        x = draws(3, 4)
        h = cell(x)
        h = cell(x, h)
        h = h if isinstance(h, tuple) else (h,)
        found += [repr(cell), *h, *gradients(h, x, *cell.parameters())]
        single = cell(x[0])
        found.append(single[0] if isinstance(single, tuple) else single)
        found += [error(lambda cell=cell: cell(draws(2, 3))), error(lambda cell=cell: cell(draws(1, 2, 4)))]
    return found


@program
def recurrent_errors(t) -> list:
    nn, draws = t.nn, Draws(t)
    lstm, gru = nn.LSTM(4, 5), nn.GRU(4, 5)
    return [
        *(error(f) for f in (
            lambda: nn.LSTM(4, 0), lambda: nn.LSTM(0, 4), lambda: nn.LSTM(4, 5, dropout=2), lambda: nn.LSTM(4, 5, proj_size=5),
            lambda: nn.GRU(4, 5, proj_size=2), lambda: nn.RNN(4, 5, nonlinearity="sin"), lambda: nn.LSTM(4, 5.0), lambda: nn.LSTM(4, 5, bias=1),
            lambda: lstm(draws(4)), lambda: lstm(draws(3, 2, 3)), lambda: gru(draws(3, 2, 4), draws(1, 3, 5)), lambda: gru(draws(3, 2, 4), draws(2, 5)),
            lambda: lstm(draws(3, 2, 4), (draws(1, 2, 5), draws(1, 2, 4))), lambda: lstm(draws(3, 2, 4), (draws(2, 5), draws(2, 5))),
            lambda: gru(draws(3, 2, 4).double()), lambda: lstm(draws(3, 4), (draws(1, 1, 5), draws(1, 1, 5))),
        )),
        lstm(draws(3, 4))[0], *gru(draws(3, 4), draws(1, 5)),
        [n for n, _ in nn.LSTM(2, 3, 2, bidirectional=True, proj_size=1).named_parameters()].__repr__(),
        repr([[tuple(w.shape) for w in ws] for ws in nn.GRU(2, 3, 2).all_weights]),
    ]  # fmt: skip


@program
def sequences(t) -> list:
    rnn = t.nn.utils.rnn
    given = [t.arange(4.0).reshape(4, 1), t.ones(2, 1), t.ones(3, 1) * 7]
    packed = rnn.pack_sequence(given, enforce_sorted=False)
    return [
        rnn.pad_sequence(given, True, -1), rnn.pad_sequence(given, padding_side="left"), *packed, *rnn.pad_packed_sequence(packed, True, 9.0, 6),
        *rnn.unpack_sequence(packed), *rnn.pad_packed_sequence(packed), packed.double().data, rnn.invert_permutation(t.tensor([2, 0, 1])),
        *(error(f) for f in (
            lambda: rnn.pack_sequence(given), lambda: rnn.pack_padded_sequence(t.ones(3, 2, 1), [2]), lambda: rnn.pad_sequence([]),
            lambda: rnn.pack_padded_sequence(t.ones(3, 2, 1), [2, 0]), lambda: rnn.pad_packed_sequence(packed, total_length=2),
            lambda: rnn.pack_padded_sequence(t.ones(0, 2, 1), [2, 1]), lambda: rnn.pad_sequence(3),
        )),
    ]  # fmt: skip


# ---------------------------------------------------------------- attention

ATTENTION = ({}, {"bias": False}, {"add_bias_kv": True, "add_zero_attn": True}, {"kdim": 6, "vdim": 5}, {"batch_first": True}, {"dropout": 0.3})


@program
def multihead_attention(t) -> list:
    found, draws = [], Draws(t)
    for options in ATTENTION:
        t.manual_seed(1)
        module = t.nn.MultiheadAttention(8, 2, **options)
        found += state(module)
        sizes = (8, options.get("kdim", 8), options.get("vdim", 8))
        masks = (None, t.ones(4, 5, dtype=t.bool).triu(2), draws(4, 5).detach(), draws(6, 4, 5).detach())
        for need_weights, mask, has_padding in ((True, 0, False), (False, 1, False), (True, 2, True), (False, 3, True)):
            lengths = (4, 5, 5)
            q, k, v = (draws(3, n, e) if module.batch_first else draws(n, 3, e) for n, e in zip(lengths, sizes))
            padding = t.tensor([[False] * 5, [False] * 4 + [True], [False] * 3 + [True] * 2]) if has_padding else None
            y, weights = module(
                q, k, v, need_weights=need_weights, attn_mask=masks[mask], key_padding_mask=padding, average_attn_weights=mask != 2
            )
            found += [y, repr(weights is None), *gradients(y, q, k, v), *([] if weights is None else [weights])]
        if module._qkv_same_embed_dim:
            x = draws(3, 4, 8) if module.batch_first else draws(4, 3, 8)
            causal = t.nn.Transformer.generate_square_subsequent_mask(4)
            y, _ = module(x, x, x, need_weights=False, attn_mask=causal, is_causal=True)
            found += [y, *gradients(y, x, *module.parameters()), *module(x[0], x[0], x[0])]
    return found


@program
def attention(t) -> list:
    attend, draws = t.nn.functional.scaled_dot_product_attention, Draws(t)
    q, k, v = draws(2, 4, 3, 5), draws(2, 2, 6, 5), draws(2, 2, 6, 5)
    many_k, many_v = k.repeat(1, 2, 1, 1), v.repeat(1, 2, 1, 1)
    mask = t.ones(3, 6, dtype=t.bool)
    mask[1] = False
    t.manual_seed(0)
    return [
        attend(q, k, v, enable_gqa=True, scale=0.3), attend(q, many_k, many_v, mask), attend(q, many_k, many_v, is_causal=True),
        attend(q, many_k, many_v, draws(3, 6)), attend(q, many_k, many_v, dropout_p=0.4), attend(q, many_k, many_v, ~mask, is_causal=True),
        *(error(f) for f in (
            lambda: attend(draws(2, 3), draws(2, 3).double(), draws(2, 3)), lambda: attend(draws(2), draws(2, 3), draws(2, 3)),
            lambda: attend(draws(1, 4, 2, 3), draws(1, 3, 2, 3), draws(1, 3, 2, 3), enable_gqa=True), lambda: attend(1, q, q),
        )),
    ]  # fmt: skip


@program
def attention_errors(t) -> list:
    nn, draws = t.nn, Draws(t)
    module = nn.MultiheadAttention(8, 2)
    x = draws(2, 3, 8)
    return [error(f) for f in (
        lambda: nn.MultiheadAttention(5, 2), lambda: nn.MultiheadAttention(0, 2), lambda: module(x, draws(2, 8), draws(2, 8)),
        lambda: module(draws(8), x, x), lambda: module(x, x, x, attn_mask=t.zeros(3, 3)), lambda: module(x, x, x, attn_mask=t.zeros(2, 2).long()),
        lambda: module(x, x, draws(3, 3, 8)), lambda: module(x, x, x, is_causal=True), lambda: module(x, x, x, key_padding_mask=t.zeros(2)),
        lambda: nn.TransformerEncoderLayer(8, 2, activation="x"), lambda: nn.Transformer(8, 2, 1, 1, 8)(draws(3, 3, 7), draws(3, 3, 8)),
        lambda: nn.Transformer(8, 2, 1, 1, 8)(draws(3, 2, 8), draws(3, 3, 8)),
    )]  # fmt: skip


@program
def transformers(t) -> list:
    found, draws = [], Draws(t)
    for options in ({}, {"norm_first": True, "batch_first": True, "activation": "gelu"}, {"bias": False, "dropout": 0.0}):
        t.manual_seed(2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = t.nn.Transformer(8, 2, 2, 1, 16, **options)
        source, target = draws(3, 3, 8), draws(3, 3, 8)
        padding = t.tensor([[False] * 3] * 2 + [[False, True, True]])
        y = module(source, target, tgt_mask=module.generate_square_subsequent_mask(3), tgt_is_causal=True, src_key_padding_mask=padding)
        found += [*state(module), y, *gradients(y, source, target, *list(module.parameters())[:8]), module.eval()(source, target)]
    t.manual_seed(3)
    encoder = t.nn.TransformerEncoder(t.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, t.nn.LayerNorm(8)).eval()
    with t.no_grad():  # padding is left out, if nothing comes behind it
        x = draws(2, 4, 8)
        for last in ([False, False, True, True], [False, True, True, False]):
            found.append(encoder(x, src_key_padding_mask=t.tensor([[False] * 4, last])))
        found.append(encoder(x))
    return found
