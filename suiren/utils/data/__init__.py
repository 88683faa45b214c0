"""Loading data: data sets, samplers, collating, DataLoader."""

from suiren.names import absent_from as _absent_from
from suiren.utils.data.collate import default_collate as default_collate
from suiren.utils.data.collate import default_convert as default_convert
from suiren.utils.data.dataloader import DataLoader as DataLoader
from suiren.utils.data.dataset import ChainDataset as ChainDataset
from suiren.utils.data.dataset import ConcatDataset as ConcatDataset
from suiren.utils.data.dataset import Dataset as Dataset
from suiren.utils.data.dataset import IterableDataset as IterableDataset
from suiren.utils.data.dataset import StackDataset as StackDataset
from suiren.utils.data.dataset import Subset as Subset
from suiren.utils.data.dataset import TensorDataset as TensorDataset
from suiren.utils.data.dataset import random_split as random_split
from suiren.utils.data.distributed import DistributedSampler as DistributedSampler
from suiren.utils.data.sampler import BatchSampler as BatchSampler
from suiren.utils.data.sampler import RandomSampler as RandomSampler
from suiren.utils.data.sampler import Sampler as Sampler
from suiren.utils.data.sampler import SequentialSampler as SequentialSampler
from suiren.utils.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from suiren.utils.data.sampler import WeightedRandomSampler as WeightedRandomSampler
from suiren.utils.data.worker_info import WorkerInfo as WorkerInfo
from suiren.utils.data.worker_info import get_worker_info as get_worker_info

__getattr__ = _absent_from("utils.data")
