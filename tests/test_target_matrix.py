"""The whole of targets: every metric under every scope, repeated by everything, on a business worked out by hand.

Nothing in it can be chosen: sales do not react to effort, every line spends what it must, and who can be won is won at once. So each
metric is a list of cells with labels, written down below, and every target is a sum over some of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from allocator.errors import InputError
from allocator.plan import Plan
from allocator.reading import load
from allocator.schema.targets import LABELS, REPEATS, SELLING, SPENDING, VISITING
from allocator.solving import solve

MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04")
QUARTERS = ("2026-Q1", "2026-Q1", "2026-Q1", "2026-Q2")
ABOVE = {
    "all": ("all",),
    "east": ("east", "all"),
    "west": ("west", "all"),
    "e1": ("e1", "east", "all"),
    "w1": ("w1", "west", "all"),
}
KINDS = {"all": "company", "east": "region", "west": "region", "e1": "team", "w1": "team"}
TABLES = {
    "units": "unit,parent,kind\nall,,company\neast,all,region\nwest,all,region\ne1,east,team\nw1,west,team\n",
    "reps": "rep,unit,grade\nann,e1,senior\nbob,w1,junior\n",
    "products": """\
product,family,class,contract_value,large,margin,launch,end
lite,soft,star,100,no,0.5,,
box,hard,cow,50,no,0.2,,
deal,soft,question,1000,yes,0.3,2026-02-01,2026-02-28
""",
    "clients": """\
client,tier,owner,industry,area,status,count
a,A,ann,bank,N1,active,2
b,B,bob,retail,S1,active,3
c,A,bob,bank,S1,active,1
p,B,ann,retail,N1,prospect,10
l,B,bob,retail,S1,lost,4
""",
    "demand": """\
client,product,expected,ceiling
a,lite,1200,2400
a,box,400,800
a,deal,1000,2000
b,lite,800,1600
b,box,200,400
c,lite,2000,4000
c,deal,1000,2000
p,lite,40,80
l,lite,80,160
""",
    "tiers": "tier,visits,per,minutes,visit_cost\nA,2,month,60,0.5\nB,1,month,30,0.1\n",
    "budget": """\
