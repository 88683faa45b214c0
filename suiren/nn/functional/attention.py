"""Attention. Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html"""

from __future__ import annotations

import math

from suiren.api.activation import softmax
from suiren.dtypes import bool_
from suiren.nn.functional.dropout import dropout
from suiren.ops.compare import where
from suiren.tensor import Tensor


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """softmax(query @ key.T * scale + mask) @ value: (…, L, E), (…, S, E), (…, S, V) to (…, L, V).

    A bool mask says where to look; another is added. `is_causal`: a place looks at no later one. RuntimeError for sizes that do not fit.
    """
    if enable_gqa:  # each key and value serves several heads of the query
        key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
        value = value.repeat_interleave(query.size(-3) // value.size(-3), -3)
    length, source = query.size(-2), key.size(-2)
    factor = 1 / math.sqrt(query.size(-1)) if scale is None else scale
    scores = query @ key.transpose(-2, -1) * factor
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
        attn_mask = query.new_ones(length, source, dtype=bool_).tril()
    if attn_mask is not None:
        scores = where(attn_mask, scores, -math.inf) if attn_mask.dtype is bool_ else scores + attn_mask
    return dropout(softmax(scores, -1), dropout_p, dropout_p > 0.0) @ value


__all__ = ["scaled_dot_product_attention"]
