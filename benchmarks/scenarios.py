"""Time ``allocator compare`` with every shipped scenario of every model: ``python benchmarks/scenarios.py [PROCESSES [OPTION ...]]``.

As many commands run at a time as PROCESSES says, 2 by default; a model is one command. Options go to the command (``--no-bridge``).
Comparisons are read back: every plan proved, no violation in any audit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the command line does

from allocator.places import shipped

LONGEST_FIRST = ("telecom", "software", "market", "field_sales", "action_plan")


def compare(model: str, names: list[str], folder: Path, options: list[str]) -> str:
    """Compare all scenarios of a model with its plan; returns a line that says how it went."""
    command = [str(Path(sys.executable).with_name("allocator")), "compare", model, "-o", str(folder), *options]
    began = time.perf_counter()
    done = subprocess.run([*command, *(f"-s{name}" for name in names)], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{model}: {done.stderr or done.stdout}")
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/summary.json")]
    bad = [run for run in runs if run["status"] != "optimal" or run["audit"]["violations"] != 0]
    if bad or len(runs) != len(names) + 1:
        raise SystemExit(f"{model}: {len(runs)} runs of {len(names) + 1}, {len(bad)} not proved or not clean")
    return f"{model}: {len(names)} scenarios, {seconds:.0f} s\n"


def main() -> None:
    """Print how long each model took, and all of them."""
    processes, *options = sys.argv[1:] or ["2"]
    scenarios = {m: sorted(p.stem for p in (shipped("scenarios") / m).glob("*.yaml")) for m in LONGEST_FIRST}
    began, times = time.perf_counter(), os.times()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(int(processes)) as pool:
        todo = [pool.submit(compare, m, names, Path(folder) / m, options) for m, names in scenarios.items()]
        for one in todo:
            sys.stdout.write(one.result())
    used = os.times()
    processor = used.children_user + used.children_system - times.children_user - times.children_system
    count = sum(map(len, scenarios.values()))
    sys.stdout.write(f"{count} in all, {time.perf_counter() - began:.0f} s on the clock, {processor:.0f} processor s\n")


if __name__ == "__main__":
    main()
