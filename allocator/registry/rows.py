"""Versions read from the tables of a registry."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.registry.approving import Need, Vote, counted
from allocator.registry.tables import NEEDS, STATES, VERSIONS, VOTES
from allocator.registry.version import Step, Version, number_of


def get(connection: Connection, version: int) -> Version:
    """Return the version with an id."""
    return next(v for v in select(connection) if v.id == version)


def select(
    connection: Connection, *, model: str | None = None, company: str | None = None, start: str | None = None
) -> list[Version]:
    """Return versions in the order in which they were published."""
    needs, votes, steps = (_by_version(connection, t) for t in (NEEDS, VOTES, STATES))
    heads = [r._mapping for r in connection.execute(sa.select(VERSIONS).order_by(VERSIONS.c.id))]
    numbers = {h["id"]: number_of(h["prefix"], h["year"], h["serial"]) for h in heads}
    wanted = {"model": model, "company": company, "start": start}
    return [
        _version(h, numbers, needs[h["id"]], votes[h["id"]], steps[h["id"]])
        for h in heads
        if all(value is None or h[name] == value for name, value in wanted.items())
    ]


def _by_version(connection: Connection, table: sa.Table) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(sa.select(table)):
        found[row.version].append(row)
    return found


def _version(head: Any, numbers: dict[int, str], needs: list[Any], votes: list[Any], steps: list[Any]) -> Version:
    cast = tuple(
        Vote(v.person, v.role, bool(v.agrees), v.because, v.at) for v in sorted(votes, key=lambda v: (v.at, v.person))
    )
    asked = [Need(n.role, n.needed, tuple(json.loads(n.voters))) for n in sorted(needs, key=lambda n: int(n.need))]
    same = (
        *("id", "company", "model", "start", "title", "published_at", "published_by", "because", "moved"),
        *("inputs_sha256", "content_sha256"),
    )
    return Version(
        **{name: head[name] for name in same},
        number=numbers[head["id"]],
        scenarios=tuple(json.loads(head["scenarios"])),
        replaces=numbers.get(head["replaces"], ""),
        needs=counted(asked, cast),
        votes=cast,
        steps=tuple(Step(s.state, s.at, numbers.get(s.by, "")) for s in sorted(steps, key=lambda s: int(s.step))),
    )
