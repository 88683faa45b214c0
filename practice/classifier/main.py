"""Trains, tests and uses a classifier of pictures.

    python main.py train   [--setting value …]   from the start
    python main.py resume  [--setting value …]   from the last checkpoint: after a stop, or for more --epochs
    python main.py test    [--setting value …]   accuracy on the held-out pictures
    python main.py predict FILE … [--setting …]  the class of pictures, also written to a CSV file
    python main.py help                          all settings with their defaults
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from dataclasses import replace
from typing import Any

from PIL import Image
from tqdm import tqdm

import suiren as t
from config import SETTINGS, Config
from data import datasets, loader
from data.pictures import transform
from models import MODELS
from suiren import nn, optim
from utils import Visualizer, last, save

COMMANDS = ("train", "resume", "test", "predict", "help")


def make_model(config: Config, classes: list[str]) -> nn.Module:
    if config.model not in MODELS:
        raise ValueError(f"there is no model {config.model!r}; there are {', '.join(MODELS)}")
    cls = MODELS[config.model]
    if config.image_size < cls.smallest:
        raise ValueError(f"{config.model} needs pictures of at least {cls.smallest} pixels, image_size is {config.image_size}")
    return cls(num_classes=len(classes))


def evaluate(model: nn.Module, batches: Any) -> tuple[float, float]:
    """(mean loss, accuracy)"""
    criterion = nn.CrossEntropyLoss(reduction="sum")
    loss, correct, total = 0.0, 0, 0
    model.eval()
    with t.no_grad():
        for images, labels in batches:
            scores = model(images)
            loss += criterion(scores, labels).item()
            correct += (scores.argmax(1) == labels).sum().item()
            total += len(labels)
    model.train()
    return loss / total, correct / total


def train(config: Config, start: dict[str, Any] | None = None) -> None:
    """From the start, or from a checkpoint."""
    trainset, testset = datasets(config)
    if start is not None and start["classes"] != trainset.classes:
        raise ValueError(f"the checkpoint knows the classes {start['classes']}, {config.data} has {trainset.classes}")
    t.manual_seed(config.seed)
    model = make_model(config, trainset.classes)
    optimizer = optim.SGD(model.parameters(), config.lr, config.momentum, weight_decay=config.weight_decay)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=config.lr_decay, patience=1)
    curves = Visualizer(config.curves)
    epoch = 0
    if start is not None:
        model.load_state_dict(start["model"])
        optimizer.load_state_dict(start["optimizer"])
        scheduler.load_state_dict(start["scheduler"])
        curves = Visualizer(config.curves, start["history"])
        t.set_rng_state(start["rng"])
        epoch = start["epoch"]
        print(f"goes on after epoch {epoch}")
    if epoch >= config.epochs:
        print(f"{epoch} epochs are done already: ask for more with --epochs")
        return
    print(f"{len(trainset):,} pictures to train on, {len(testset):,} held out, {len(trainset.classes)} classes; {config.model}, "
          f"{sum(p.numel() for p in model.parameters()):,} parameters")  # fmt: skip
    criterion = nn.CrossEntropyLoss()
    test_batches = loader(testset, config, is_training=False)
    while epoch < config.epochs:
        epoch += 1
        total = correct = 0
        running = 0.0
        with tqdm(loader(trainset, config, is_training=True), desc=f"epoch {epoch}/{config.epochs}", leave=False) as bar:
            for images, labels in bar:
                optimizer.zero_grad()
                scores = model(images)
                loss = criterion(scores, labels)
                loss.backward()
                hits = (scores.argmax(1) == labels).sum()
                optimizer.step()
                running += loss.item() * len(labels)
                correct += hits.item()
                total += len(labels)
                bar.set_postfix_str(f"loss {running / total:.3f}, accuracy {correct / total:.1%}", refresh=False)
        test_loss, test_accuracy = evaluate(model, test_batches)
        rate = optimizer.param_groups[0]["lr"]
        scheduler.step(test_loss)
        curves.add(train_loss=running / total, train_accuracy=correct / total, test_loss=test_loss, test_accuracy=test_accuracy)
        path = save(
            config.checkpoints, config.model, epoch,
            {
                "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "epoch": epoch,
                "classes": trainset.classes, "rng": t.get_rng_state(), "history": curves.history, "config": config.as_dict(),
            },
        )  # fmt: skip
        print(f"epoch {epoch}: loss {running / total:.4f}, accuracy {correct / total:.2%}; held out: loss {test_loss:.4f}, "
              f"accuracy {test_accuracy:.2%}; learning rate {rate:g}; {path}")  # fmt: skip
    print(f"curves are in {config.curves}")


def load(config: Config) -> dict[str, Any]:
    return t.load(config.checkpoint or last(config.checkpoints, config.model))


def loaded_model(config: Config) -> tuple[nn.Module, list[str]]:
    stored = load(config)
    model = make_model(config, stored["classes"])
    model.load_state_dict(stored["model"])
    return model.eval(), stored["classes"]


def test(config: Config) -> None:
    _, testset = datasets(config)
    model, classes = loaded_model(config)
    if classes != testset.classes:
        raise ValueError(f"the checkpoint knows the classes {classes}, {config.data} has {testset.classes}")
    loss, accuracy = evaluate(model, loader(testset, config, is_training=False))
    print(f"{len(testset):,} held-out pictures: loss {loss:.4f}, accuracy {accuracy:.2%}")


def predict(config: Config, files: list[str]) -> None:
    if not files:
        raise ValueError("which pictures? `python main.py predict FILE …`")
    model, classes = loaded_model(config)
    prepare, rows = transform(config, is_training=False), []
    with t.no_grad():
        for file in files:
            with Image.open(file) as picture:
                scores = model(prepare(picture.convert("RGB"))[None])
            shares = t.softmax(scores, 1)[0]
            best = int(shares.argmax())
            rows.append((file, classes[best], f"{shares[best].item():.4f}"))
            print("  ".join(rows[-1]))
    os.makedirs(os.path.dirname(config.predictions) or ".", exist_ok=True)
    with open(config.predictions, "w", newline="") as out:
        csv.writer(out).writerows([("file", "class", "probability"), *rows])
    print(f"written to {config.predictions}")


def parser() -> argparse.ArgumentParser:
    """Every setting of config.py as an option."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage="python main.py COMMAND [FILE …] [--setting value …]")
    found.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=", ".join(COMMANDS))
    found.add_argument("files", nargs="*", metavar="FILE", help="pictures to predict the class of")
    for s in SETTINGS:
        kind = type(s.default)
        option: dict[str, Any] = {"action": argparse.BooleanOptionalAction} if kind is bool else {"type": kind, "metavar": kind.__name__}
        found.add_argument("--" + s.name.replace("_", "-"), default=None, help=f"{s.metadata['help']} (default: {s.default!r})".replace("%", "%%"), **option)
    return found


def main(arguments: list[str]) -> None:
    arguments = arguments or ["help"]
    command = parser()
    args = command.parse_intermixed_args(arguments)
    if args.command == "help":
        command.print_help()
        return
    given = {s.name: getattr(args, s.name) for s in SETTINGS if getattr(args, s.name) is not None}
    config = Config(**given)
    start = None
    if args.command == "resume":
        start = load(config)  # its settings hold, but for those that are given now
        config = replace(Config(**start["config"]), **given)
    if config.threads:
        t.set_num_threads(config.threads)
    if args.command in ("train", "resume"):
        train(config, start)
    elif args.command == "test":
        test(config)
    else:
        predict(config, args.files)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
