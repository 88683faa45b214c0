"""Swin Transformer, both versions. Source: https://arxiv.org/abs/2103.14030, 2111.09883; torchvision/models/swin_transformer.py"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from suiren import Tensor, cat, from_numpy, nn, no_grad, ones, roll, sigmoid, zeros
from suiren.nn import functional as F
from suiren.vision.models._api import register_model, weights_enum
from suiren.vision.ops.misc import MLP, Permute
from suiren.vision.ops.stochastic_depth import StochasticDepth

_NAMES = ("Swin_T", "Swin_S", "Swin_B", "Swin_V2_T", "Swin_V2_S", "Swin_V2_B")
__all__ = ["SwinTransformer", *(n + "_Weights" for n in _NAMES), *(n.lower() for n in _NAMES)]

Swin_T_Weights = weights_enum("Swin_T_Weights", __name__)
Swin_S_Weights = weights_enum("Swin_S_Weights", __name__)
Swin_B_Weights = weights_enum("Swin_B_Weights", __name__)
Swin_V2_T_Weights = weights_enum("Swin_V2_T_Weights", __name__)
Swin_V2_S_Weights = weights_enum("Swin_V2_S_Weights", __name__)
Swin_V2_B_Weights = weights_enum("Swin_V2_B_Weights", __name__)

Norm = Callable[..., nn.Module]


def _quartered(x: Tensor) -> Tensor:
    """Four neighbours as one place: (…, H, W, C) -> (…, H/2, W/2, 4C), padded where a side is odd."""
    h, w, _ = x.shape[-3:]
    x = F.pad(x, (0, 0, 0, w % 2, 0, h % 2))
    return cat([x[..., i::2, j::2, :] for j in (0, 1) for i in (0, 1)], -1)


class PatchMerging(nn.Module):
    """Half the size, twice the channels: (…, H, W, C) -> (…, H/2, W/2, 2C)"""

    def __init__(self, dim: int, norm_layer: Norm = nn.LayerNorm):
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(_quartered(x)))


class PatchMergingV2(nn.Module):
    """The same, normalised afterwards."""

    def __init__(self, dim: int, norm_layer: Norm = nn.LayerNorm):
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.reduction(_quartered(x)))


def _far_apart(height: int, width: int, window: tuple[int, int], shift: list[int]) -> Tensor:
    """(windows, T, T): −100 between places that were not neighbours before the shift, 0 elsewhere."""
    region = np.zeros((height, width), np.float32)
    rows, columns = ((slice(0, -w), slice(-w, -s), slice(-s, None)) for w, s in zip(window, shift))
    for number, (a, b) in enumerate((a, b) for a in rows for b in columns):
        region[a, b] = number
    region = region.reshape(height // window[0], window[0], width // window[1], window[1]).transpose(0, 2, 1, 3).reshape(-1, window[0] * window[1])
    return from_numpy(np.where(region[:, None, :] == region[:, :, None], 0, -100).astype(np.float32))


def shifted_window_attention(
    input: Tensor,
    qkv_weight: Tensor,
    proj_weight: Tensor,
    relative_position_bias: Tensor,
    window_size: list[int],
    num_heads: int,
    shift_size: list[int],
    attention_dropout: float = 0.0,
    dropout: float = 0.0,
    qkv_bias: Tensor | None = None,
    proj_bias: Tensor | None = None,
    logit_scale: Tensor | None = None,
    training: bool = True,
) -> Tensor:
    """Attention within windows of (B, H, W, C), which are moved on by `shift_size`, wrapping around; by cosines if `logit_scale` is given."""
    b, h, w, c = input.shape
    tall, wide = window_size
    x = F.pad(input, (0, 0, 0, -w % wide, 0, -h % tall))
    height, width = x.shape[1:3]
    shift = [0 if window >= n else s for window, n, s in zip(window_size, (height, width), shift_size)]
    if sum(shift) > 0:
        x = roll(x, shifts=(-shift[0], -shift[1]), dims=(1, 2))
    down, across = height // tall, width // wide
    t = tall * wide
    x = x.reshape(b, down, tall, across, wide, c).permute(0, 1, 3, 2, 4, 5).reshape(b * down * across, t, c)
    if logit_scale is not None and qkv_bias is not None:  # keys have no bias
        third = qkv_bias.numel() // 3
        qkv_bias = cat([qkv_bias[:third], zeros(third, dtype=qkv_bias.dtype), qkv_bias[2 * third :]])
    qkv = F.linear(x, qkv_weight, qkv_bias).reshape(b * down * across, t, 3, num_heads, c // num_heads).permute(2, 0, 3, 1, 4)
    q, k, v = qkv[0], qkv[1], qkv[2]
    if logit_scale is not None:
        attention = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        attention = attention * logit_scale.clamp(max=math.log(100.0)).exp()
    else:
        attention = (q * (c // num_heads) ** -0.5) @ k.transpose(-2, -1)
    attention = attention + relative_position_bias
    if sum(shift) > 0:
        mask = _far_apart(height, width, (tall, wide), shift).to(attention.dtype)
        attention = attention.reshape(b, down * across, num_heads, t, t) + mask[None, :, None]
        attention = attention.reshape(-1, num_heads, t, t)
    attention = F.dropout(F.softmax(attention, dim=-1), p=attention_dropout, training=training)
    x = (attention @ v).transpose(1, 2).reshape(b * down * across, t, c)
    x = F.dropout(F.linear(x, proj_weight, proj_bias), p=dropout, training=training)
    x = x.reshape(b, down, across, tall, wide, c).permute(0, 1, 3, 2, 4, 5).reshape(b, height, width, c)
    if sum(shift) > 0:
        x = roll(x, shifts=(shift[0], shift[1]), dims=(1, 2))
    return x[:, :h, :w, :].contiguous()


def relative_places(height: int, width: int) -> np.ndarray:
    """(T, T): the number of the displacement from each of T places of a window to each other."""
    places = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")).reshape(2, -1)
    apart = places[:, :, None] - places[:, None, :]
    return (apart[0] + height - 1) * (2 * width - 1) + apart[1] + width - 1


class ShiftedWindowAttention(nn.Module):
    """See `shifted_window_attention`; the bias of each displacement is learnt."""

    def __init__(
        self,
        dim: int,
        window_size: list[int],
        shift_size: list[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ):
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError("window_size and shift_size must be of length 2")
        self.window_size, self.shift_size, self.num_heads = window_size, shift_size, num_heads
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.register_buffer("relative_position_index", from_numpy(relative_places(*window_size).reshape(-1)))

    def define_relative_position_bias_table(self) -> None:
        """A parameter (displacements, heads)."""
        h, w = self.window_size
        self.relative_position_bias_table = nn.Parameter(zeros((2 * h - 1) * (2 * w - 1), self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def _of_places(self, table: Tensor) -> Tensor:
        """(displacements, heads) -> (1, heads, T, T)"""
        n = self.window_size[0] * self.window_size[1]
        return table[self.relative_position_index].reshape(n, n, -1).permute(2, 0, 1).unsqueeze(0)

    def get_relative_position_bias(self) -> Tensor:
        """(1, heads, T, T)"""
        return self._of_places(self.relative_position_bias_table)

    def forward(self, x: Tensor) -> Tensor:
        return shifted_window_attention(
            x,
            self.qkv.weight,
            self.proj.weight,
            self.get_relative_position_bias(),
            self.window_size,
            self.num_heads,
            self.shift_size,
            self.attention_dropout,
            self.dropout,
            self.qkv.bias,
            self.proj.bias,
            getattr(self, "logit_scale", None),
            self.training,
        )


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """Attention by cosines; a small network gives the bias of each displacement."""

    def __init__(
        self,
        dim: int,
        window_size: list[int],
        shift_size: list[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ):
        super().__init__(dim, window_size, shift_size, num_heads, qkv_bias, proj_bias, attention_dropout, dropout)
        self.logit_scale = nn.Parameter((10 * ones((num_heads, 1, 1))).log())
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512, bias=True), nn.ReLU(inplace=True), nn.Linear(512, num_heads, bias=False))
        if qkv_bias:
            third = self.qkv.bias.numel() // 3
            with no_grad():
                self.qkv.bias[third : 2 * third].zero_()

    def define_relative_position_bias_table(self) -> None:
        """A buffer (1, 2h − 1, 2w − 1, 2) of the displacements, on a logarithmic scale."""
        sides = [np.arange(-(n - 1), n, dtype=np.float32) / np.float32(n - 1) * np.float32(8) for n in self.window_size]
        table = np.stack(np.meshgrid(*sides, indexing="ij"), -1)[None]
        table = np.sign(table) * np.log2(np.abs(table) + np.float32(1)) / np.float32(3)
        self.register_buffer("relative_coords_table", from_numpy(table.astype(np.float32)))

    def get_relative_position_bias(self) -> Tensor:
        """(1, heads, T, T)"""
        return 16 * sigmoid(self._of_places(self.cpb_mlp(self.relative_coords_table).reshape(-1, self.num_heads)))


class SwinTransformerBlock(nn.Module):
    """Attention and two linear layers, each after a normalisation and beside a shortcut: (B, H, W, C) -> (B, H, W, C)"""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: list[int],
        shift_size: list[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Norm = nn.LayerNorm,
        attn_layer: Callable[..., nn.Module] = ShiftedWindowAttention,
    ):
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(dim, window_size, shift_size, num_heads, attention_dropout=attention_dropout, dropout=dropout)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, inplace=None, dropout=dropout)
        for m in self.mlp.modules():
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)
                if m.bias is not None:
                    nn.init.normal_(m.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """The same, normalised afterwards."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: list[int],
        shift_size: list[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Norm = nn.LayerNorm,
        attn_layer: Callable[..., nn.Module] = ShiftedWindowAttentionV2,
    ):
        super().__init__(
            dim, num_heads, window_size, shift_size, mlp_ratio, dropout, attention_dropout, stochastic_depth_prob, norm_layer, attn_layer
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """Stages of blocks whose windows are shifted in every other one: (N, 3, H, W) -> (N, num_classes)"""

    def __init__(
        self,
        patch_size: list[int],
        embed_dim: int,
        depths: list[int],
        num_heads: list[int],
        window_size: list[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.1,
        num_classes: int = 1000,
        norm_layer: Norm | None = None,
        block: Callable[..., nn.Module] | None = None,
        downsample_layer: Callable[..., nn.Module] = PatchMerging,
    ):
        super().__init__()
        self.num_classes = num_classes
        block, norm_layer = block or SwinTransformerBlock, norm_layer or partial(nn.LayerNorm, eps=1e-5)
        patch = (patch_size[0], patch_size[1])
        layers: list[nn.Module] = [
            nn.Sequential(nn.Conv2d(3, embed_dim, kernel_size=patch, stride=patch), Permute([0, 2, 3, 1]), norm_layer(embed_dim))
        ]
        total, number = sum(depths), 0
        for i, (depth, heads) in enumerate(zip(depths, num_heads)):
            dim = embed_dim * 2**i
            stage = []
            for j in range(depth):
                shift = [0 if j % 2 == 0 else w // 2 for w in window_size]
                probability = stochastic_depth_prob * float(number) / (total - 1)
                stage.append(
                    block(
                        dim,
                        heads,
                        window_size=window_size,
                        shift_size=shift,
                        mlp_ratio=mlp_ratio,
                        dropout=dropout,
                        attention_dropout=attention_dropout,
                        stochastic_depth_prob=probability,
                        norm_layer=norm_layer,
                    )
                )
                number += 1
            layers.append(nn.Sequential(*stage))
            if i < len(depths) - 1:
                layers.append(downsample_layer(dim, norm_layer))
        self.features = nn.Sequential(*layers)
        last = embed_dim * 2 ** (len(depths) - 1)
        self.norm = norm_layer(last)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(last, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))


def _swin(width: int, third: int, heads: int, window: int, probability: float, kwargs: dict[str, Any], **more: Any) -> SwinTransformer:
    return SwinTransformer(
        patch_size=[4, 4],
        embed_dim=width,
        depths=[2, 2, third, 2],
        num_heads=[heads * 2**i for i in range(4)],
        window_size=[window, window],
        stochastic_depth_prob=probability,
        **more,
        **kwargs,
    )


_V2 = {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}


@register_model(Swin_T_Weights)
def swin_t(**kwargs: Any) -> SwinTransformer:
    """Swin-T."""
    return _swin(96, 6, 3, 7, 0.2, kwargs)


@register_model(Swin_S_Weights)
def swin_s(**kwargs: Any) -> SwinTransformer:
    """Swin-S."""
    return _swin(96, 18, 3, 7, 0.3, kwargs)


@register_model(Swin_B_Weights)
def swin_b(**kwargs: Any) -> SwinTransformer:
    """Swin-B."""
    return _swin(128, 18, 4, 7, 0.5, kwargs)


@register_model(Swin_V2_T_Weights)
def swin_v2_t(**kwargs: Any) -> SwinTransformer:
    """Swin-T, second version."""
    return _swin(96, 6, 3, 8, 0.2, kwargs, **_V2)


@register_model(Swin_V2_S_Weights)
def swin_v2_s(**kwargs: Any) -> SwinTransformer:
    """Swin-S, second version."""
    return _swin(96, 18, 3, 8, 0.3, kwargs, **_V2)


@register_model(Swin_V2_B_Weights)
def swin_v2_b(**kwargs: Any) -> SwinTransformer:
    """Swin-B, second version."""
    return _swin(128, 18, 4, 8, 0.5, kwargs, **_V2)
