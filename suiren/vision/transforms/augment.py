"""The transforms that change colours, angles and details. Source: torchvision/transforms/transforms.py of 0.28"""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from suiren.nn.modules.module import Module
from suiren.tensor import Tensor
from suiren.utils.data.draws import below, permutation, uniform
from suiren.vision.transforms import functional as F
from suiren.vision.transforms.images import InterpolationMode, interpolation_mode
from suiren.vision.transforms.transforms import WithProbability, angle_range, check_sequence, draw_box, size_pair
from suiren.vision.transforms.warps import colors_for


class Grayscale(Module):
    """In grays, with 1 or 3 channels."""

    def __init__(self, num_output_channels: int = 1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, num_output_channels=self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomGrayscale(WithProbability):
    """In grays with probability `p`, as many channels as before."""

    def __init__(self, p: float = 0.1):
        super().__init__(p)

    def _apply_to(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, num_output_channels=F.get_image_num_channels(img))


class ColorJitter(Module):
    """Brightness, contrast, saturation and hue changed in a random order by random factors: from a range, or about 1 (0 for the hue)."""

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0):
        super().__init__()
        self.brightness = _factor_range(brightness, "brightness")
        self.contrast = _factor_range(contrast, "contrast")
        self.saturation = _factor_range(saturation, "saturation")
        self.hue = _factor_range(hue, "hue", center=0, bound=(-0.5, 0.5))

    @staticmethod
    def get_params(brightness: Any, contrast: Any, saturation: Any, hue: Any) -> tuple:
        """(order, brightness, contrast, saturation, hue); None where there is no range."""
        order = permutation(4)
        return (order, *(None if r is None else uniform(r[0], r[1]) for r in (brightness, contrast, saturation, hue)))

    def forward(self, img: Any) -> Any:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        functions = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order:
            if factors[i] is not None:
                img = functions[i](img, factors[i])
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue})"
        )


def _factor_range(value: Any, name: str, center: float = 1, bound: tuple[float, float] = (0, float("inf"))) -> tuple[float, float] | None:
    if isinstance(value, numbers.Number):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        low, high = center - float(value), center + float(value)
        if center == 1:
            low = max(low, 0.0)
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        low, high = float(value[0]), float(value[1])
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not bound[0] <= low <= high <= bound[1]:
        raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
    return None if low == high == center else (low, high)


def _fill(fill: Any) -> Any:
    if fill is None:
        return 0
    if not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError("Fill should be either a sequence or a number.")
    return fill


class RandomRotation(Module):
    """Turned by a random angle, in degrees."""

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[int] | None = None,
        fill: Any = 0,
    ):
        super().__init__()
        self.degrees = angle_range(degrees, "degrees")
        if center is not None:
            check_sequence(center, "center", (2,))
        self.interpolation, self.expand, self.center, self.fill = interpolation_mode(interpolation), expand, center, _fill(fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """The angle."""
        return uniform(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        fill = colors_for(img, self.fill, F.get_image_num_channels(img))
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, fill)

    def __repr__(self) -> str:
        center = f", center={self.center}" if self.center is not None else ""
        fill = f", fill={self.fill}" if self.fill is not None else ""
        return f"{type(self).__name__}(degrees={self.degrees}, interpolation={self.interpolation.value}, expand={self.expand}{center}{fill})"


class RandomAffine(Module):
    """Turned, moved (parts of the size), scaled and sheared at random."""

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Sequence[int] | None = None,
    ):
        super().__init__()
        self.degrees = angle_range(degrees, "degrees")
        if translate is not None:
            check_sequence(translate, "translate", (2,))
            if any(not 0.0 <= t <= 1.0 for t in translate):
                raise ValueError("translation values should be between 0 and 1")
        if scale is not None:
            check_sequence(scale, "scale", (2,))
            if any(s <= 0 for s in scale):
                raise ValueError("scale values should be positive")
        if center is not None:
            check_sequence(center, "center", (2,))
        self.translate, self.scale, self.center = translate, scale, center
        self.shear = None if shear is None else angle_range(shear, "shear", (2, 4))
        self.interpolation, self.fill = interpolation_mode(interpolation), _fill(fill)

    @staticmethod
    def get_params(degrees: Any, translate: Any, scale_ranges: Any, shears: Any, img_size: Sequence[int]) -> tuple:
        """angle, (x, y), scale, (shear x, shear y)"""
        angle = uniform(degrees[0], degrees[1])
        move = (0, 0)
        if translate is not None:
            reach = [float(t * n) for t, n in zip(translate, img_size)]
            move = tuple(int(round(uniform(-r, r))) for r in reach)
        scale = 1.0 if scale_ranges is None else uniform(scale_ranges[0], scale_ranges[1])
        shear_x = shear_y = 0.0
        if shears is not None:
            shear_x = uniform(shears[0], shears[1])
            if len(shears) == 4:
                shear_y = uniform(shears[2], shears[3])
        return angle, move, scale, (shear_x, shear_y)

    def forward(self, img: Any) -> Any:
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, F.get_image_size(img))
        fill = colors_for(img, self.fill, F.get_image_num_channels(img))
        return F.affine(img, *drawn, interpolation=self.interpolation, fill=fill, center=self.center)

    def __repr__(self) -> str:
        parts = [f"degrees={self.degrees}"]
        parts += [f"{n}={getattr(self, n)}" for n in ("translate", "scale", "shear") if getattr(self, n) is not None]
        if self.interpolation is not InterpolationMode.NEAREST:
            parts.append(f"interpolation={self.interpolation.value}")
        if self.fill != 0:
            parts.append(f"fill={self.fill}")
        if self.center is not None:
            parts.append(f"center={self.center}")
        return f"{type(self).__name__}({', '.join(parts)})"


