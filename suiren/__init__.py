"""suiren (燧人): a deep learning framework with PyTorch's API. `import suiren as torch`.

The functions below are declared in `suiren.api`, one family a file; `nn`, `optim`, `utils`, `vision` are imported when they are first asked for.
"""

from __future__ import annotations

import importlib
import math as _math
from typing import TYPE_CHECKING, Any

from suiren import compilation as _compilation
from suiren import compiler as _compiler
from suiren import names as _names
from suiren.amp import GradScaler as GradScaler
from suiren.amp import autocast as autocast
from suiren.amp import autocast_decrement_nesting as autocast_decrement_nesting
from suiren.amp import autocast_increment_nesting as autocast_increment_nesting
from suiren.amp import clear_autocast_cache as clear_autocast_cache
from suiren.amp import get_autocast_cpu_dtype as get_autocast_cpu_dtype
from suiren.amp import get_autocast_dtype as get_autocast_dtype
from suiren.amp import get_autocast_gpu_dtype as get_autocast_gpu_dtype
from suiren.amp import is_autocast_cache_enabled as is_autocast_cache_enabled
from suiren.amp import is_autocast_cpu_enabled as is_autocast_cpu_enabled
from suiren.amp import is_autocast_enabled as is_autocast_enabled
from suiren.amp import set_autocast_cache_enabled as set_autocast_cache_enabled
from suiren.amp import set_autocast_cpu_dtype as set_autocast_cpu_dtype
from suiren.amp import set_autocast_cpu_enabled as set_autocast_cpu_enabled
from suiren.amp import set_autocast_dtype as set_autocast_dtype
from suiren.amp import set_autocast_enabled as set_autocast_enabled
from suiren.api import return_types as return_types
from suiren.api import surface as _surface
from suiren.autograd import enable_grad as enable_grad
from suiren.autograd import inference_mode as inference_mode
from suiren.autograd import is_grad_enabled as is_grad_enabled
from suiren.autograd import no_grad as no_grad
from suiren.autograd import set_grad_enabled as set_grad_enabled
from suiren.autograd.anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from suiren.autograd.anomaly import is_anomaly_enabled as is_anomaly_enabled
from suiren.autograd.anomaly import set_anomaly_enabled as set_anomaly_enabled
from suiren.autograd.modes import is_inference as is_inference
from suiren.autograd.modes import is_inference_mode_enabled as is_inference_mode_enabled
from suiren.compilation import compile as compile
from suiren.config import config as config
from suiren.cpu_only import Event as Event
from suiren.cpu_only import Stream as Stream
from suiren.device import device as device
from suiren.device import get_default_device as get_default_device
from suiren.device import set_default_device as set_default_device
from suiren.dtypes import bfloat16 as bfloat16
from suiren.dtypes import bool_ as bool
from suiren.dtypes import complex64 as complex64
from suiren.dtypes import complex128 as complex128
from suiren.dtypes import dtype as dtype
from suiren.dtypes import finfo as finfo
from suiren.dtypes import float16 as float16
from suiren.dtypes import float32 as float32
from suiren.dtypes import float64 as float64
from suiren.dtypes import get_default_dtype as get_default_dtype
from suiren.dtypes import iinfo as iinfo
from suiren.dtypes import int8 as int8
from suiren.dtypes import int16 as int16
from suiren.dtypes import int32 as int32
from suiren.dtypes import int64 as int64
from suiren.dtypes import promote_types as promote_types
from suiren.dtypes import set_default_dtype as set_default_dtype
from suiren.dtypes import uint8 as uint8
from suiren.dtypes import uint16 as uint16
from suiren.dtypes import uint32 as uint32
from suiren.dtypes import uint64 as uint64
from suiren.formats import channels_last as channels_last
from suiren.formats import channels_last_3d as channels_last_3d
from suiren.formats import contiguous_format as contiguous_format
from suiren.formats import layout as layout
from suiren.formats import memory_format as memory_format
from suiren.formats import preserve_format as preserve_format
from suiren.formats import sparse_bsc as sparse_bsc
from suiren.formats import sparse_bsr as sparse_bsr
from suiren.formats import sparse_coo as sparse_coo
from suiren.formats import sparse_csc as sparse_csc
from suiren.formats import sparse_csr as sparse_csr
from suiren.formats import strided as strided
from suiren.legacy import KINDS as _old_types
from suiren.legacy import set_default_tensor_type as set_default_tensor_type
from suiren.printing import set_printoptions as set_printoptions
from suiren.random import Generator as Generator
from suiren.random import default_generator as default_generator
from suiren.random import fork_rng as fork_rng
from suiren.random import get_rng_state as get_rng_state
from suiren.random import initial_seed as initial_seed
from suiren.random import manual_seed as manual_seed
from suiren.random import seed as seed
from suiren.random import set_rng_state as set_rng_state
from suiren.runtime.threads import get_num_threads as get_num_threads
from suiren.runtime.threads import set_num_threads as set_num_threads
from suiren.serialization import load as load
from suiren.serialization import save as save
from suiren.settings import AcceleratorError as AcceleratorError
from suiren.settings import OutOfMemoryError as OutOfMemoryError
from suiren.settings import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
from suiren.settings import compiled_with_cxx11_abi as compiled_with_cxx11_abi
from suiren.settings import get_deterministic_debug_mode as get_deterministic_debug_mode
from suiren.settings import get_device_module as get_device_module
from suiren.settings import get_float32_matmul_precision as get_float32_matmul_precision
from suiren.settings import get_num_interop_threads as get_num_interop_threads
from suiren.settings import (
    is_deterministic_algorithms_warn_only_enabled as is_deterministic_algorithms_warn_only_enabled,
)
from suiren.settings import is_vulkan_available as is_vulkan_available
from suiren.settings import is_warn_always_enabled as is_warn_always_enabled
from suiren.settings import set_deterministic_debug_mode as set_deterministic_debug_mode
from suiren.settings import set_float32_matmul_precision as set_float32_matmul_precision
from suiren.settings import set_flush_denormal as set_flush_denormal
from suiren.settings import set_num_interop_threads as set_num_interop_threads
from suiren.settings import set_warn_always as set_warn_always
from suiren.settings import use_deterministic_algorithms as use_deterministic_algorithms
from suiren.size import Size as Size
from suiren.storage import KINDS as _old_storages
from suiren.storage import TypedStorage as TypedStorage
from suiren.storage import UntypedStorage as UntypedStorage
from suiren.storage import is_storage as is_storage
from suiren.tensor import Tensor as Tensor
from suiren.version import __version__ as __version__

