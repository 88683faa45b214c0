"""Pictures from folders, as batches of tensors."""

from .pictures import Pictures as Pictures
from .pictures import datasets as datasets
from .pictures import loader as loader