line,category,channel,product,unit,from,to,minimum,maximum
fair,marketing,show,lite,east,2026-03,2026-03,200,200
promo,marketing,,,,2026-01,2026-01,300,300
care,service,,box,w1,2026-04,2026-04,100,100
""",
    "funnel": "channel,step,stage,conversion,days,minutes\nvisits,1,contact,0.5,90,30\nshow,1,lead,0.5,0,60\n",
    "commission": "grade,attainment_from,rate\n,0,0.02\nsenior,0,0.03\n",
    "collection": "tier,lag_months,share\n,0,0.5\n,1,0.5\n",
    "history": "month,metric,rep,client,product,amount\n2025-12,revenue,ann,a,lite,100\n",
    "supply": "product,month,source,maximum,unit_cost\nbox,,own,1000000,0.01\n",
    "yields": "source,metric,amount\nfair,leads,0.01\nA,touch,1\nlite,seats,2\npromo,reach,0.1\nB,reach,0.5\nbox,reach,3\n",
    "market": "product,unit,industry,period,size\n"
    + "".join(
        f"{p},{u},{i},2026-Q{q},{1000 * (1 + n)}\n"
        for n, (p, u, i, q) in enumerate(
            itertools.product(("lite", "box", "deal"), ("e1", "w1"), ("bank", "retail"), (1, 2))
        )
    ),
}
CLIENTS = {
    "a": ("ann", {"client": "a", "tier": "A", "status": "active", "industry": "bank", "area": "N1"}),
    "b": ("bob", {"client": "b", "tier": "B", "status": "active", "industry": "retail", "area": "S1"}),
    "c": ("bob", {"client": "c", "tier": "A", "status": "active", "industry": "bank", "area": "S1"}),
    "p": ("ann", {"client": "p", "tier": "B", "status": "prospect", "industry": "retail", "area": "N1"}),
    "l": ("bob", {"client": "l", "tier": "B", "status": "lost", "industry": "retail", "area": "S1"}),
}
REPS = {"ann": {"rep": "ann", "grade": "senior", "unit": "e1"}, "bob": {"rep": "bob", "grade": "junior", "unit": "w1"}}
PRODUCTS = {
    "lite": {"product": "lite", "family": "soft", "class": "star"},
    "box": {"product": "box", "family": "hard", "class": "cow"},
    "deal": {"product": "deal", "family": "soft", "class": "question"},
}
LINES = {
    "fair": {"line": "fair", "category": "marketing", "channel": "show", "unit": "east", **PRODUCTS["lite"]},
    "promo": {"line": "promo", "category": "marketing", "unit": "all"},
    "care": {"line": "care", "category": "service", "unit": "w1", **PRODUCTS["box"]},
}
WORTH = {"lite": 100, "box": 50, "deal": 1000}
MARGIN = {"lite": 0.5, "box": 0.2, "deal": 0.3}
PAID = {"ann": 0.03, "bob": 0.02}

SOLD = {
    ("a", "lite"): (600, 600, 600, 600),
    ("a", "box"): (200, 200, 200, 200),
    ("a", "deal"): (0, 2000, 0, 0),
    ("b", "lite"): (600, 600, 600, 600),
    ("b", "box"): (150, 150, 150, 150),
    ("c", "lite"): (500, 500, 500, 500),
    ("c", "deal"): (0, 1000, 0, 0),
    ("p", "lite"): (0, 0, 10, 60),
    ("l", "lite"): (0, 0, 0, 40),
}
"""Expected ÷ 4 by month, ``deal`` in February alone; a client won of ``p`` buys 10 a month, of ``l`` 20."""

WON = {"p": (0, 0, 1, 5), "l": (0, 0, 0, 2)}
"""200 of the fair are 2 leads, 1 client in March; the first visits of January win half of 10 and of 4 after 90 days."""

FIRST = {"p": (10, 0, 0, 0), "l": (4, 0, 0, 0)}
VISITS = {"a": 4, "b": 3, "c": 2}
HOURS = {"a": (4,) * 4, "b": (1.5,) * 4, "c": (2,) * 4, "p": (5, 0, 2, 0), "l": (2, 0, 0, 0)}
"""A first visit takes half an hour; the client whom the fair brings 1 hour ÷ 0.5."""

SEEN = {"a": 2, "b": 3, "c": 1}
SPENT = {"fair": (0, 0, 200, 0), "promo": (300, 0, 0, 0), "care": (0, 0, 0, 100)}

Cell = dict[str, str | float]


def _who(client: str) -> dict[str, str]:
    rep, labels = CLIENTS[client]
    return {**labels, **REPS[rep]}


def _cells(labels: Mapping[str, str], amounts: Iterable[float]) -> list[Cell]:
    return [
        {**labels, "month": MONTHS[t], "quarter": QUARTERS[t], "amount": amount} for t, amount in enumerate(amounts)
    ]


def _sales(factor: Mapping[tuple[str, str], float]) -> list[Cell]:
    found = []
    for (client, product), amounts in SOLD.items():
        labels = {**_who(client), **PRODUCTS[product]}
        found += _cells(labels, (factor[client, product] * x for x in amounts))
    return found


def _by_client(amounts: Mapping[str, Iterable[float]]) -> list[Cell]:
    return [cell for client, row in amounts.items() for cell in _cells(_who(client), row)]


def _by_line(amounts: Mapping[str, Iterable[float]]) -> list[Cell]:
    return [cell for line, row in amounts.items() for cell in _cells(LINES[line], row)]


def _times(cells: list[Cell], factor: float) -> list[Cell]:
    return [{**c, "amount": factor * float(c["amount"])} for c in cells]


def _collections() -> list[Cell]:
    found = _cells({**_who("a"), **PRODUCTS["lite"]}, (50, 0, 0, 0))
    for (client, product), now in SOLD.items():
        later = (0, *now[:3])
        cash = [0.5 * x + 0.5 * y for x, y in zip(now, later, strict=True)]
        found += _cells({**_who(client), **PRODUCTS[product]}, cash)
    return found


def _metrics() -> dict[str, pd.DataFrame]:
    one = dict.fromkeys(SOLD, 1.0)
    revenue, profit = _sales(one), _sales({k: MARGIN[k[1]] for k in one})
    contracts = _sales({k: 1 / WORTH[k[1]] for k in one})
    commission = _sales({k: PAID[CLIENTS[k[0]][0]] for k in one})
    own = {c: (n,) * 4 for c, n in VISITS.items()}
    visits, spend = _by_client({**own, **FIRST}), _by_line(SPENT)
    cost = {c: [{"A": 0.5, "B": 0.1}[CLIENTS[c][1]["tier"]] * x for x in row] for c, row in {**own, **FIRST}.items()}
    parts = {
        "revenue": revenue,
        "profit": profit,
        "contracts": contracts,
        "commission": commission,
        "collections": _collections(),
        "visits": visits,
        "hours": _by_client(HOURS),
        "new_clients": _by_client(WON),
        "coverage": _by_client({c: (n,) * 4 for c, n in SEEN.items()}),
        "spend": spend,
        "contribution": [
            *profit,
            *_times(commission, -1),
            *_times(spend, -1),
            *_times(_by_client(cost), -1),
            *_cells(PRODUCTS["box"], (-3.5,) * 4),
        ],
        "market_share": revenue,
        "leads": _times(_by_line({"fair": SPENT["fair"]}), 0.01),
        "touch": _by_client({c: own[c] for c in ("a", "c")}),
        "seats": _times([c for c in contracts if c["product"] == "lite"], 2),
        "reach": [
            *_times(_by_line({"promo": SPENT["promo"]}), 0.1),
            *_times(_by_client({"b": own["b"]}), 0.5),
            *_times([c for c in contracts if c["product"] == "box"], 3),
        ],
    }
    every = sorted(SELLING | SPENDING)
    return {
        metric: pd.DataFrame([{**dict.fromkeys(every, ""), **cell} for cell in cells])
        for metric, cells in parts.items()
    }


METRICS = _metrics()
OWN = {"leads": SPENDING, "touch": VISITING, "seats": SELLING, "reach": SELLING | SPENDING}
ADMITTED = {**LABELS, **OWN}
SCOPES = {
    "month": "2026-03, 2026-04", "quarter": "2026-Q1", "rep": "ann", "grade": "junior", "unit": "west", "client": "a, p",
    "tier": "B", "status": "active", "industry": "bank", "area": "N1", "product": "lite", "family": "hard",
    "class": "star, question", "line": "fair, care", "category": "marketing", "channel": "show",
}  # fmt: skip
"""A filter for every key."""


@dataclass(frozen=True)
class Target:
    """A row of targets, as its parts."""

    metric: str
    scope: str = ""
    each: tuple[str, ...] = ()
    share_of: str = ""
    share_scope: str = ""
    period: str = ""

    def row(self, number: int, level: str, at_least: float, priority: str = "1") -> str:
        """Line of targets.csv."""
        share = f"{self.share_of}: {self.share_scope}".removesuffix(": ") if self.share_of else ""
        cells = [f"t{number}", self.metric, level, self.period, f'"{self.scope}"', " ".join(self.each), repr(at_least)]
        return ",".join([*cells, f'"{share}"', priority]) + "\n"


def _filtered(metric: str, scope: str, period: str) -> pd.DataFrame:
    cells = METRICS[metric]
    for part in filter(None, scope.split("; ")):
        key, values = part.split("=")
        wanted = set(values.split(", "))
        cells = cells[[not wanted.isdisjoint(ABOVE.get(x, (x,)) if key == "unit" else (x,)) for x in cells[key]]]
    return cells[(period in ("", "2026")) | (cells["month"] == period) | (cells["quarter"] == period)]


def _sums(metric: str, scope: str, each: tuple[str, ...], period: str) -> dict[frozenset[str], float]:
    """The metric's value for each repetition."""
    cells = _filtered(metric, scope, period)
    if not each:
        return {frozenset(): float(cells["amount"].sum())}
    keys = cells.assign(of=cells["unit"].map(lambda u: ABOVE.get(u, ("",))))
    for kind in set(KINDS.values()) & set(each):
        keys[kind] = keys["of"].map(lambda above: next((u for u in above if KINDS.get(u) == kind), ""))  # noqa: B023
    if "unit" in each:
        keys = keys.assign(unit=keys["of"]).explode("unit")
    keys = keys[(keys[list(each)] != "").all(axis=1)]
    sums = keys.groupby(list(each))["amount"].sum()
    return {
        frozenset(f"{e}={v}" for e, v in zip(each, k if isinstance(k, tuple) else (k,), strict=True)): float(x)
        for k, x in sums.items()
    }