if TYPE_CHECKING:
    from suiren import cuda as cuda
    from suiren import nn as nn
    from suiren import optim as optim
    from suiren import utils as utils
    from suiren import vision as vision
    from suiren.explanation import explain as explain

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128

legacy_contiguous_format = contiguous_format
e, inf, nan, pi, newaxis = _math.e, _math.inf, _math.nan, _math.pi, None

_surface.install(Tensor)
_names.mark_absent(Tensor)
globals().update(_surface.public_names())
globals().update(_old_types)
globals().update(_old_storages)
_compiler.__dict__.update((_name, getattr(_compilation, _name)) for _name in _compilation.COMPILER_NAMES)  # torch.compiler

_LATER = (
    "accelerator", "amp", "autograd", "backends", "cpu", "cuda", "distributed", "distributions", "fft", "func",
    "jit", "linalg", "masked", "mps", "mtia", "multiprocessing", "nn", "optim", "profiler", "random", "safetensors",
    "signal", "special", "testing", "utils", "version", "vision", "xpu",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    """Submodules are imported when they are first asked for: importing suiren stays quick."""
    if name in _LATER:
        return importlib.import_module(f"suiren.{name}")
    if name == "vmap":
        return importlib.import_module("suiren.func").vmap
    if name == "explain":
        from suiren.explanation import explain

        return explain
    of_nn = importlib.import_module("suiren.of_nn") if not name.startswith("_") else None
    if of_nn is not None and name in of_nn.__all__:
        return globals().setdefault(name, getattr(of_nn, name))
    from suiren.names import absent

    raise absent("", name)