class RandomPerspective(WithProbability):
    """Corners moved inwards by up to `distortion_scale` of half the size, with probability `p`."""

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ):
        super().__init__(p)
        self.distortion_scale, self.interpolation, self.fill = distortion_scale, interpolation_mode(interpolation), _fill(fill)

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[list[list[int]], list[list[int]]]:
        """The corners before and after: top left, top right, bottom right, bottom left."""
        x, y = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))

        def low(n: int) -> int:
            return below(n + 1)

        def high(n: int, size: int) -> int:
            return size - n - 1 + below(n + 1)

        top_left = [low(x), low(y)]
        top_right = [high(x, width), low(y)]
        bottom_right = [high(x, width), high(y, height)]
        bottom_left = [low(x), high(y, height)]
        before = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
        return before, [top_left, top_right, bottom_right, bottom_left]

    def _apply_to(self, img: Any) -> Any:
        _, height, width = F.get_dimensions(img)
        before, after = self.get_params(width, height, self.distortion_scale)
        return F.perspective(img, before, after, self.interpolation, colors_for(img, self.fill, F.get_image_num_channels(img)))


def erasing_value(value: list[float] | None, channels: int, h: int, w: int) -> np.ndarray:
    """What a box of h × w is filled with: these numbers, or normal ones."""
    if value is not None:
        return np.array(value, np.float32)[:, None, None]
    from suiren import randn

    return randn(channels, h, w).numpy()


class RandomErasing(Module):
    """A random box of a tensor filled with `value` (a number, one for each channel, or 'random'), with probability `p`."""

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ):
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        if not isinstance(scale, Sequence):
            raise TypeError("Scale should be a sequence")
        if not isinstance(ratio, Sequence):
            raise TypeError("Ratio should be a sequence")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: list[float] | None = None) -> tuple:
        """top, left, height, width, what to fill with; the image itself where no box fitted."""
        channels, height, width = img.shape[-3:]
        for _ in range(10):
            h, w = draw_box(height, width, scale, ratio, taller=True)
            if h < height and w < width:
                v = erasing_value(value, channels, h, w)
                return below(height - h + 1), below(width - w + 1), h, w, v
        return 0, 0, height, width, img

    def forward(self, img: Tensor) -> Tensor:
        if uniform() >= self.p:
            return img
        value = None
        if not isinstance(self.value, str):
            value = [float(v) for v in ([self.value] if isinstance(self.value, numbers.Number) else self.value)]
            if len(value) not in (1, img.shape[-3]):
                raise ValueError(
                    f"If value is a sequence, it should have either a single value or {img.shape[-3]} (number of input channels)"
                )
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, inplace={self.inplace})"


class GaussianBlur(Module):
    """Blurred with a random sigma."""

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)):
        super().__init__()
        self.kernel_size = size_pair(kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, numbers.Number):
            if sigma <= 0:
                raise ValueError("If sigma is a single number, it must be positive.")
            sigma = (sigma, sigma)
        elif not isinstance(sigma, Sequence) or len(sigma) != 2:
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        elif not 0.0 < sigma[0] <= sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max).")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """The sigma."""
        return uniform(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        sigma = self.get_params(self.sigma[0], self.sigma[1])
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


class RandomInvert(WithProbability):
    """Black for white, with probability `p`."""

    def _apply_to(self, img: Any) -> Any:
        return F.invert(img)


class RandomPosterize(WithProbability):
    """Only the upper `bits` of each byte kept, with probability `p`."""

    def __init__(self, bits: int, p: float = 0.5):
        super().__init__(p)
        self.bits = bits

    def _apply_to(self, img: Any) -> Any:
        return F.posterize(img, self.bits)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bits={self.bits},p={self.p})"


class RandomSolarize(WithProbability):
    """What is at least as bright as `threshold` inverted, with probability `p`."""

    def __init__(self, threshold: float, p: float = 0.5):
        super().__init__(p)
        self.threshold = threshold

    def _apply_to(self, img: Any) -> Any:
        return F.solarize(img, self.threshold)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(threshold={self.threshold},p={self.p})"


class RandomAdjustSharpness(WithProbability):
    """Sharpened or blurred, with probability `p`."""

    def __init__(self, sharpness_factor: float, p: float = 0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def _apply_to(self, img: Any) -> Any:
        return F.adjust_sharpness(img, self.sharpness_factor)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sharpness_factor={self.sharpness_factor},p={self.p})"


class RandomAutocontrast(WithProbability):
    """Each channel stretched from black to white, with probability `p`."""

    def _apply_to(self, img: Any) -> Any:
        return F.autocontrast(img)


class RandomEqualize(WithProbability):
    """Each channel's histogram made flat, with probability `p`."""

    def _apply_to(self, img: Any) -> Any:
        return F.equalize(img)