def _market(scope: str, repetition: frozenset[str], period: str) -> float:
    """Size of the market, month by month: a third of a row of the first quarter, all of one of the second."""
    filters = [p.split("=") for p in (*filter(None, scope.split("; ")), *repetition)]
    total = 0.0
    for n, (product, unit, industry, quarter) in enumerate(
        itertools.product(("lite", "box", "deal"), ("e1", "w1"), ("bank", "retail"), ("2026-Q1", "2026-Q2"))
    ):
        labels = {**PRODUCTS[product], "industry": industry}
        for month in (m for m, q in zip(MONTHS, QUARTERS, strict=True) if q == quarter):
            here = {**labels, "month": month, "quarter": quarter}
            fits = all(
                any(
                    v in (ABOVE[unit] if key in {"unit", *KINDS.values()} else (here[key],)) for v in values.split(", ")
                )
                for key, values in filters
            )
            if fits and period in ("", "2026", month, quarter):
                total += 1000 * (1 + n) / QUARTERS.count(quarter)
    return total


def _expected(target: Target) -> dict[frozenset[str], tuple[float, float]]:
    """For each repetition: the metric, and what the bound is a share of (1 without)."""
    values = _sums(target.metric, target.scope, target.each, target.period)
    if target.metric == "market_share":
        values = {k: v / _market(target.scope, k, target.period) for k, v in values.items()}
    if not target.share_of:
        return {k: (v, 1.0) for k, v in values.items()}
    carried = tuple(e for e in target.each if e in {"rep", "unit", *KINDS.values()})
    base = _sums(target.share_of, target.share_scope, carried, target.period)
    cut = {k: frozenset(p for p in k if p.partition("=")[0] in carried) for k in values}
    return {k: (v, base.get(cut[k], 0.0)) for k, v in values.items()}


