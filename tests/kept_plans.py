"""What a registry must be at any moment, checked on rows read without the package: nothing here comes from ``allocator.registry``."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from publisher import Publisher

TABLES = {
    "plan_versions": "id",
    "plan_files": "version, path",
    "plan_parts": "sha256, part",
    "plan_needs": "version, need",
    "plan_votes": "version, person",
    "plan_states": "version, step",
}
Rows = Mapping[str, Sequence[dict[str, Any]]]


def rows_of_file(path: Path) -> Rows:
    """Read all rows of a SQLite registry; none where there is no table yet."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        found = {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY {key}")]
            if table in known
            else []
            for table, key in TABLES.items()
        }
    connection.close()
    return found


def check(now: Rows, before: Rows | None = None) -> None:
    """Fail unless a registry is whole, and holds all that it held before, unchanged."""
    if before is not None:
        for table, rows in before.items():
            here = {_key(row, table): row for row in now[table]}
            assert all(here.get(_key(row, table)) == row for row in rows), f"{table}: something published was lost"
    _check_numbers(now["plan_versions"])
    files = _by_version(now["plan_files"])
    parts = defaultdict(dict)
    for row in now["plan_parts"]:
        parts[row["sha256"]][row["part"]] = bytes(row["data"])
    for version in now["plan_versions"]:
        _check_contents(version, files[version["id"]], parts)
    assert set(parts) == {row["sha256"] for row in now["plan_files"]}, "contents of no version are left"
    _check_states(now)


def _key(row: Mapping[str, Any], table: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in TABLES[table].split(", "))


