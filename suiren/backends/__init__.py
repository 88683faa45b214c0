"""PyTorch's libraries, as names: what they are asked is answered, what they are told is kept and changes nothing.

suiren compiles its own kernels, and they give the same bits every time. Source: https://docs.pytorch.org/docs/stable/backends.html
"""

from suiren.backends import cpu as cpu
from suiren.backends import cuda as cuda
from suiren.backends import cudnn as cudnn
from suiren.backends import mkl as mkl
from suiren.backends import mkldnn as mkldnn
from suiren.backends import mps as mps
from suiren.backends import nnpack as nnpack
from suiren.backends import openmp as openmp
from suiren.backends import opt_einsum as opt_einsum
from suiren.names import absent_from as _absent_from

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum"]

__getattr__ = _absent_from("backends")
