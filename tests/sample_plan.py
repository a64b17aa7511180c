"""A plan made by hand, for tests of what is done with one."""

from __future__ import annotations

import functools

import pandas as pd

from allocator.errors import Finding
from allocator.model import Model
from allocator.places import shipped_models
from allocator.plan import GoalValue, Plan
from allocator.reading import load

QUOTAS = """\
li   north broadband 2026-04 base    480000   480000   480000   0
li   north iot       2026-04 base    150000.5 150000.5 150000.5 0
wang south broadband 2026-04 base    690000   690000   700000   0
li   north broadband 2026-04 stretch 480000   480000   480000   0
li   north iot       2026-04 stretch 150000.5 150000.5 150000.5 0
wang south broadband 2026-04 stretch 700000   700000   700000   0
li   north broadband 2026-04 ceiling 600000   600000   480000   0
li   north iot       2026-04 ceiling 150000.5 150000.5 150000.5 0
wang south broadband 2026-04 ceiling 900000   900000   700000   0
"""

ASKED = """\
revenue   base    .      at_least 1 1683000 1320000.5 362999.5 the_forecast_carries_no_more
iot_share base    .      at_least 1 132000  150000.5  0        .
spread    stretch rep=li at_most  2 600000  630000.5  30000.5  a_limit_stands_in_the_way
"""

UNITS = """\
company company broadband 2026-04 base 1170000  1000000
company company iot       2026-04 base 150000.5 150000.5
north   team    broadband 2026-04 base 480000   480000
north   team    iot       2026-04 base 150000.5 150000.5
south   team    broadband 2026-04 base 690000   690000
"""

EFFECTS = """\
li   2026-04 5 5 25000 31500 41600
wang 2026-04 0 0 27600 34500 45540
"""

COMMISSIONS = ("commission_80", "commission_100", "commission_120")

TARGETS = """\
revenue    revenue   base 2026    1683000 1600000 83000 missed at_least 1
iot_share  revenue   base 2026    320000  320000  0     met    at_least 1
spend      spend     base 2026-04 90000   90000   0     hard   at_most  hard
monthly    revenue   base 2026    500000  460000  40000 missed at_least 2
monthly    revenue   base 2026    500000  510000  0     met    at_least 2
"""


def sample_plan(status: str = "optimal") -> Plan:
    """Return a plan of the pocket model: some targets missed, one finding; without tables unless it is optimal."""
    tables = {
        "quotas": _quotas(),
        "targets": _targets(),
        "forecast": _quotas()[["rep", "product", "forecast"]],
        "asked": _asked(),
        "units": _typed(UNITS, ["unit", "kind", "product", "month", "level", "assigned", "owed"], 5),
        "effects": _typed(EFFECTS, ["rep", "month", "prospects", "new_clients", *COMMISSIONS], 2),
    }
    finding = Finding("warning", "clients.csv", "3", "name", "=cmd()", "sample", "clients.csv row 3: =cmd() is odd")
    binding = pd.DataFrame(
        [["A month's hours hold", "hours", "rep=li, month=2026-04", 5]], columns=["rule", "unit", "labels", "count"]
    )
    return Plan(
        model=_model(),
        status=status,
        tables=tables if status == "optimal" else {},
        goals=(GoalValue("visits", 0.02, 0.02),),
        summary=_summary(status),
        binding=binding,
        reasons=("Hours of li are too few by 12.",) if status == "infeasible" else (),
        findings=(finding,),
    )


@functools.cache
def _model() -> Model:
    return load(shipped_models()["pocket"])


def _quotas() -> pd.DataFrame:
    names = ["rep", "unit", "product", "month", "level", "quota", "exact", "forecast", "beyond"]
    return _typed(QUOTAS, names, 5)


def _asked() -> pd.DataFrame:
    names = ["target", "level", "each", "bound", "priority", "required", "asked", "gap", "cause"]
    frame = _typed(ASKED, names, 5).replace(".", "")
    return frame.assign(cause=frame["cause"].str.replace("_", " "), period="", scope="")


def _targets() -> pd.DataFrame:
    names = ["target", "metric", "level", "period", "required", "planned", "gap", "status", "bound", "priority"]
    frame = _typed(TARGETS, names, 4)
    frame["scope"], frame["cause"], frame["each"] = "", "", ["", "", "", "month=2026-04", "month=2026-05"]
    frame.loc[0, "cause"] = "A month's hours hold: li, 2026-04"
    texts = ["target", "metric", "level", "period", "scope"]
    order = [*texts, "required", "planned", "gap", "status", "cause", "each", "bound", "priority"]
    return frame[order]


def _typed(text: str, names: list[str], texts: int) -> pd.DataFrame:
    rows = [line.split() for line in text.splitlines()]
    frame = pd.DataFrame(rows, columns=names)
    numbers = [n for n in names[texts:] if n not in ("status", "bound", "priority", "cause")]
    return frame.astype(dict.fromkeys(numbers, float))


def _summary(status: str) -> dict[str, object]:
    solved = status == "optimal"
    kpis = {"revenue": 1600000.25, "profit": 800000.0, "visits_promised": 100.0, "visits_planned": 98.0}
    return {
        "status": status,
        "model": "pocket",
        "scenarios": [],
        "started_at": "2026-03-01T08:00:00+00:00",
        "kpis": kpis if solved else dict.fromkeys(kpis),
        "goals": [{"name": "visits", "value": 0.02, "best": 0.02}] if solved else [],
        "targets": {"met": 3, "missed": 2} if solved else None,
        "audit": {"rules": 20, "violations": 0, "largest_residual": 2e-9} if solved else None,
        "program": {"rows": 10, "columns": 20, "nonzeros": float("nan")},
        "seconds": {"read": 0.1, "build": 0.2, "solve": 1.5, "total": 1.8},
        "engine": "ortools 9.15",
        "inputs_sha256": "ab" * 32,
    }
