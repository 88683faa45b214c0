"""Optimizers and learning rate schedules. Source: https://docs.pytorch.org/docs/stable/optim.html"""

from suiren.names import absent_from as _absent_from
from suiren.optim import lr_scheduler as lr_scheduler
from suiren.optim import swa_utils as swa_utils
from suiren.optim.adafactor import Adafactor as Adafactor
from suiren.optim.adagrad import Adadelta as Adadelta
from suiren.optim.adagrad import Adagrad as Adagrad
from suiren.optim.adam import Adam as Adam
from suiren.optim.adam import AdamW as AdamW
from suiren.optim.adam_family import Adamax as Adamax
from suiren.optim.adam_family import NAdam as NAdam
from suiren.optim.adam_family import RAdam as RAdam
from suiren.optim.lbfgs import LBFGS as LBFGS
from suiren.optim.muon import Muon as Muon
from suiren.optim.optimizer import Optimizer as Optimizer
from suiren.optim.rmsprop import RMSprop as RMSprop
from suiren.optim.rprop import ASGD as ASGD
from suiren.optim.rprop import Rprop as Rprop
from suiren.optim.sgd import SGD as SGD

__getattr__ = _absent_from("optim")
