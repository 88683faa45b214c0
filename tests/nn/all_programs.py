"""All programs of tests/nn by name."""

from __future__ import annotations

from tests.nn.layer_programs import PROGRAMS as LAYERS
from tests.nn.sequence_programs import PROGRAMS as SEQUENCES
from tests.nn.utils_programs import PROGRAMS as UTILS

PROGRAMS = {**SEQUENCES, **LAYERS, **UTILS}
