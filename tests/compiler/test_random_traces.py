"""Random traces, with views, writes, numbers and all dtypes: compiled against the interpreter, in pieces, with passes left out."""

from __future__ import annotations

import random

import numpy as np
import pytest

from suiren.config import config
from suiren.trace.op import REGISTRY

SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33]
PASSES = ["", "", "", "-fuse", "-simplify", "-reuse", "-simplify,-fuse,-reuse"]
LARGEST = 20_000


class Writer:
    """Appends random operations to a recorder; what a rule refuses is left out."""

    def __init__(self, seed: int, recorder):
        self.rnd, rng = random.Random(seed), np.random.default_rng(seed)
        dims = [self.rnd.choice(SIZES) for _ in range(3)]
        arrays = []
        for _ in range(self.rnd.randint(1, 4)):
            shape = tuple(1 if self.rnd.random() < 0.15 else d for d in dims[self.rnd.randint(0, 3) :])
            kind = self.rnd.choice(["float32"] * 6 + ["float64", "int64", "bool", "int32"])
            x = rng.standard_normal(shape) * 3
            arrays.append(x > 0 if kind == "bool" else np.asarray(x).astype(kind))
        self.r = recorder(*arrays)
        self.values = list(range(len(arrays)))

    def spec(self, v):
        return self.r.specs[v]

    def pointwise(self, v):
        r, rnd = self.r, self.rnd
        w, name = (
            rnd.choice(self.values),
            rnd.choice(["add", "sub", "mul", "maximum", "lt", "where", "number", "relu", "neg", "abs", "exp", "cast"]),
        )
        if name == "number":
            return r("mul", v, r.number(rnd.choice([2, 3, 0.5, 1.25])))
        if name == "where":
            return r(name, rnd.choice(self.values), v, w)
        if name == "exp":
            return r("exp", r("tanh", v))
        if name == "cast":
            from suiren import dtypes

            return r(name, v, dtype=rnd.choice([dtypes.float32, dtypes.float64, dtypes.int32]))
        return r(name, v) if name in ("relu", "neg", "abs") else r(name, v, w)

    def reduction(self, v):
        shape = self.spec(v).shape
        dims = tuple(sorted(self.rnd.sample(range(len(shape)), self.rnd.randint(1, len(shape)))))
        return self.r(
            self.rnd.choice(["sum", "sum", "amax", "max_with_index", "any", "argmax"]),
            v,
            dims=dims,
            keepdim=self.rnd.random() < 0.6,
        )

    def movement(self, v):
        r, rnd, shape = self.r, self.rnd, self.spec(v).shape
        name, at = (
            rnd.choice(["reshape", "unsqueeze", "permute", "expand", "slice", "select", "flip"]),
            rnd.randrange(len(shape)),
        )
        if name == "permute":
            return r(name, v, dims=tuple(rnd.sample(range(len(shape)), len(shape))))
        if name == "reshape":
            n = self.spec(v).numel
            a = rnd.choice([d for d in range(1, n + 1) if n % d == 0])
            return r(name, v, shape=rnd.choice([(a, n // a), (n,)]))
        if name == "unsqueeze":
            return r("reshape", v, shape=(*shape[:at], 1, *shape[at:]))
        if name == "expand":
            return r(name, v, shape=(rnd.choice([2, 3, 1]), *(rnd.choice([1, 4]) if n == 1 else n for n in shape)))
        if name == "slice":
            starts, steps = tuple(rnd.randrange(n) for n in shape), tuple(rnd.choice([1, 1, 2]) for _ in shape)
            sizes = tuple(rnd.randint(1, (n - a + s - 1) // s) for n, a, s in zip(shape, starts, steps))
            return r(name, v, starts=starts, sizes=sizes, steps=steps)
        return r(name, v, dim=at, index=rnd.randrange(shape[at])) if name == "select" else r(name, v, dims=(at,))

    def placement(self, v):
        r, rnd, shape = self.r, self.rnd, self.spec(v).shape
        d = rnd.randrange(len(shape))
        if rnd.random() < 0.5:
            return r("cat", v, r("neg", v), dim=d)
        x = r("relu", r("select", v, dim=d, index=rnd.randrange(shape[d])))
        return r("view_write", v, x, op=REGISTRY["select"], op_params=(d, rnd.randrange(shape[d])))

    def step(self):
        v = self.rnd.choice(self.values[-6:] if self.rnd.random() < 0.7 else self.values)
        kind = self.rnd.choices([self.pointwise, self.reduction, self.movement, self.placement], [50, 20, 23, 7])[0]
        if not self.spec(v).shape:
            kind = self.pointwise
        size = len(self.r.nodes)
        try:
            found = kind(v)
        except (RuntimeError, NotImplementedError, TypeError):  # shapes that do not broadcast, a bool that has no sign
            del self.r.nodes[size:], self.r.specs[len(self.r.leaves) + sum(len(n.outputs) for n in self.r.nodes) :]
            return
        self.values += found if isinstance(found, tuple) else (found,)

    def trace(self):
        for _ in range(self.rnd.randint(2, 14)):
            self.step()
            if self.spec(self.values[-1]).numel > LARGEST:
                break
        outputs = list({*(self.rnd.choice(self.values) for _ in range(3)), self.values[-1]})
        writes = []
        for leaf, spec in enumerate(self.r.leaves):
            fitting = [
                v
                for v in self.values
                if self.spec(v).plain is spec.plain and v not in outputs and v >= len(self.r.leaves)
            ]
            if fitting and self.rnd.random() < 0.6:
                writes.append((leaf, self.rnd.choice(fitting)))
        return self.r.trace(*outputs, writes=writes)


@pytest.mark.parametrize("seed", range(60))
def test_compiled_is_interpreted(seed, recorder, agree):
    writer = Writer(seed, recorder)
    trace = writer.trace()
    with config(passes=writer.rnd.choice(PASSES)):
        agree(writer.r, trace, rtol=2e-4, atol=2e-4)
