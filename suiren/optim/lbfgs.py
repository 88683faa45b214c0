"""L-BFGS, with a line search for the strong Wolfe conditions. Sources: torch/optim/lbfgs.py; J. Nocedal, S. Wright: Numerical Optimization, 3.5 and 7.2"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from suiren.api.complex import view_as_real
from suiren.api.joining import cat
from suiren.api.pointwise import abs as magnitude
from suiren.autograd.modes import enable_grad, no_grad
from suiren.optim.optimizer import Optimizer, filled, number
from suiren.tensor import Tensor
from suiren.trace import pending

SUFFICIENT, CURVATURE = 1e-4, 0.9  # the two constants of the Wolfe conditions
PAIRS = 4  # of the history in one recording: as it grows, there are this many programs of the two loops, not one for every length
Point = tuple[float, float, Tensor, float]  # (step, loss, gradient, slope along the direction)


def largest(x: Tensor) -> float:
    return magnitude(x).max().item()


def minimum_of_cubic(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic through two points with two slopes is smallest, kept between low and high."""
    (x1, f1, _, g1), (x2, f2, _, g2) = (a, b) if a[0] <= b[0] else (b, a)
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if square < 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    return min(max(x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2)), low), high)


def strong_wolfe(evaluate: Callable[[float], Point], start: Point, step: float, reach: float, tolerance: float, most: int) -> tuple[Point, int]:
    """(a point that meets the conditions, or the best that was found; how many evaluations it took).

    `evaluate` gives the point at a step, `start` is the one at step 0, `reach` the largest element of the direction.
    """
    _, loss0, _, slope0 = start

    def too_high(p: Point) -> bool:
        return p[1] > loss0 + SUFFICIENT * p[0] * slope0

    def is_flat(p: Point) -> bool:
        return abs(p[3]) <= -CURVATURE * slope0

    # Bracket an interval that has such a point in it.
    before, new = start, evaluate(step)
    evaluations, rounds = 1, 0
    bracket = [start, new]
    while rounds < most:
        if too_high(new) or (rounds > 1 and new[1] >= before[1]) or (not is_flat(new) and new[3] >= 0):
            bracket = [before, new]
            break
        if is_flat(new):
            return new, evaluations
        t = minimum_of_cubic(before, new, new[0] + 0.01 * (new[0] - before[0]), new[0] * 10)
        before, new = new, evaluate(t)
        evaluations, rounds = evaluations + 1, rounds + 1
        bracket = [start, new]

    # Narrow it down.
    low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
    was_close = False
    while rounds < most:
        left, right = sorted(p[0] for p in bracket)
        if (right - left) * reach < tolerance:
            break
        t = minimum_of_cubic(bracket[0], bracket[1], left, right)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # too close to an end, twice: a tenth away from it
            if was_close or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                was_close = False
            else:
                was_close = True
        else:
            was_close = False
        new = evaluate(t)
        evaluations, rounds = evaluations + 1, rounds + 1
        if too_high(new) or new[1] >= bracket[low][1]:
            bracket[high] = new
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
            continue
        done = is_flat(new)
        if not done and new[3] * (bracket[high][0] - bracket[low][0]) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = new
        if done:
            break
    return bracket[low], evaluations


def _real(t: Tensor) -> Tensor:
    """A complex tensor as pairs, a view; a real one as it is."""
    return view_as_real(t) if t.is_complex() else t


