"""Attention. Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html

All of it is products, a softmax and a product: a compiled program makes one kernel of what lies between them.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from suiren.api import casting
from suiren.api.activation import softmax
from suiren.api.arguments import check_tensor
from suiren.api.composites import composite
from suiren.api.joining import cat
from suiren.dtypes import bool_, dtype
from suiren.nn.functional.dropout import dropout
from suiren.nn.functional.linear import linear
from suiren.nn.functional.padding import pad
from suiren.ops.compare import where
from suiren.tensor import Tensor


def _check_attention(query: Tensor, key: Tensor, value: Tensor) -> None:
    for i, (name, t) in enumerate((("query", query), ("key", key), ("value", value)), 1):
        check_tensor("scaled_dot_product_attention", t, name, i)
    if not query.dtype is key.dtype is value.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{_c_name(query)} key.dtype: {_c_name(key)} and value.dtype: {_c_name(value)} instead."
        )
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.dim()} key.dim: {key.dim()} and value.dim: {value.dim()} instead."
        )


def _c_name(t: Tensor) -> str:
    from suiren.api.arguments import C_WORDS

    return C_WORDS.get(t.dtype.name, t.dtype.name)


@casting.lower
@composite
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """softmax(query @ key.T * scale + mask) @ value: (…, L, E), (…, S, E), (…, S, V) to (…, L, V).

    A bool mask says where to look; another is added; a place that may look nowhere gets zeros. `is_causal`: a place looks at no later one.
    `enable_gqa`: a head of the keys and values serves several of the queries. RuntimeError for sizes and dtypes that do not fit.
    """
    _check_attention(query, key, value)
    if is_causal and attn_mask is not None and dropout_p > 0.0:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if enable_gqa:
        heads = query.size(-3)
        if heads % key.size(-3) or heads % value.size(-3):
            raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
        key, value = key.repeat_interleave(heads // key.size(-3), -3), value.repeat_interleave(heads // value.size(-3), -3)
    factor = 1 / math.sqrt(query.size(-1)) if scale is None else scale
    scores = query @ key.transpose(-2, -1) * factor
    if is_causal:
        scores = where(query.new_ones(query.size(-2), key.size(-2), dtype=bool_).tril(), scores, -math.inf)
    if attn_mask is None:
        weights = softmax(scores, -1)
    else:
        scores = where(attn_mask, scores, -math.inf) if attn_mask.dtype is bool_ else scores + attn_mask
        weights = where((scores == -math.inf).all(-1, keepdim=True), 0.0, softmax(scores, -1))
    return dropout(weights, dropout_p, dropout_p > 0.0) @ value


# ---------------------------------------------------------------- several heads


def canonical_mask(
    mask: Tensor | None, mask_name: str, other_type: dtype | None, other_name: str, target_type: dtype, check_other: bool = True
) -> Tensor | None:
    """A mask to be added: -inf where a bool mask is True. AssertionError for a mask of integers."""
    if mask is None:
        return None
    is_float = mask.is_floating_point()
    if mask.dtype is not bool_ and not is_float:
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype is not other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.", stacklevel=3
        )
    return mask if is_float else mask.new_zeros(mask.shape, dtype=target_type).masked_fill(mask, -math.inf)


def dtype_of(mask: Tensor | None) -> dtype | None:
    """The dtype of a mask, None of None."""
    return None if mask is None else mask.dtype


def _check_shapes(query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None, attn_mask: Tensor | None, heads: int) -> bool:
    """Whether there is a batch. AssertionError for dims that do not fit."""
    dims = query.dim()
    if dims not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor")
    which = "batched (3-D)" if dims == 3 else "unbatched (2-D)"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"For {which} `query`, expected `key` and `value` to be {dims}-D but found {key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != dims - 1:
        raise AssertionError(
            f"For {which} `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D but found {key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(
                f"For {which} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead"
            )
        expected = (heads, query.shape[0], key.shape[0])
        if dims == 2 and attn_mask.dim() == 3 and attn_mask.shape != expected:
            raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}")
    return dims == 3


def _projected(query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, ...]:
    """q, k and v by one matrix (3 E, E): one product for what is the same tensor."""
    size = query.size(-1)
    if key is value and query is key:
        return linear(query, weight, bias).chunk(3, -1)
    if key is value:
        w_q, w_kv = weight.split([size, 2 * size])
        b_q, b_kv = (None, None) if bias is None else bias.split([size, 2 * size])
        return linear(query, w_q, b_q), *linear(key, w_kv, b_kv).chunk(2, -1)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(linear(x, w, b) for x, w, b in zip((query, key, value), weight.chunk(3), biases))


def _projected_apart(inputs: tuple[Tensor, ...], weights: tuple, bias: Tensor | None) -> tuple[Tensor, ...]:
    """q, k and v by a matrix of each. AssertionError for sizes that do not fit."""
    size = inputs[0].size(-1)
    for name, x, w in zip(("query", "key", "value"), inputs, weights):
        if w is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name[0]}_proj_weight is None")
        if w.shape != (size, x.size(-1)):
            raise AssertionError(f"expecting {name} weights shape of {(size, x.size(-1))}, but got {w.shape}")
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(linear(x, w, b) for x, w, b in zip(inputs, weights, biases))


def _check_mask(mask: Tensor, target: int, source: int, batch: int, heads: int) -> Tensor:
    """The mask with a dim of heads first. RuntimeError for a shape that does not fit."""
    expected = (target, source) if mask.dim() == 2 else (batch * heads, target, source)
    if mask.dim() not in (2, 3):
        raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
    if mask.shape != expected:
        raise RuntimeError(f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {expected}.")
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _split(x: Tensor, static: Tensor | None, name: str, batch_heads: int, head_size: int) -> Tensor:
    """(T, B, E) -> (B * heads, T, E / heads), or what is given in its place."""
    if static is None:
        return x.reshape(x.shape[0], batch_heads, head_size).transpose(0, 1)
    for dim, size in ((0, batch_heads), (2, head_size)):
        if static.size(dim) != size:
            raise AssertionError(f"expecting {name}.size({dim}) of {size}, but got {static.size(dim)}")
    return static


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True, key_padding_mask: Tensor | None = None,
    need_weights: bool = True, attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None, static_v: Tensor | None = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attention with several heads: (L, B, E), (S, B, Ek), (S, B, Ev), or without B, to (the result (L, B, E), the weights (B, L, S) or None).

    RuntimeError or AssertionError for sizes that do not fit.
    """
    is_batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not is_batched:
        with_batch = {id(t): t.unsqueeze(1) for t in (query, key, value)}  # what is the same tensor stays so
        query, key, value = with_batch[id(query)], with_batch[id(key)], with_batch[id(value)]
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    target, batch, size = query.shape
    source = key.shape[0]
    key_padding_mask = canonical_mask(key_padding_mask, "key_padding_mask", dtype_of(attn_mask), "attn_mask", query.dtype)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask, is_causal = canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False), False
    if size != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}")
    head_size = size // num_heads
    if head_size * num_heads != size:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}")
        q, k, v = _projected_apart((query, key, value), (q_proj_weight, k_proj_weight, v_proj_weight), in_proj_bias)
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    if attn_mask is not None:
        attn_mask = _check_mask(attn_mask, target, source, batch, num_heads)
    masks = [attn_mask, key_padding_mask]
    if bias_k is not None and bias_v is not None:
        for name, static in (("key", static_k), ("value", static_v)):
            if static is not None:
                raise AssertionError(f"bias cannot be added to static {name}.")
        k, v = cat([k, bias_k.repeat(1, batch, 1)]), cat([v, bias_v.repeat(1, batch, 1)])
        masks = [None if m is None else pad(m, (0, 1)) for m in masks]
    elif bias_k is not None or bias_v is not None:
        has, lacks = ("bias_k", "bias_v") if bias_v is None else ("bias_v", "bias_k")
        raise AssertionError(f"{has} is set but {lacks} is None")
    rows = batch * num_heads
    q = _split(q, None, "query", rows, head_size)
    k, v = _split(k, static_k, "static_k", rows, head_size), _split(v, static_v, "static_v", rows, head_size)
    if add_zero_attn:
        zeros = k.new_zeros(rows, 1, head_size)
        k, v = cat([k, zeros], 1), cat([v, zeros], 1)
        masks = [None if m is None else pad(m, (0, 1)) for m in masks]
    mask = _merged(*masks, batch, num_heads, k.size(1))
    found = _attended(q, k, v, mask, dropout_p if training else 0.0, is_causal, need_weights)
    y = found[0].transpose(0, 1).reshape(target * batch, size)
    y = linear(y, out_proj_weight, out_proj_bias)
    y = y.reshape(target, batch, y.size(1))
    weights = found[1]
    if weights is not None:
        weights = weights.reshape(batch, num_heads, target, k.size(1))
        weights = weights.mean(1) if average_attn_weights else weights
    if not is_batched:
        return y.squeeze(1), None if weights is None else weights.squeeze(0)
    return y, weights


def _merged(attn_mask: Tensor | None, key_padding_mask: Tensor | None, batch: int, heads: int, source: int) -> Tensor | None:
    if key_padding_mask is None:
        return attn_mask
    if key_padding_mask.shape != (batch, source):
        raise AssertionError(f"expecting key_padding_mask shape of {(batch, source)}, but got {key_padding_mask.shape}")
    over_heads = key_padding_mask.reshape(batch, 1, 1, source).expand(-1, heads, -1, -1).reshape(batch * heads, 1, source)
    return over_heads if attn_mask is None else attn_mask + over_heads


def _attended(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float, is_causal: bool, need_weights: bool
) -> tuple[Tensor, Any]:
    """(attention of (B * heads, T, E / heads), its weights if they are wanted)."""
    if not need_weights:
        return scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal), None
    scores = q * math.sqrt(1.0 / q.size(-1)) @ k.transpose(-2, -1)
    weights = softmax(scores if mask is None else scores + mask, -1)
    if dropout_p > 0.0:
        weights = dropout(weights, dropout_p)
    return weights @ v, weights


__all__ = ["canonical_mask", "dtype_of", "multi_head_attention_forward", "scaled_dot_product_attention"]
