"""Models to compare with torchvision's: a case is text, evaluated with torchvision's names or with suiren's.

tests/recorded/record_vision.py keeps what torchvision 0.28 gives.
"""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

# Initial weights, drawn from seed 0: one small model of each family (`nn` is torch's or suiren's).
INITIAL = [
    "models.squeezenet1_1(num_classes=7)",
    "models.mobilenet_v2(num_classes=7, width_mult=0.25)",
    "models.mobilenet_v3_small(num_classes=7)",
    "models.shufflenet_v2_x0_5(num_classes=7)",
    "models.mnasnet0_5(num_classes=7)",
    "models.resnet.ResNet(models.resnet.BasicBlock, [1, 1, 0, 1], num_classes=7, zero_init_residual=True)",
    "models.resnet.ResNet(models.resnet.Bottleneck, [1, 1, 1, 0], num_classes=7, groups=2, width_per_group=8, replace_stride_with_dilation=[False, True, True])",
    "models.DenseNet(8, (2, 2, 2, 2), 16, num_classes=7)",
    "models.efficientnet_b0(num_classes=7)",
    "models.EfficientNet([models.efficientnet.FusedMBConvConfig(4, 3, 2, 8, 16, 2), models.efficientnet.MBConvConfig(4, 3, 1, 16, 24, 2)], 0.1, num_classes=7)",
    "models.RegNet(models.regnet.BlockParams.from_init_params(4, 24, 24.5, 2.5, 8, se_ratio=0.25), num_classes=7)",
    "models.ConvNeXt([models.convnext.CNBlockConfig(16, 32, 2), models.convnext.CNBlockConfig(32, None, 1)], 0.3, num_classes=7)",
    "models.vgg.make_layers([4, 'M', 8], batch_norm=True)",
    "models.GoogLeNet(num_classes=7, aux_logits=False)",
    "models.inception.InceptionE(8)",
]
TRANSFORMERS = [
    "models.SwinTransformer([4, 4], 8, [2, 1], [2, 4], [3, 3], num_classes=7)",
    "models.SwinTransformer([4, 4], 8, [2, 1], [2, 4], [3, 3], num_classes=7, block=models.swin_transformer.SwinTransformerBlockV2, "
    "downsample_layer=models.swin_transformer.PatchMergingV2)",
    "models.MaxVit((32, 32), 8, 2, [8, 16], [1, 2], 4, 0.1, num_classes=7)",
    "models.VisionTransformer(16, 8, 2, 2, 16, 32, num_classes=7)",
    "models.VisionTransformer(16, 8, 1, 2, 16, 32, num_classes=7, representation_size=5, conv_stem_configs=["
    "models.vision_transformer.ConvStemConfig(8, 3, 2), models.vision_transformer.ConvStemConfig(8, 3, 4)])",
]

