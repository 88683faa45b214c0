"""What all models share: their names, their pretrained weights, and how a builder takes them. Source: torchvision/models/_api.py of 0.28"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import inspect
import json
import os
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any

from suiren.nn.modules.module import Module
from suiren.vision.datasets.utils import fetch
from suiren.vision.transforms._presets import ImageClassification
from suiren.vision.transforms.images import InterpolationMode

# ---------------------------------------------------------------- weights


@dataclass(eq=False)
class Weights:
    """Where a state dict is (`url`), the transform its images need (`transforms()` makes it), and what is known of it (`meta`)."""

    url: str
    transforms: Callable
    meta: dict[str, Any]


class WeightsEnum(Enum):
    """Base of the weights of a model; a member's value is a `Weights`."""

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """A member, given as itself or by its name, or None. TypeError for anything else, KeyError for a name that is none."""
        if obj is None or isinstance(obj, cls):
            return obj
        if type(obj) is str:
            return cls[obj.replace(cls.__name__ + ".", "")]
        raise TypeError(f"Invalid Weight class provided; expected {cls.__name__} but received {obj.__class__.__name__}.")

    def get_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Loads the state dict, fetched if it is not there yet: see `load_state_dict_from_url`."""
        return load_state_dict_from_url(self.url, *args, **kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self._name_}"

    def __reduce_ex__(self, protocol: Any) -> Any:  # copies and pickles are the member, found by its name
        return getattr, (type(self), self._name_)

    @property
    def url(self) -> str:
        return self.value.url

    @property
    def transforms(self) -> Callable:
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        return self.value.meta


def _data(name: str) -> list[str]:
    return pkgutil.get_data("suiren.vision.models", f"data/{name}").decode().splitlines()


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    """Name of the enum -> {member: Weights}. data/weights.jsonl has a line for each: enum, member, URL, the transform's arguments, meta."""
    categories = _data("imagenet_categories.txt")
    found: dict[str, dict[str, Any]] = {}
    for line in _data("weights.jsonl"):
        enum, member, *entry = json.loads(line)
        members = found.setdefault(enum, {})
        if member == "DEFAULT":
            members[member] = members[entry[0]]
            continue
        url, arguments, meta = entry
        if "interpolation" in arguments:
            arguments["interpolation"] = InterpolationMode(arguments["interpolation"])
        meta["categories"] = None if meta["categories"] is None else categories
        if "min_size" in meta:
            meta["min_size"] = tuple(meta["min_size"])
        members[member] = Weights(url, functools.partial(ImageClassification, **arguments), meta)
    return found


def weights_enum(name: str, module: str) -> Any:
    """The class of a model's weights, made from the table."""
    made: Any = WeightsEnum(name, _table()[name], module=module, qualname=name)
    made.__doc__ = f"Trained weights of `{name.removesuffix('_Weights')}`: {', '.join(made.__members__)}."
    return made