def _repeats(metric: str) -> list[tuple[str, ...]]:
    kinds = set(KINDS.values()) if "unit" in ADMITTED[metric] else set()
    return [(name,) for name in sorted((ADMITTED[metric] & REPEATS) | kinds)]


def _scopes(metric: str) -> list[str]:
    return [f"{key}={value}" for key, value in SCOPES.items() if key in ADMITTED[metric]]


def _matrix() -> list[Target]:
    """Every metric under every filter and by every repetition; every filter with every repetition; shares; two at once."""
    found = []
    for metric in sorted(METRICS):
        found += [Target(metric), *(Target(metric, s) for s in _scopes(metric))]
        found += [Target(metric, each=e) for e in _repeats(metric)]
        found += [
            Target(metric, each=("month", e[0])) for e in _repeats(metric) if e[0] in {"unit", "region", "product"}
        ]
        found += [
            Target(metric, "unit=all", period="2026-Q1"),
            Target(metric, "unit=e1, w1", ("quarter",), period="2026"),
        ]
    pairs = {(s, e) for m in METRICS for s in _scopes(m) for e in _repeats(m)}
    for n, (scope, each) in enumerate(sorted(pairs)):  # the metrics that know both take turns
        knowing = [m for m in sorted(METRICS) if scope in _scopes(m) and each in _repeats(m)]
        found.append(Target(knowing[n % len(knowing)], scope, each))
    return [*found, *_shares()]


def _shares() -> list[Target]:
    """Every metric as a share of some others, so that each pair of kinds occurs, carried over by rep and unit or not."""
    metrics = [m for m in sorted(METRICS) if m != "market_share"]
    bases = [m for m in metrics if m != "coverage"]
    found = []
    for n, metric in enumerate(metrics):
        for step, each in zip((0, 1, 3, 6, 10), ("", "rep", "team", "month", "unit"), strict=True):
            base = bases[(n + step) % len(bases)]
            scope = _scopes(base)[(n + step) % len(_scopes(base))] if step else ""
            known = not each or (each,) in _repeats(metric)
            carried = each not in {"rep", "unit", "team"} or (each,) in _repeats(base)
            found.append(
                Target(metric, each=(each,) if each and known and carried else (), share_of=base, share_scope=scope)
            )
    return found


