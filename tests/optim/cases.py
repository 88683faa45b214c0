"""What optimizers and schedules are tested with. `lib` is suiren or torch; tests/recorded/record_nn.py records PyTorch's values."""

from __future__ import annotations

import numpy as np

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "weight_decay": 0.1, "betas": (0.4, 0.9)}),
    ("Adam", {"lr": 0.05, "maximize": True, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "amsgrad": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3}),
    ("Adadelta", {"lr": 1.0, "weight_decay": 0.1}),
    ("Adamax", {"lr": 0.05, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.05, "betas": (0.9, 0.99), "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
    ("Rprop", {"lr": 0.01}),
    ("ASGD", {"lr": 0.1, "t0": 5, "weight_decay": 0.1}),
    ("Adafactor", {"lr": 0.1}),
    ("Adafactor", {"lr": 0.1, "eps": (1e-6, 1e-2), "d": 1.5, "weight_decay": 0.1, "beta2_decay": -0.6, "maximize": True}),
]


def case_name(name: str, settings: dict) -> str:
    return name + "".join(f" {k}={v}" for k, v in settings.items())


def trajectory(lib, name: str, settings: dict, resume: bool = False) -> tuple[np.ndarray, object]:
    """(the parameters, flat, after each of 20 steps; the optimizer). With `resume` a new one goes on from the state dict in the middle."""
    rng = np.random.default_rng(0)
    params = [lib.tensor(rng.standard_normal(s).astype(np.float32), requires_grad=True) for s in ((3, 4), (5,), (2,))]
    data = [rng.standard_normal((20, *p.shape)).astype(np.float32) for p in params]

    def make():
        first, *rest = params
        groups = [{"params": [first], "lr": settings["lr"] * 0.5}, {"params": rest}]
        return getattr(lib.optim, name)(groups, **settings)

    optimizer, found = make(), []
    for i in range(20):
        if resume and i == 10:
            state = optimizer.state_dict()
            optimizer = make()
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        used = params if i % 3 else params[:2]  # the last one has no gradient in some steps, so counts of steps differ
        loss = sum(((p - lib.tensor(d[i])) ** 2).sum() for p, d in zip(used, data))
        loss.backward()
        optimizer.step()
        found.append(np.concatenate([p.detach().numpy().reshape(-1) for p in params]))
    return np.stack(found), optimizer


def packed_state(optimizer) -> dict[str, np.ndarray]:
    """The state dict's tensors by "number/name"."""
    state = optimizer.state_dict()["state"]
    return {f"{k}/{name}": value.detach().numpy().copy() for k, own in state.items() for name, value in own.items()}


SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 4, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [3, 3, 8], 0.5),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.3, 6),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.9, 7),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 9, 2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 8, 0.01),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, 2, 0.01),
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda e: 0.95**e, lambda e: 1 / (e + 1)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, 5, mode="triangular2"),
    "CyclicLR_exp": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, mode="exp_range", gamma=0.9, cycle_momentum=False),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, [0.2, 0.3], total_steps=40),
    "OneCycleLR_linear": lambda s, o: s.OneCycleLR(o, 0.2, epochs=4, steps_per_epoch=10, anneal_strategy="linear", three_phase=True),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 5), s.ExponentialLR(o, 0.9)], [6]),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)]),
}


def rates(lib, name: str) -> np.ndarray:
    """Learning rates and momenta over 30 steps, a new schedule going on from the state dict after 11."""
    params = [lib.zeros(2, requires_grad=True), lib.zeros(3, requires_grad=True)]
    optimizer = lib.optim.SGD([{"params": [params[0]], "lr": 0.1}, {"params": [params[1]]}], lr=0.2, momentum=0.8)
    schedule, found = SCHEDULES[name](lib.optim.lr_scheduler, optimizer), []
    for step in range(30):
        optimizer.step()
        groups = optimizer.param_groups
        found.append([*schedule.get_last_lr(), *(g["lr"] for g in groups), *(g["momentum"] for g in groups)])
        schedule.step()
        if step == 11:
            state = schedule.state_dict()
            schedule = SCHEDULES[name](lib.optim.lr_scheduler, optimizer)
            schedule.load_state_dict(state)
    return np.array(found)


PLATEAUS = {"min": {}, "max": {"mode": "max", "threshold_mode": "abs", "cooldown": 2, "patience": 1}}


