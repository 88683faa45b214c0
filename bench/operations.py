"""What recording single operations costs beside PyTorch's dispatch: a hundred of one kind on 8×8 tensors, and a look at the last."""

from __future__ import annotations

from collections.abc import Callable

COUNT = 100

POINTWISE = ("x + y", "x * 2.0", "t.relu(x)", "x.exp()", "x > y", "-x", "t.maximum(x, y)", "x.clamp(0, 1)", "t.where(mask, x, y)")
VIEWS = ("x.view(64)", "x.reshape(4, 16)", "x.t()", "x.transpose(0, 1)", "x.permute(1, 0)", "x.unsqueeze(0)", "x.squeeze()", "x.expand(3, 8, 8)", "x.flatten()", "x.detach()")
INDEXING = ("x[3]", "x[-1]", "x[1:5]", "x[:, 2]", "x[2, 3]", "x[:, 1:3]", "x[None]", "x[..., 0]")
REDUCTIONS = ("x.sum()", "x.sum(1)", "x.mean()", "x.mean(0)", "x.max()", "x.argmax(1)")


def repeated(t, expressions: tuple[str, ...]) -> Callable[[], object]:
    """A step that evaluates each expression COUNT times, and looks at what it gave last."""
    x, y = t.ones(8, 8) * 0.5, t.ones(8, 8)
    space = {"t": t, "x": x, "y": y, "mask": x > 0}
    for value in (x, y, space["mask"]):
        value.numpy()
    body = "".join(f"    for _ in range({COUNT}): z = {e}\n    z.numpy()\n" for e in expressions)
    exec(f"def step():\n{body}", space)
    return space["step"]


def items(t) -> Callable[[], object]:
    """COUNT times item() of what is computed."""
    x = t.tensor(2.5)
    x.item()

    def step():
        for _ in range(COUNT):
            x.item()

    return step