def _written(folder: Path, targets: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text('start: "2026-01"\nmonths: 4\n', encoding="utf-8")
    for name, text in {**TABLES, "targets": targets}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def _solved(folder: Path, rows: Iterable[str]) -> Plan:
    heading = "target,metric,level,period,scope,each,at_least,share_of,priority\n"
    return solve(load(_written(folder, heading + "".join(rows))), visits=False)


TARGETS = _matrix()
LEAST = 0.25


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Return one plan for the whole matrix: its targets are only compared, so they bend nothing."""
    folder = tmp_path_factory.mktemp("matrix")
    return _solved(folder, (t.row(n, "ceiling", LEAST) for n, t in enumerate(TARGETS)))


def _compare(plan: Plan, targets: Mapping[int, Target], at_least: float) -> None:
    """Hold the plan's targets against the cells: the same values for the same repetitions."""
    table = plan["targets"].assign(number=plan["targets"]["target"].str[1:].astype(int))
    found = {int(str(number)): rows for number, rows in table.groupby("number")}
    for number, target in targets.items():
        due, rows = _expected(target), found.get(number, table.iloc[:0])
        shown = dict(zip(rows["each"], zip(rows["planned"], rows["required"], strict=True), strict=True))
        shown = {frozenset(filter(None, each.split("; "))): figures for each, figures in shown.items()}
        assert {key for key, (value, _base) in due.items() if abs(value) > 1e-9} <= shown.keys(), target
        for key, (planned, required) in shown.items():
            value, base = due.get(key, (0.0, None))
            assert planned == pytest.approx(value, rel=1e-6, abs=1e-6), (target, key)
            if base is not None:
                assert required == pytest.approx(at_least * base, rel=1e-6, abs=1e-6), (target, key)


def test_the_whole_matrix_is_audited(plan: Plan) -> None:
    """Some hundreds of targets at once are planned, and the audit recomputes every one of them."""
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    assert len(TARGETS) > 500


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_scope_repetition_and_share(metric: str, plan: Plan) -> None:
    """Under every filter, by every repetition and as every share a metric is the sum of the cells that it holds."""
    _compare(plan, {n: t for n, t in enumerate(TARGETS) if t.metric == metric}, LEAST)


@pytest.mark.parametrize("priority", ["1", "hard"])
def test_targets_that_are_planned_for(priority: str, tmp_path: Path) -> None:
    """At level base each metric's rows hold the same sums: half of what there is is met, and reached as before."""
    targets, rows = {}, []
    for metric in sorted(METRICS):
        for scope in ("", *_scopes(metric))[priority == "hard" :: 2]:
            value = _expected(Target(metric, scope))[frozenset()][0]
            if value > 0:
                targets[len(targets)] = Target(metric, scope)
                rows.append(Target(metric, scope).row(len(rows), "base", value / 2, priority))
    planned = _solved(tmp_path, rows)
    assert planned.status == "optimal"
    assert planned.summary["audit"]["violations"] == 0
    table = planned["targets"].set_index("target")
    assert set(table["status"]) == {"met" if priority == "1" else "hard"}
    for number, target in targets.items():
        value = _expected(target)[frozenset()][0]
        assert table["planned"][f"t{number}"] == pytest.approx(value, rel=1e-6, abs=1e-6), target
        assert table["required"][f"t{number}"] == pytest.approx(value / 2, rel=1e-6), target


def test_targets_that_are_missed(tmp_path: Path) -> None:
    """One more than there is of each metric is missed by one: nothing in this business can give it."""
    due = {metric: _expected(Target(metric))[frozenset()][0] for metric in sorted(METRICS)}
    planned = _solved(tmp_path, [Target(m).row(n, "base", value + 1) for n, (m, value) in enumerate(due.items())])
    assert planned.summary["audit"]["violations"] == 0
    assert set(planned["targets"]["status"]) == {"missed"}
    assert planned["targets"]["gap"].to_list() == pytest.approx([1.0] * len(due), rel=1e-6)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_what_a_metric_does_not_know_is_refused(metric: str, tmp_path: Path) -> None:
    """A filter or a repetition by a label that the metric's cells have not got is refused, each with a sentence."""
    every = (SELLING | SPENDING) - ADMITTED[metric]
    scopes = [Target(metric, f"{k}={SCOPES[k]}") for k in sorted(every)]
    kinds = set() if "unit" in ADMITTED[metric] else set(KINDS.values())
    repeats = [
        Target(metric, each=(k,)) for k in sorted((SELLING | SPENDING | kinds | {"client", "grade"}) - ADMITTED[metric])
    ]
    repeats += [Target(metric, each=("client",)), Target(metric, each=("grade",)), Target(metric, each=("status",))]
    rows = [t.row(n, "base", 1) for n, t in enumerate((*scopes, *repeats))]
    with pytest.raises(InputError) as refused:
        _solved(tmp_path, rows)
    said = [f for f in refused.value.findings if f.severity == "error" and f.table == "targets.csv"]
    assert sum(f.rule == "scope" for f in said) == len(scopes)
    assert sum(f.rule == "each" for f in said) == len(repeats)
    assert all("nothing to" in f.says for f in said)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("t,coverage,base,,,,,5,,1", "coverage"),
        ("t,visits,base,,,,0.5,,coverage,1", "coverage"),
        ("t,revenue,base,,,,0.5,,market_share,1", "share"),
        ("t,market_share,base,,,,0.5,,revenue,1", "share"),
        ("t,profit,base,,,rep,0.5,,spend,1", "share"),
        ("t,revenue,ceiling,,,,5,,,hard", "priority"),
        ("t,revenue,base,,,,,,,1", "bound"),
        ("t,revenue,base,,,,5,4,,1", "order"),
        ("t,fame,base,,,,5,,,1", "metric"),
        ("t,revenue,base,,,,0.5,,fame,1", "metric"),
        ("t,revenue,base,,unit=north,,5,,,1", "nothing"),
        ("t,revenue,base,,product=box; class=star,,5,,,1", "nothing"),
        ("t,revenue,base,,,month month,5,,,1", "each"),
        ("t,revenue,base,,,,0.5,,spend: rep=ann,1", "scope"),
    ],
)
def test_what_makes_no_target_is_refused(row: str, rule: str, tmp_path: Path) -> None:
    """Bounds, shares, levels and filters that say nothing are refused when the model is read."""
    text = f"target,metric,level,period,scope,each,at_least,at_most,share_of,priority\n{row}\n"
    with pytest.raises(InputError) as refused:
        load(_written(tmp_path, text))
    (said,) = (f for f in refused.value.findings if f.severity == "error")
    assert (said.table, said.rule) == ("targets.csv", rule)


