"""What works on modules and their parameters: clipping, parametrisation, pruning, packed sequences. Source: https://docs.pytorch.org/docs/stable/nn.html#utilities"""

from suiren.nn.utils import rnn as rnn
