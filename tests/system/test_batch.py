"""Batches in Parquet and on Ray: real workers of a real cluster, the same tables as from processes, to the last digit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

PROGRAM = [sys.executable, "-m", "allocator", "batch", "night.yaml"]
BATCH = """\
title: Night
models: [pocket, action_plan]
scenarios: [base, slump, bad]
exclude: [{model: action_plan, scenario: slump}]
cases:
  - {name: tight, model: pocket, strict: yes, visits: no}
rules: [revenue at least 0.9 of base]
tables: [quotas, visits]
"""
SLUMP = "parameters: {factor: 0.9}\nevents:\n  - demand_shift: {factor: $factor}\n"
SWEEP = "vary:\n  - {parameter: factor, values: [0.95, 0.7]}\n"
BAD = "changes:\n  - {table: demand, where: {product: nothing}, multiply: {expected: 2}}\n"
TIMES = ["seconds", "attempts"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a batch, carried out by one worker, by two, and by Ray."""
    folder = tmp_path_factory.mktemp("batches")
    (folder / "scenarios").mkdir()
    (folder / "scenarios/slump.yaml").write_text(SLUMP + SWEEP, "utf-8")
    (folder / "scenarios/bad.yaml").write_text(BAD, "utf-8")
    (folder / "night.yaml").write_text(BATCH, "utf-8")
    for name, options in (
        ("one", ["--workers", "1"]),
        ("two", ["--workers", "2"]),
        ("ray", ["--executor", "ray", "--workers", "2"]),
    ):
        assert batch(folder, "-o", name, *options).returncode == 6
    return folder


def batch(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the batch."""
    environment = {**os.environ, "LANGUAGE": "en"}
    return subprocess.run(
        [*PROGRAM, *options], cwd=folder, env=environment, check=False, capture_output=True, encoding="utf-8"
    )


def cluster_processes() -> set[int]:
    """Return the processes of Ray clusters on this machine."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, check=True, encoding="utf-8")
    lines = [line.split(None, 1) for line in listed.stdout.splitlines()]
    return {int(pid) for pid, *said in lines if said and ("raylet" in said[0] or said[0].startswith("ray::"))}


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    """Return every table of a batch by its path; times are left out."""
    found = {str(p.relative_to(folder)): pd.read_parquet(p) for p in sorted(folder.rglob("*.parquet"))}
    found["index.parquet"] = found["index.parquet"].drop(columns=TIMES)
    return found


@pytest.mark.parametrize("other", ["two", "ray"])
def test_all_executors_give_the_same_tables(place: Path, other: str) -> None:
    """Every table of every result, of all cases together and the index are equal whoever planned them."""
    one, others = frames(place / "one"), frames(place / other)
    assert len(one) > 4 * 18
    assert one.keys() == others.keys()
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, others[name], check_exact=True, obj=name)


def test_the_index_tells_all_cases(place: Path) -> None:
    """Plans, a broken rule and a malformed scenario stand in one table, each with its reason."""
    index = pd.read_parquet(place / "ray/index.parquet").set_index("case")
    assert index["status"].value_counts().to_dict() == {"optimal": 4, "failed": 2, "infeasible": 1}
    assert index["passed"].to_dict()["pocket slump factor=0.7"] == "no"
    assert "of base" in index.loc["pocket slump factor=0.7", "reasons"]
    assert "No row has this value" in index.loc["pocket bad", "reasons"]
    joined = pd.read_parquet(place / "ray/quotas.parquet")
    assert set(joined["case"]) == set(index.index[index["status"] == "optimal"])


def test_ray_takes_over_what_processes_did(place: Path) -> None:
    """The results are the same folder for every executor: nothing is planned again, no cluster is started."""
    before = (place / "two/journal.jsonl").read_bytes()
    assert batch(place, "-o", "two", "--executor", "ray").returncode == 6
    assert (place / "two/journal.jsonl").read_bytes() == before


def test_a_cluster_that_was_started_ends(place: Path) -> None:
    """A cluster that a batch started is gone when the batch has ended; one that is not there is told with exit code 5."""
    before = cluster_processes()
    assert batch(place, "-o", "again", "--executor", "ray", "--workers", "1").returncode == 6
    until = time.monotonic() + 20
    while cluster_processes() - before and time.monotonic() < until:
        time.sleep(0.2)
    assert not cluster_processes() - before
    said = batch(place, "-o", "nowhere", "--executor", "ray", "--address", "127.0.0.1:1")
    assert said.returncode == 5
    assert "Cannot join the Ray cluster at 127.0.0.1:1" in said.stderr


CLUSTER = """
import ray, sys
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


def test_an_existing_cluster_is_used_and_left_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an address the batch is planned by that cluster, which is still there when it has ended."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # both find the token where Ray keeps it
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", CLUSTER], encoding="utf-8", **pipes) as cluster:
        assert cluster.stdout is not None
        assert cluster.stdin is not None
        address = cluster.stdout.readline().strip()
        before = cluster_processes()
        assert batch(place, "-o", "there", "--executor", "ray", "--address", address).returncode == 6
        raylets = {pid for pid in before if pid in cluster_processes()}
        assert raylets
        cluster.stdin.close()
    index = pd.read_parquet(place / "there/index.parquet").drop(columns=TIMES)
    pd.testing.assert_frame_equal(index, pd.read_parquet(place / "one/index.parquet").drop(columns=TIMES))


def test_a_lost_worker_of_ray_is_tried_once_more(place: Path) -> None:
    """A worker of the cluster that is killed in the middle of a case is told in the journal, and the case is planned."""
    before = cluster_processes()
    running = subprocess.Popen(
        [*PROGRAM, "-o", "killed", "--executor", "ray", "--workers", "1", "-q"], cwd=place, stderr=subprocess.PIPE
    )
    journal, killed = place / "killed/journal.jsonl", False
    while running.poll() is None:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, check=True, encoding="utf-8")
        at_work = [int(line.split()[0]) for line in listed.stdout.splitlines() if "ray::carry_out" in line]
        mine = [pid for pid in at_work if pid not in before]
        if mine and not killed:
            os.kill(mine[0], signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    running.communicate()
    assert killed
    events = [json.loads(line)["event"] for line in journal.read_text("utf-8").splitlines()]
    assert events.count("died") == 1
    index = pd.read_parquet(place / "killed/index.parquet").drop(columns=TIMES)
    pd.testing.assert_frame_equal(index, pd.read_parquet(place / "one/index.parquet").drop(columns=TIMES))
