"""The switches of gradients under PyTorch's name of their file. Source: torch/autograd/grad_mode.py"""

from __future__ import annotations

from suiren.autograd.modes import enable_grad as enable_grad
from suiren.autograd.modes import inference_mode as inference_mode
from suiren.autograd.modes import no_grad as no_grad
from suiren.autograd.modes import set_grad_enabled as set_grad_enabled
from suiren.autograd.modes import set_multithreading_enabled as set_multithreading_enabled