def checkpoint_folder() -> str:
    """Where weights are kept: PyTorch's own folder, so that what it has fetched is used here too."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return os.path.join(os.path.expanduser(home), "hub", "checkpoints")


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> dict[str, Any]:
    """Loads a state dict from `model_dir` (by default PyTorch's own folder), after fetching it from `url` if it is not there.

    `check_hash`: the file's SHA-256 sum must begin with the digits at the end of its name. RuntimeError when there is no connection: it
    says where to put a file that was fetched elsewhere.
    """
    from suiren.serialization import load

    folder = checkpoint_folder() if model_dir is None else model_dir
    name = file_name or os.path.basename(url)
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        digits = re.search(r"-([a-f0-9]{8,})\.", name) if check_hash else None
        fetch(url, path, None if digits is None else functools.partial(_has_sum, digits.group(1)), progress)
    return load(path, map_location=map_location, weights_only=weights_only)


def _has_sum(start: str, path: str) -> bool:
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            total.update(chunk)
    return total.hexdigest().startswith(start)


# ---------------------------------------------------------------- builders

BUILTIN_MODELS: dict[str, Callable[..., Module]] = {}
_WEIGHTS: dict[Callable, Any] = {}


def fix(kwargs: dict[str, Any], name: str, value: Any) -> None:
    """Sets an argument that the weights ask for. ValueError if it was given as something else."""
    if kwargs.setdefault(name, value) != value:
        raise ValueError(f"The parameter '{name}' expected value {value} but got {kwargs[name]} instead.")


def _load(model: Module, state: dict[str, Any], given: dict[str, Any]) -> None:
    model.load_state_dict(state)


def register_model(
    weights: Any,
    *,
    pretrained: str | None = "IMAGENET1K_V1",
    prepare: Callable[[dict[str, Any], Any], None] | None = None,
    load: Callable[[Module, dict[str, Any], dict[str, Any]], None] = _load,
) -> Callable:
    """Declares a function of keyword arguments as the builder of a model, and gives it `weights=None` and `progress=True`.

    `pretrained`: the member that torchvision's older argument of that name stands for. With weights, `prepare(kwargs, weights)` may change
    the arguments, and `load(model, state_dict, what the caller gave)` puts the weights in.
    """

    def declare(f: Callable[..., Module]) -> Callable[..., Module]:
        @functools.wraps(f)
        def build(*args: Any, **kwargs: Any) -> Module:
            _name_positional(kwargs, args)
            chosen = _chosen(f.__name__, kwargs, None if pretrained is None else weights[pretrained])
            progress = kwargs.pop("progress", True)
            chosen = weights.verify(chosen)
            given = dict(kwargs)
            if chosen is not None:
                if chosen.meta["categories"] is not None:
                    fix(kwargs, "num_classes", len(chosen.meta["categories"]))
                if prepare is not None:
                    prepare(kwargs, chosen)
            model = f(**kwargs)
            if chosen is not None:
                load(model, chosen.get_state_dict(progress=progress, check_hash=True), given)
            return model

        one, anything = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD
        build.__signature__ = inspect.Signature(
            [
                inspect.Parameter("weights", one, default=None, annotation=weights | None),
                inspect.Parameter("progress", one, default=True, annotation=bool),
                inspect.Parameter("kwargs", anything, annotation=Any),
            ],
            return_annotation=inspect.signature(f).return_annotation,
        )
        BUILTIN_MODELS[f.__name__] = build
        _WEIGHTS[build] = weights
        return build

    return declare


def _name_positional(kwargs: dict[str, Any], args: tuple) -> None:
    names = ("weights", "progress")[: len(args)]
    if len(args) > 2:
        raise TypeError(f"a builder of a model takes from 0 to 2 positional arguments but {len(args)} were given")
    if args:
        warnings.warn(
            f"Using {' and '.join(repr(n) for n in names)} as positional parameter(s) is deprecated since 0.13 and may be removed in the future. "
            "Please use keyword parameter(s) instead.",
            stacklevel=3,
        )
        kwargs.update(zip(names, args))


def _chosen(name: str, kwargs: dict[str, Any], default: Any) -> Any:
    """What weights the caller asked for, by `weights` or, as of old, by `pretrained` (or a bool for `weights`)."""
    weights = kwargs.pop("weights", None)
    if "pretrained" in kwargs:
        warnings.warn(
            "The parameter 'pretrained' is deprecated since 0.13 and may be removed in the future, please use 'weights' instead.", stacklevel=3
        )
        weights = bool(kwargs.pop("pretrained"))
    elif weights == "legacy":
        weights = True
    if not isinstance(weights, bool):
        return weights
    if weights and default is None:
        raise ValueError(f"No weights available for model {name}")
    chosen = default if weights else None
    text = (
        "Arguments other than a weight enum or `None` for 'weights' are deprecated since 0.13 and may be removed in the future. "
        f"The current behavior is equivalent to passing `weights={chosen}`."
    )
    if weights:
        text += f" You can also use `weights={type(chosen).__name__}.DEFAULT` to get the most up-to-date weights."
    warnings.warn(text, stacklevel=3)
    return chosen


# ---------------------------------------------------------------- models by name


def list_models(
    module: ModuleType | None = None, include: Iterable[str] | str | None = None, exclude: Iterable[str] | str | None = None
) -> list[str]:
    """The names of the models, sorted: of those in `module` only; that match one of `include` (shell patterns), and none of `exclude`."""
    names = {n for n, f in BUILTIN_MODELS.items() if module is None or f.__module__.rsplit(".", 1)[0] == module.__name__}
    found = names
    if include:
        found = set().union(*(fnmatch.filter(names, p) for p in ([include] if isinstance(include, str) else include)))
    for pattern in [exclude] if isinstance(exclude, str) else exclude or ():
        found = found - set(fnmatch.filter(names, pattern))
    return sorted(found)


def get_model_builder(name: str) -> Callable[..., Module]:
    """The function that makes the model of this name. ValueError for another name."""
    try:
        return BUILTIN_MODELS[name.lower()]
    except KeyError:
        raise ValueError(f"Unknown model {name.lower()}") from None


def get_model(name: str, **config: Any) -> Module:
    """The model of this name, made with these arguments."""
    return get_model_builder(name)(**config)


def get_model_weights(name: Callable | str) -> Any:
    """The class of weights of a model, given by its builder or its name."""
    builder = get_model_builder(name) if isinstance(name, str) else name
    if builder not in _WEIGHTS:
        raise ValueError("The WeightsEnum class for the specific method couldn't be retrieved. Make sure the typing info is correct.")
    return _WEIGHTS[builder]


def get_weight(name: str) -> WeightsEnum:
    """The weights of this full name, "ResNet50_Weights.IMAGENET1K_V1". ValueError for another name."""
    enum_name, dot, member = name.partition(".")
    if not dot or "." in member:
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    for weights in _WEIGHTS.values():
        if weights.__name__ == enum_name:
            return weights[member]
    raise ValueError(f"The weight enum '{enum_name}' for the specific method couldn't be retrieved.")