def test_a_share_of_no_market_is_refused(tmp_path: Path) -> None:
    """Where the market has no row in a target's scope the plan is refused, and says which target it is."""
    market = TABLES["market"].replace("deal,", "box,")
    rows = {line.rsplit(",", 1)[0]: line for line in market.splitlines()[1:]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TABLES, "market", "product,unit,industry,period,size\n" + "\n".join(rows.values()) + "\n")
        with pytest.raises(InputError) as refused:
            _solved(tmp_path, [Target("market_share", "product=deal").row(0, "base", 0.1)])
    assert "t0" in str(refused.value)
    assert {f.rule for f in refused.value.findings} == {"market"}


def test_what_is_the_companys(tmp_path: Path) -> None:
    """Market rows without a unit count for the company, by its code and its kind, and for no region."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TABLES, "market", "product,unit,industry,period,size\nlite,,,,1000\nlite,w1,,,3000\n")
        rows = [
            Target("market_share", scope, each).row(n, "ceiling", 1)
            for n, (scope, each) in enumerate(
                (("unit=all", ()), ("", ("company",)), ("unit=west", ()), ("", ("month",)))
            )
        ]
        planned = _solved(tmp_path, rows)
    assert planned.summary["audit"]["violations"] == 0
    table = planned["targets"]
    revenue = float(METRICS["revenue"]["amount"].sum())
    west = float(_filtered("revenue", "unit=west", "")["amount"].sum())
    found = table.loc[table["target"].isin(["t0", "t1", "t2"]), "planned"].to_list()
    assert found == pytest.approx([revenue / 4000, revenue / 4000, west / 3000])
    january = table[(table["target"] == "t3") & (table["each"] == "month=2026-01")]["planned"].item()
    assert january == pytest.approx(float(_filtered("revenue", "", "2026-01")["amount"].sum()) / 1000)
