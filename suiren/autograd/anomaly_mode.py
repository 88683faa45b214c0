"""Anomaly detection under PyTorch's name of its file. Source: torch/autograd/anomaly_mode.py"""

from __future__ import annotations

from suiren.autograd.anomaly import detect_anomaly as detect_anomaly
from suiren.autograd.anomaly import set_detect_anomaly as set_detect_anomaly