class LBFGS(Optimizer):
    """Quasi-Newton steps from the last `history_size` changes of the gradient; one group of parameters only. `step` needs a closure.

    `line_search_fn`: None, or 'strong_wolfe'. Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html
    """

    def __init__(
        self, params: Any, lr: float = 1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9, history_size: int = 100, line_search_fn: str | None = None,
    ):  # fmt: skip
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(
            params,
            {
                "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _gradient(self) -> Tensor:
        """All gradients as one vector, complex ones as pairs; zeros where there is none."""
        return cat([_real(filled(p) if p.grad is None else p.grad).reshape(-1) for p in self._params])

    def _move(self, step: float, direction: Tensor) -> None:
        at = 0
        for p in self._params:
            p = _real(p)
            p.add_(direction[at : at + p.numel()].view_as(p), alpha=step)
            at += p.numel()

    def _evaluate(self, closure: Callable, origin: list[Tensor], step: float, direction: Tensor) -> Point:
        """The loss and its gradient a step away; the parameters are back at the origin afterwards."""
        self._move(step, direction)
        loss, gradient = float(closure()), self._gradient()
        for p, kept in zip(self._params, origin):
            p.copy_(kept)
        return step, loss, gradient, gradient.dot(direction).item()

    def _direction(self, state: dict, gradient: Tensor, history_size: int) -> Tensor:
        """The two loops: the inverse Hessian that the history implies, times the negative gradient."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return gradient.neg()
        dirs, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y, s = gradient.sub(state["prev_flat_grad"]), state["d"].mul(state["t"])
        ys = y.dot(s)
        if ys.item() > 1e-10:
            if len(dirs) == history_size:
                for oldest in (dirs, steps, ro):
                    oldest.pop(0)
            dirs.append(y)
            steps.append(s)
            ro.append(1.0 / ys)
            state["H_diag"] = ys / y.dot(y)
        q, weights = gradient.neg(), [None] * len(dirs)
        for done, i in enumerate(reversed(range(len(dirs))), 1):
            weights[i] = steps[i].dot(q) * ro[i]
            q = q - weights[i] * dirs[i]
            if done % PAIRS == 0:
                pending.finish()
        q = q * state["H_diag"]
        for i in range(len(dirs)):
            q = q + (weights[i] - dirs[i].dot(q) * ro[i]) * steps[i]
            if (i + 1) % PAIRS == 0:
                pending.finish()
        return q

    def step(self, closure: Callable[[], Any]) -> Any:
        """Up to `max_iter` iterations. `closure` clears the gradients, computes the loss, calls `backward` and returns the loss; so does `step`, the first one."""
        group, state = self.param_groups[0], self.state[self._params[0]]
        lr, tolerance_change = number(group["lr"]), group["tolerance_change"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        def again() -> Any:
            with enable_grad():
                return closure()

        with no_grad():
            first = again()
            loss, evaluations = float(first), 1
            state["func_evals"] += 1
            gradient = self._gradient()
            if largest(gradient) <= group["tolerance_grad"]:
                return first
            for n in range(1, group["max_iter"] + 1):
                state["n_iter"] += 1
                d = state["d"] = self._direction(state, gradient, group["history_size"])
                state["prev_flat_grad"], state["prev_loss"] = gradient, loss
                t = min(1.0, 1.0 / magnitude(gradient).sum().item()) * lr if state["n_iter"] == 1 else lr
                slope = gradient.dot(d).item()
                state["t"] = t
                if slope > -tolerance_change:
                    break
                done, before = 0, loss
                if group["line_search_fn"]:
                    origin = [p.clone() for p in self._params]
                    (t, loss, gradient, _), done = strong_wolfe(
                        lambda step: self._evaluate(again, origin, step, d), (0.0, loss, gradient, slope), t, largest(d),  # noqa: B023
                        1e-9, group["max_eval"] - evaluations,
                    )  # fmt: skip
                    state["t"] = t
                    self._move(t, d)
                else:
                    self._move(t, d)
                    if n != group["max_iter"]:  # the last point is not looked at
                        loss, done = float(again()), 1
                        gradient = self._gradient()
                evaluations += done
                state["func_evals"] += done
                if evaluations >= group["max_eval"] or largest(gradient) <= group["tolerance_grad"]:
                    break
                if largest(d.mul(t)) <= tolerance_change or abs(loss - before) < tolerance_change:
                    break
        return first


__all__ = ["LBFGS"]