def _by_version(rows: Sequence[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in rows:
        found[row["version"]].append(row)
    return found


def _check_numbers(versions: Sequence[dict[str, Any]]) -> None:
    """Numbers of a company, prefix and year are 1, 2, 3 … in the order of publishing."""
    series = defaultdict(list)
    for row in versions:
        series[row["company"], row["prefix"], row["year"]].append(row["serial"])
    for serials in series.values():
        assert serials == list(range(1, len(serials) + 1)), f"gap or double: {serials}"


def _check_contents(version: Mapping[str, Any], files: Sequence[Mapping[str, Any]], parts: Mapping[str, Any]) -> None:
    lines = []
    for row in sorted(files, key=lambda r: r["path"]):
        pieces = parts[row["sha256"]]
        assert list(pieces) == list(range(len(pieces)))
        data = b"".join(zlib.decompress(piece) for piece in pieces.values())
        assert hashlib.sha256(data).hexdigest() == row["sha256"], f"{version['id']}: {row['path']} is torn"
        assert len(data) == row["size"]
        lines.append(f"{row['sha256']} {row['size']} {row['path']}\n")
    assert {"summary.json", "quotas.csv", "model/model.yaml"} <= {row["path"] for row in files}
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == version["content_sha256"], "half a version"


def _check_states(now: Rows) -> None:
    """The states are those that the votes and the order of publishing lead to, played again from the start."""
    needs, votes = _by_version(now["plan_needs"]), _by_version(now["plan_votes"])
    told = {version: [row["state"] for row in rows] for version, rows in _by_version(now["plan_states"]).items()}
    assert set(told) == {version["id"] for version in now["plan_versions"]}
    events = [(version["published_at"], 0, version, None) for version in now["plan_versions"]]
    events += [(vote["at"], 1, vote["version"], vote) for rows in votes.values() for vote in rows]
    state: dict[int, list[str]] = {}
    line: dict[int, tuple[str, ...]] = {}
    cast: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for _at, kind, what, vote in sorted(events, key=lambda e: (e[0], e[1])):
        if kind == 0:
            mine = what["id"]
            line[mine] = (what["company"], what["model"], what["start"])
            for other in [v for v in state if line[v] == line[mine] and state[v][-1] == "proposed"]:
                state[other].append("superseded")
            state[mine] = ["proposed"]
        else:
            mine = what
            assert state[mine][-1] == "proposed", "a vote on what was decided"
            cast[mine].append(vote)
        verdict = _verdict(needs[mine], cast[mine])
        if verdict == "approved":
            for other in [v for v in state if line[v] == line[mine] and state[v][-1] == "approved"]:
                state[other].append("superseded")
        if verdict != "proposed":
            state[mine].append(verdict)
    assert state == told


def _verdict(needs: Sequence[Mapping[str, Any]], votes: Sequence[Mapping[str, Any]]) -> str:
    verdict = "approved"
    for need in needs:
        voters = json.loads(need["voters"])
        of_role = [v for v in votes if v["role"] == need["role"] and v["person"] in voters]
        yes = sum(v["agrees"] for v in of_role)
        if len(voters) - (len(of_role) - yes) < need["needed"]:
            return "rejected"
        if yes < need["needed"]:
            verdict = "proposed"
    return verdict


PEOPLE = (("chen", "director"), ("li", "management"), ("zhou", "management"))


def kill_again_and_again(publisher: Publisher, read: Callable[[], Rows], kills: int) -> None:
    """Kill publishing and voting at moments drawn by chance: each time all or nothing of it is there, and it goes on."""
    chance, outcomes = random.Random(7), set()
    publisher.one(do="publish", run=0)
    started = time.perf_counter()
    number = publisher.one(do="publish", run=1)["number"]
    typical = time.perf_counter() - started
    before, last = read(), 1
    check(before)
    for k in range(kills):
        job = {"do": "publish", "run": 1 - last}
        if k % 2 and before["plan_states"][-1]["state"] == "proposed":
            voted = {row["person"] for row in before["plan_votes"] if row["version"] == len(before["plan_versions"])}
            person, role = next(p for p in PEOPLE if p[0] not in voted)
            job = {"do": "approve", "version": number, "person": person, "role": role}
        done = publisher.one(**job, delay=chance.uniform(0, 1.2 * typical))
        now = read()
        check(now, before)
        versions, votes = (len(now[t]) - len(before[t]) for t in ("plan_versions", "plan_votes"))
        assert (versions, votes) in {(0, 0), (1, 0) if job["do"] == "publish" else (0, 1)}
        outcomes.add((job["do"], done["killed"], versions + votes))
        last, before = (1 - last if versions else last), now
        number = number_of(now["plan_versions"][-1])
    assert ("publish", True, 0) in outcomes, "no publish was killed before its end"
    assert publisher.one(do="publish", run=1 - last)["number"] != number
    check(read(), before)


def number_of(version: Mapping[str, Any]) -> str:
    """Document number of a row of versions."""
    return f"{version['prefix']}-{version['year']}-{version['serial']:02d}"


def write_together(publisher: Publisher, read: Callable[[], Rows]) -> None:
    """Publish from four processes at once, vote from three, publish one run from two."""
    jobs = [{"do": "publish", "run": [k % 2, 1 - k % 2], "times": 6} for k in range(4)]
    done = publisher.all_at_once(jobs)
    assert not any("error" in answer for answer in done)
    now = read()
    check(now)
    assert len(now["plan_versions"]) >= 6
    numbers = {n for answer in done for n in answer["numbers"]}
    assert numbers == {number_of(row) for row in now["plan_versions"]}
    version = number_of(now["plan_versions"][-1])
    votes = [("chen", "director"), ("li", "management"), ("wang", "management")]
    cast = publisher.all_at_once([{"do": "approve", "version": version, "person": p, "role": r} for p, r in votes])
    assert sorted(answer["state"] for answer in cast) == ["approved", "proposed", "proposed"]
    twice = publisher.all_at_once([{"do": "publish", "run": 0, "by": "a"}, {"do": "publish", "run": 0, "by": "b"}])
    assert twice[0]["number"] == twice[1]["number"], "one run that two publish at once is one version"
    check(read(), now)