def plateau_rates(lib, name: str) -> np.ndarray:
    """Learning rates of ReduceLROnPlateau over 60 metrics."""
    optimizer = lib.optim.SGD([lib.zeros(2, requires_grad=True)], lr=0.2)
    schedule = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **{"patience": 3, "factor": 0.5, **PLATEAUS[name]})
    found = []
    for metric in np.random.default_rng(3).standard_normal(60):
        schedule.step(metric)
        found.append(optimizer.param_groups[0]["lr"])
    return np.array(found)


LBFGS = {
    "plain": {"lr": 0.02},
    "short": {"lr": 0.05, "max_iter": 3, "history_size": 2},
    "wolfe": {"line_search_fn": "strong_wolfe", "max_iter": 5},
}


def lbfgs_path(lib, name: str) -> np.ndarray:
    """Parameters and loss after each of 6 steps on Rosenbrock's function; a new optimizer goes on from the state dict after 3."""
    x = lib.tensor([-1.2, 1.0], dtype=lib.float64, requires_grad=True)
    y = lib.tensor([[0.5], [2.0]], dtype=lib.float64, requires_grad=True)
    optimizer, found = lib.optim.LBFGS([x, y], **LBFGS[name]), []

    def closure():
        optimizer.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2 + ((y - 1) ** 4).sum()
        loss.backward()
        return loss

    for i in range(6):
        if i == 3:
            state = optimizer.state_dict()
            optimizer = lib.optim.LBFGS([x, y], **LBFGS[name])
            optimizer.load_state_dict(state)
        loss = optimizer.step(closure)
        found.append([*x.tolist(), *y.view(-1).tolist(), loss.item()])
    return np.array(found)


MUON = [{"lr": 0.1}, {"lr": 0.1, "nesterov": False, "momentum": 0.3, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}]


def muon_path(lib, settings: dict) -> np.ndarray:
    """A wide and a tall matrix after each of 4 steps."""
    rng = np.random.default_rng(1)
    params = [lib.tensor(rng.standard_normal(s).astype(np.float32), requires_grad=True) for s in ((3, 5), (6, 2))]
    targets = [lib.tensor(rng.standard_normal(tuple(p.shape)).astype(np.float32)) for p in params]
    optimizer, found = lib.optim.Muon(params, **settings), []
    for _ in range(4):
        optimizer.zero_grad()
        sum(((p - t) ** 2).sum() for p, t in zip(params, targets)).backward()
        optimizer.step()
        found.append(np.concatenate([p.detach().numpy().reshape(-1) for p in params]))
    return np.stack(found)


AVERAGES = {
    "mean": lambda u: {},
    "ema": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.8)},
    "ema of each": lambda u: {"avg_fn": u.get_ema_avg_fn(0.8), "use_buffers": True},
    "mean of each": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "buffers": lambda u: {"use_buffers": True},
}


def averaged(lib, name: str) -> dict[str, np.ndarray]:
    """The state of an averaged model after five steps, and after the statistics of its batch norm were computed anew."""
    lib.manual_seed(0)
    utils, net = lib.optim.swa_utils, lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4))
    model = utils.AveragedModel(net, **AVERAGES[name](utils))
    optimizer = lib.optim.SGD(net.parameters(), lr=0.1)
    batches = [lib.randn(6, 3) for _ in range(5)]
    for x in batches:
        optimizer.zero_grad()
        ((net(x) - x.sum(1, keepdim=True)) ** 2).mean().backward()
        optimizer.step()
        model.update_parameters(net)
    found = {f"{k} before": v.detach().numpy().copy() for k, v in model.state_dict().items()}
    utils.update_bn([(x, 1) for x in batches], model)
    return {**found, **{k: v.detach().numpy().copy() for k, v in model.state_dict().items()}}


def swa_rates(lib, strategy: str, epochs: int) -> np.ndarray:
    optimizer = lib.optim.SGD([{"params": [lib.zeros(2, requires_grad=True)], "lr": 0.1}, {"params": [lib.zeros(3, requires_grad=True)]}], lr=0.2)
    schedule = lib.optim.swa_utils.SWALR(optimizer, [0.05, 0.3], epochs, strategy)
    found = []
    for _ in range(12):
        optimizer.step()
        schedule.step()
        found.append([g["lr"] for g in optimizer.param_groups])
    return np.array(found)
