"""Transforms of functions: gradients, Jacobians, batches. Source: https://docs.pytorch.org/docs/stable/func.html"""

from __future__ import annotations

from suiren.func.modules import functional_call as functional_call
from suiren.func.modules import replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_
from suiren.func.modules import stack_module_state as stack_module_state
from suiren.func.transforms import grad as grad
from suiren.func.transforms import grad_and_value as grad_and_value
from suiren.func.transforms import hessian as hessian
from suiren.func.transforms import jacfwd as jacfwd
from suiren.func.transforms import jacrev as jacrev
from suiren.func.transforms import jvp as jvp
from suiren.func.transforms import linearize as linearize
from suiren.func.transforms import vjp as vjp
from suiren.func.vmap import vmap as vmap
from suiren.names import absent_from as _absent_from

__getattr__ = _absent_from("func")
