"""Curves of a training, as a picture that is drawn anew after each epoch."""

from __future__ import annotations

import os

import matplotlib

matplotlib.use("Agg")  # into a file: no screen is needed
from matplotlib import pyplot as plt  # noqa: E402


class Visualizer:
    """Keeps losses and accuracies by epoch. `history` is what a checkpoint stores of it."""

    def __init__(self, path: str, history: list[dict[str, float]] | None = None):
        self.path = path
        self.history = list(history or [])

    def add(self, **values: float) -> None:
        """The values of one more epoch: train_loss, test_loss, train_accuracy, test_accuracy."""
        self.history.append(values)
        self.draw()

    def draw(self) -> None:
        os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
        epochs = range(1, len(self.history) + 1)
        figure, both = plt.subplots(1, 2, figsize=(9, 3.6))
        for axes, what in zip(both, ("loss", "accuracy")):
            for part, color in (("train", "#1f4e8c"), ("test", "#c0392b")):
                axes.plot(epochs, [h[f"{part}_{what}"] for h in self.history], marker=".", color=color, label="training" if part == "train" else "held out")
            axes.set(xlabel="epoch", title=what)
            axes.legend()
        both[0].set_ylim(0, None)
        both[1].set_ylim(0, 1)
        figure.tight_layout()
        temporary = self.path + ".part.png"
        figure.savefig(temporary, dpi=110)
        os.replace(temporary, self.path)
        plt.close(figure)
