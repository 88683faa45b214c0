"""The project of chapter 6's shape, as `python -m suiren new` writes it: it trains, is killed, goes on, tests and predicts."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import suiren

ROOT = Path(suiren.__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "SUIREN_TIER": "interpreter"}
SMALL = '''
from suiren import nn


class Small(nn.Module):
    smallest = 32

    def __init__(self, num_classes=2):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 4, 5, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Dropout(0.1), nn.Linear(64, num_classes)
        )

    def forward(self, x):
        return self.net(x)
'''


def run(folder: Path, *arguments: str, program: str = "main.py") -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, program, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A new project with 60 pictures and a model of its own."""
    folder = tmp_path_factory.mktemp("somewhere") / "mine"
    done = subprocess.run([sys.executable, "-m", "suiren", "new", str(folder)], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"checkpoints", "data", "models", "utils", "config.py", "main.py", "requirements.txt", "README.md"} <= set(os.listdir(folder))
    (folder / "models/small.py").write_text(SMALL)
    with open(folder / "models/__init__.py", "a") as file:
        file.write('from .small import Small\n\nMODELS["Small"] = Small\n')
    done = run(folder, "from data.digits import write; print(write('data/pictures', 60))", program="-c")
    assert done.stdout == "120\n", done.stderr
    return folder


SETTINGS = ("--model", "Small", "--batch-size", "8", "--workers", "1", "--image-size", "32", "--seed", "3")


def history(folder: Path, checkpoints: str, epoch: int) -> list:
    stored = suiren.load(folder / checkpoints / f"Small-{epoch:03}.pt")
    assert stored["epoch"] == epoch
    return stored["history"]


def test_a_project_is_not_written_over(project):
    done = subprocess.run([sys.executable, "-m", "suiren", "new", str(project)], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "exists already" in done.stderr


def test_training_goes_on_after_a_kill_as_if_nothing_had_happened(project):
    done = run(project, "train", *SETTINGS, "--epochs", "6", "--checkpoints", "whole", "--curves", "whole/curves.png")
    assert done.returncode == 0, done.stderr
    whole = history(project, "whole", 6)
    assert len(whole) == 6
    assert whole[-1]["train_loss"] < whole[0]["train_loss"]
    assert (project / "whole/curves.png").read_bytes().startswith(b"\x89PNG")

    options = [*SETTINGS, "--epochs", "6", "--checkpoints", "cut", "--curves", "cut/curves.png"]
    training = subprocess.Popen([sys.executable, "main.py", "train", *options], cwd=project, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (project / "cut/Small-002.pt").exists():
        assert training.poll() is None, "the training ended by itself"
        time.sleep(0.002)
    training.send_signal(signal.SIGKILL)
    training.wait()
    assert not (project / "cut/Small-006.pt").exists()
    done = run(project, "resume", "--checkpoints", "cut", "--model", "Small", "--epochs", "6")
    assert done.returncode == 0, done.stderr
    assert "goes on after epoch" in done.stdout
    assert history(project, "cut", 6) == whole

    done = run(project, "resume", "--checkpoints", "cut", "--model", "Small", "--epochs", "6")
    assert "6 epochs are done already" in done.stdout


def test_testing_and_predicting(project):
    options = [*SETTINGS, "--checkpoints", "known"]
    assert run(project, "train", *options, "--epochs", "1").returncode == 0
    done = run(project, "test", *options)
    accuracy = history(project, "known", 1)[0]["test_accuracy"]
    assert "60 held-out pictures: loss" in done.stdout
    assert f"accuracy {accuracy:.2%}" in done.stdout
    files = sorted(str(p.relative_to(project)) for p in (project / "data/pictures/test/3").iterdir())[:3]
    done = run(project, "predict", *files, *options, "--predictions", "found/classes.csv")
    assert done.returncode == 0, done.stderr
    with open(project / "found/classes.csv") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "class", "probability"]
    assert [row[0] for row in rows[1:]] == files


def test_every_setting_is_an_option(project):
    text = run(project, "help").stdout
    for name in ("data", "image-size", "held-out", "augment", "workers", "model", "epochs", "batch-size", "lr", "momentum", "weight-decay", "seed", "checkpoints"):
        assert f"--{name}" in text
    assert run(project).stdout == text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--data", "nowhere"], "there is no folder 'nowhere'"),
        (["train", "--model", "Other"], "there is no model 'Other'; there are AlexNet, ResNet34, Small"),
        (["train", "--model", "AlexNet", "--image-size", "32"], "AlexNet needs pictures of at least 63 pixels"),
        (["train", "--image-size", "8"], "image_size is 8, it has to be at least 32"),
        (["test", "--checkpoints", "empty"], "there is no checkpoint of ResNet34 in 'empty'"),
        (["predict", "--checkpoints", "empty"], "which pictures?"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(project, arguments, words):
    done = run(project, *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
