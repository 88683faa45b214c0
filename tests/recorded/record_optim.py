"""Records what PyTorch gives for the cases of tests/optim: `python -m tests.recorded.record_optim`.

In the environment of `make conformance`; run it again whenever a case is added or changed.
"""

from __future__ import annotations

import numpy as np

from tests.optim import cases
from tests.recorded import OPTIM_FILE, save


def evaluated(lib) -> dict[str, np.ndarray | str]:
    """Every value by its name."""
    found = {}

    def put(name: str, values: dict) -> None:
        found.update({f"{name}|{k}": v if isinstance(v, str) else np.asarray(v) for k, v in values.items()})

    for name, settings in cases.OPTIMIZERS:
        steps, optimizer = cases.trajectory(lib, name, settings)
        put(f"optimizer|{cases.case_name(name, settings)}", {"steps": steps, "text": repr(optimizer), **cases.packed_state(optimizer)})
    for name in cases.SCHEDULES:
        put(f"schedule|{name}", {"rates": cases.rates(lib, name)})
    for name in cases.PLATEAUS:
        put(f"plateau|{name}", {"rates": cases.plateau_rates(lib, name)})
    for name in cases.LBFGS:
        put(f"LBFGS|{name}", {"path": cases.lbfgs_path(lib, name)})
    for k, settings in enumerate(cases.MUON):
        put(f"Muon|{k}", {"path": cases.muon_path(lib, settings)})
    for name in cases.AVERAGES:
        put(f"average|{name}", cases.averaged(lib, name))
    for strategy, epochs in (("cos", 5), ("linear", 7), ("cos", 0)):
        put(f"SWALR|{strategy} {epochs}", {"rates": cases.swa_rates(lib, strategy, epochs)})
    return found


def main() -> None:
    import torch

    if not torch.__version__.startswith("2.13."):
        raise SystemExit(f"values are recorded from PyTorch 2.13, this is {torch.__version__}")
    torch.set_num_threads(1)
    print(f"{save(evaluated(torch), OPTIM_FILE)} bytes")


if __name__ == "__main__":
    main()
