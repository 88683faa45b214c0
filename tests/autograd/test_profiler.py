"""The profiler: what ran, by name, in either tier; blocks; schedules."""

from __future__ import annotations

import json

import suiren
from suiren.autograd.profiler import profile, record_function
from suiren.profiler import ProfilerAction, ProfilerActivity, schedule
from suiren.profiler import profile as scheduled_profile


def work(x):
    return ((x @ x).exp() + 1.0).sum().item()


def test_rows_are_named_by_operations(tier, tmp_path):
    x = suiren.ones(4, 4)
    with profile() as prof:
        for _ in range(3):
            with record_function("step"):
                work(x)
    averages = prof.key_averages()
    rows = {e.key: e for e in averages}
    assert rows["step"].count == 3
    names = " + ".join(rows)
    assert "matmul" in names and "sum" in names
    if tier == "interpreter":
        assert rows["matmul"].count == 3
    assert prof.self_cpu_time_total > 0 and prof.total_average().count == len(prof.function_events)
    text = averages.table(sort_by="self_cpu_time_total", row_limit=2)
    assert "Self CPU %" in text and "# of Calls" in text and "Self CPU time total" in text
    assert rows["step"].cpu_time_total >= rows["step"].self_cpu_time_total
    prof.export_chrome_trace(str(tmp_path / "trace.json"))
    assert {e["name"] for e in json.loads((tmp_path / "trace.json").read_text())} == set(rows)


def test_nothing_is_measured_outside():
    x = suiren.ones(4, 4)
    with profile(enabled=False):
        work(x)
    with profile() as prof:
        pass
    work(x)
    assert not prof.function_events


def test_a_schedule_chooses_steps():
    steps = schedule(wait=1, warmup=1, active=2, repeat=1, skip_first=1)
    wanted = ["NONE", "NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE", "NONE"]
    assert [steps(i) for i in range(6)] == [ProfilerAction[name] for name in wanted]
    ready, x = [], suiren.ones(4, 4)
    with scheduled_profile(activities=[ProfilerActivity.CPU], schedule=steps, on_trace_ready=lambda p: ready.append(len(p.events()))) as prof:
        for _ in range(6):
            work(x)
            prof.step()
    assert len(ready) == 1 and ready[0] > 0
