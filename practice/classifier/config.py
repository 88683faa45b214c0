"""Every setting, with its default. Each is an option of main.py: `--batch-size 64` sets `batch_size`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any


def setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass
class Config:
    # data
    data: str = setting("data/pictures", "folder of pictures: one subfolder for each class, or train/ and test/ with such subfolders")
    image_size: int = setting(64, "pictures are scaled and cropped to this many pixels each way")
    held_out: float = setting(0.2, "share of the pictures that is kept for testing, where there is no test/ folder")
    augment: bool = setting(True, "crop and mirror training pictures at random")
    workers: int = setting(2, "processes that load pictures")

    # model
    model: str = setting("ResNet34", "name of a class in models/: AlexNet or ResNet34")

    # training
    epochs: int = setting(10, "how often to go over the training pictures")
    batch_size: int = setting(32, "pictures a step")
    lr: float = setting(0.01, "learning rate of the first epoch")
    lr_decay: float = setting(0.5, "factor of the learning rate when the held-out loss has not fallen")
    momentum: float = setting(0.9, "momentum of SGD")
    weight_decay: float = setting(1e-4, "weight decay of SGD")
    seed: int = setting(0, "seed of all random numbers")
    threads: int = setting(0, "threads that compute; 0: all cores")

    # files
    checkpoints: str = setting("checkpoints", "folder of checkpoints")
    checkpoint: str = setting("", "the checkpoint to test, predict or resume with; empty: the last of this model")
    curves: str = setting("checkpoints/curves.png", "picture of losses and accuracies, drawn anew after each epoch")
    predictions: str = setting("checkpoints/predictions.csv", "where `predict` writes the class of each picture")

    def __post_init__(self) -> None:
        for name, holds, what in (
            ("image_size", self.image_size >= 32, "at least 32"),
            ("held_out", 0 < self.held_out < 1, "between 0 and 1"),
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 2, "at least 2: batch norm needs two pictures"),
            ("lr", self.lr > 0, "positive"),
        ):
            if not holds:
                raise ValueError(f"{name} is {getattr(self, name)}, it has to be {what}")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


SETTINGS = fields(Config)
