"""Random numbers: PyTorch's generator and its draws. Source: https://docs.pytorch.org/docs/stable/random.html"""

from suiren.names import absent_from as _absent_from
from suiren.random.draws import bernoulli as bernoulli
from suiren.random.generator import Generator as Generator
from suiren.random.generator import default_generator as default_generator
from suiren.random.generator import fork_rng as fork_rng
from suiren.random.generator import get_rng_state as get_rng_state
from suiren.random.generator import initial_seed as initial_seed
from suiren.random.generator import manual_seed as manual_seed
from suiren.random.generator import seed as seed
from suiren.random.generator import set_rng_state as set_rng_state
from suiren.random.lowrank import lobpcg as lobpcg
from suiren.random.lowrank import pca_lowrank as pca_lowrank
from suiren.random.lowrank import svd_lowrank as svd_lowrank
from suiren.random.rejection import binomial as binomial
from suiren.random.rejection import poisson as poisson

__getattr__ = _absent_from("random")
