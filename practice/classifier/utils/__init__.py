"""Tools of the project: curves, checkpoints."""

from .checkpoint import last as last
from .checkpoint import save as save
from .visualize import Visualizer as Visualizer