# Predictions with given weights, and the size of the images.
PREDICTIONS = {
    "models.alexnet(num_classes=5)": 63,
    "models.vgg11_bn(num_classes=5)": 32,
    "models.resnet18(num_classes=5)": 33,
    "models.resnet50(num_classes=5)": 32,
    "models.ResNet(models.resnet.Bottleneck, [1, 2, 1, 1], 5, groups=4, width_per_group=16, replace_stride_with_dilation=[False, True, True])": 17,
    "models.squeezenet1_0(num_classes=5)": 32,
    "models.squeezenet1_1(num_classes=5)": 32,
    "models.mobilenet_v2(num_classes=5)": 32,
    "models.mobilenet_v3_large(num_classes=5)": 32,
    "models.mobilenet_v3_small(num_classes=5, reduced_tail=True, dilated=True)": 33,
    "models.densenet121(num_classes=5)": 32,
    "models.googlenet(num_classes=5, init_weights=False, transform_input=True)": 32,
    "models.inception_v3(num_classes=5, init_weights=False)": 75,
    "models.efficientnet_b0(num_classes=5)": 32,
    "models.EfficientNet([models.efficientnet.FusedMBConvConfig(1, 3, 1, 8, 8, 2), models.efficientnet.FusedMBConvConfig(4, 3, 2, 8, 16, 2), "
    "models.efficientnet.MBConvConfig(4, 3, 1, 16, 24, 2)], 0.1, num_classes=5)": 33,
    "models.ConvNeXt([models.convnext.CNBlockConfig(16, 32, 2), models.convnext.CNBlockConfig(32, None, 1)], num_classes=5)": 32,
    "models.shufflenet_v2_x1_0(num_classes=5)": 32,
    "models.mnasnet1_0(num_classes=5)": 32,
    "models.regnet_x_400mf(num_classes=5)": 32,
    "models.regnet_y_400mf(num_classes=5)": 32,
    "models.SwinTransformer([4, 4], 8, [2, 2], [2, 4], [3, 3], num_classes=5)": 44,
    "models.SwinTransformer([4, 4], 8, [2, 2], [2, 4], [3, 3], num_classes=5, block=models.swin_transformer.SwinTransformerBlockV2, "
    "downsample_layer=models.swin_transformer.PatchMergingV2)": 44,
    "models.MaxVit((32, 32), 8, 2, [8, 16], [1, 2], 4, 0.1, num_classes=5)": 32,
    "models.VisionTransformer(32, 8, 3, 4, 32, 64, num_classes=5, representation_size=12)": 32,
}


@contextlib.contextmanager
def nothing_drawn(init: Any) -> Iterator[None]:
    """Modules made in here keep whatever their memory holds: drawing the weights of a large model takes seconds."""
    names = [n for n in vars(init) if n.endswith("_") and not n.startswith("_")]
    before = {n: getattr(init, n) for n in names}
    try:
        for n in names:
            setattr(init, n, lambda tensor, *args, **kwargs: tensor)
        yield
    finally:
        for n in names:
            setattr(init, n, before[n])


def made(case: str, t: Any, models: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # GoogLeNet's, of its initial weights
        return eval(case, {"models": models, "nn": t.nn})


def description(name: str, t: Any, models: Any) -> str:
    """Names and shapes in the model's state dict, and a checksum of what it prints."""
    with nothing_drawn(t.nn.init):
        model = made(f"models.{name}()", t, models)
    lines = [f"{key} {'x'.join(map(str, value.shape))}" for key, value in model.state_dict().items()]
    return "\n".join([hashlib.md5(repr(model).encode()).hexdigest(), *lines])


def initial(case: str, t: Any, models: Any) -> np.ndarray:
    """Sum and sum of squares of each parameter, drawn from seed 0, and the next random number."""
    t.manual_seed(0)
    model = made(case, t, models)
    sums = [(a.sum(), (a * a).sum()) for a in (p.detach().numpy().astype(np.float64) for p in model.parameters())]
    return np.array([*sums, (t.rand(1).item(), 0.0)])


_NOISE = np.random.default_rng(3).standard_normal(65521).astype(np.float32)  # a prime length: no two rows of a weight are alike


def _values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    noise = np.resize(_NOISE, shape)
    if len(shape) >= 2:
        return noise * np.float32(1.2 / np.sqrt(np.prod(shape[1:])))
    if name.endswith("running_var"):
        return np.abs(noise) * np.float32(0.5) + np.float32(0.5)
    return noise * np.float32(0.1) + np.float32(name.endswith("weight"))


def prediction(case: str, size: int, t: Any, models: Any) -> np.ndarray:
    """The model's output for two images, in eval mode."""
    with nothing_drawn(t.nn.init):
        model = made(case, t, models).eval()
    with t.no_grad():
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                value.copy_(t.from_numpy(_values(name, tuple(value.shape))))
        images = np.random.default_rng(4).standard_normal((2, 3, size, size)).astype(np.float32)
        return model(t.from_numpy(images)).numpy()