class LinearTransformation(Module):
    """A float tensor (…, C, H, W), flattened, less `mean_vector` (D,), times `transformation_matrix` (D, D): whitening, for one."""

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor):
        super().__init__()
        shape = tuple(transformation_matrix.size())
        if shape[0] != shape[1]:
            raise ValueError(f"transformation_matrix should be square. Got {shape} rectangular matrix.")
        if mean_vector.size(0) != shape[0]:
            raise ValueError(
                f"mean_vector should have the same length {mean_vector.size(0)}"
                f" as any one of the dimensions of the transformation_matrix [{shape}]"
            )
        if transformation_matrix.dtype != mean_vector.dtype:
            raise ValueError(f"Input tensors should have the same dtype. Got {transformation_matrix.dtype} and {mean_vector.dtype}")
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def forward(self, tensor: Tensor) -> Tensor:
        shape = tensor.shape
        n = shape[-3] * shape[-2] * shape[-1]
        if n != self.transformation_matrix.shape[0]:
            raise ValueError(
                "Input tensor and transformation matrix have incompatible shape."
                f"[{shape[-3]} x {shape[-2]} x {shape[-1]}] != {self.transformation_matrix.shape[0]}"
            )
        flat = tensor.reshape(-1, n) - self.mean_vector
        return (flat @ self.transformation_matrix.to(flat.dtype)).reshape(shape)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(transformation_matrix={self.transformation_matrix.tolist()}, mean_vector={self.mean_vector.tolist()})"
        )


def _two_floats(value: Any, name: str) -> list[float]:
    if not isinstance(value, (float, Sequence)):
        raise TypeError(f"{name} should be float or a sequence of floats. Got {type(value)}")
    if isinstance(value, float):
        return [value, value]
    if len(value) != 2:
        raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(value)}")
    for element in value:
        if not isinstance(element, float):
            raise TypeError(f"{name} should be a sequence of floats. Got {type(element)}")
    return list(value)


def draw_displacement(alpha: Sequence[float], sigma: Sequence[float], size: Sequence[int]) -> Tensor:
    """(1, H, W, 2): random moves up to `alpha` pixels in x and in y, made smooth by a Gaussian of `sigma`."""
    from suiren import cat, rand

    moves = []
    for axis in (0, 1):
        move = rand(1, 1, *size) * 2 - 1
        if sigma[axis] > 0.0:
            k = int(8 * sigma[axis] + 1) | 1  # odd
            move = F.gaussian_blur(move, [k, k], list(sigma))
        moves.append(move * alpha[axis] / size[1 - axis])
    return cat(moves, 1).permute([0, 2, 3, 1])


class ElasticTransform(Module):
    """Each pixel moved a little, as its neighbours: `alpha` says how far, `sigma` how smoothly."""

    def __init__(
        self,
        alpha: float | Sequence[float] = 50.0,
        sigma: float | Sequence[float] = 5.0,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ):
        super().__init__()
        self.alpha, self.sigma = _two_floats(alpha, "alpha"), _two_floats(sigma, "sigma")
        self.interpolation = interpolation_mode(interpolation)
        if not isinstance(fill, (int, float, list, tuple)):
            raise TypeError(f"fill should be int or float or a list or tuple of them. Got {type(fill)}")
        self.fill = [float(f) for f in ([fill] if isinstance(fill, (int, float)) else fill)]

    @staticmethod
    def get_params(alpha: list[float], sigma: list[float], size: list[int]) -> Tensor:
        """The displacement, (1, H, W, 2)."""
        return draw_displacement(alpha, sigma, size)

    def forward(self, tensor: Any) -> Any:
        displacement = self.get_params(self.alpha, self.sigma, F.get_dimensions(tensor)[1:])
        return F.elastic_transform(tensor, displacement, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self.alpha}, sigma={self.sigma}, interpolation={self.interpolation}, fill={self.fill})"
