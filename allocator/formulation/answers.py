"""From an answer of the effort program to the frames of a plan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.formulation.budget import line_matrix
from allocator.formulation.cells import Cells
from allocator.formulation.demand import contract_values, large_products
from allocator.formulation.draft import widen
from allocator.formulation.effort import Effort
from allocator.formulation.metrics import MONEY, collection_profiles, commission_rates, history_cash
from allocator.formulation.visiting import visits_matrix, winning_hours
from allocator.formulation.winning import with_customers
from allocator.model import Model
from allocator.program import Floats, Ints

Frames = dict[str, pd.DataFrame]


FIGURES = ("revenue", "profit", "contribution", "spend", "commission", "new_clients")
"""Metrics among the key figures that the program knows whatever its grain."""


def key_figures(effort: Effort, x: Floats, forecast: pd.DataFrame) -> dict[str, float]:
    """Key figures of an answer by the program's own metrics, for plans that are not audited."""
    draft, metrics = effort.draft, effort.metrics
    values = {n: sum(float(_values(part, x).sum()) for part in metrics.parts(n)) for n in FIGURES}
    figures = {n: v * (draft.money if n in MONEY else 1.0) for n, v in values.items()}
    figures["collections"] = _collected(effort, forecast["sell"].to_numpy(float))
    figures["visits_promised"] = float(draft.grain.even_promise.sum())
    figures["visits_planned"] = float((widen(visits_matrix(draft), len(x)) @ x).sum())
    return figures


def _collected(effort: Effort, sell: Floats) -> float:
    """Cash of the plan's sales and of those before it, received within the plan."""
    draft, curve = effort.draft, effort.curve
    profiles, months = collection_profiles(draft.grain.model), draft.shape[1]
    left = np.arange(months, 0, -1)  # months from that of the sale to the end

    def received(profile: dict[int, float]) -> Floats:
        return sum((share * (left > lag) for lag, share in profile.items()), np.zeros(months))

    tier, at = np.unique(draft.grain.groups["tier"].to_numpy(object)[curve.place], return_inverse=True)
    share = np.array([received(profiles.get(t, profiles[""])) for t in tier]).reshape(-1, months)
    return float(sell @ share[at, curve.month]) + draft.money * float(history_cash(draft, profiles).constant.sum())


def effort_tables(effort: Effort, x: Floats, *, effects: bool = True) -> tuple[Frames, Floats]:
    """Frames of the effort plan, and the forecast in the model's money, shape (reps, products, months).

    The sums by rep and month are left out where nobody reads them.
    """
    x = with_customers(effort.draft, x)
    forecast, lift = _forecast(effort, x)
    tables = {
        "forecast": forecast,
        "lift": lift,
        "effort": _effort(effort, x),
        "budget": _budget(effort, x),
        "won": _won(effort, x),
        "supply": _supply(effort, x),
        "assignments": _assignments(effort),
        "targets": _targets(effort, x),
    }
    by_carrier = _by_carrier(effort, forecast)
    if effects:
        tables["effects"] = _effects(effort, tables)
    return tables, by_carrier


def _picked(columns: Ints, values: Floats) -> Floats:
    """Values at some columns; 0 where there is none (−1)."""
    return np.asarray(np.append(values, 0.0)[columns])


def _values(cells: Cells, x: Floats) -> Floats:
    return np.asarray(cells.constant + widen(cells.matrix, len(x)) @ x)


def _forecast(effort: Effort, x: Floats) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast by pair and month; lift and losses of a cut are dealt to its groups."""
    draft, curve = effort.draft, effort.curve
    grain, money, (_, months) = draft.grain, draft.money, draft.shape
    products = len(grain.product)
    base = np.maximum(_values(curve, in_order(effort, x)), 0.0)
    cut = effort.metrics.places.cut[curve.place]
    key = (cut * products + curve.product) * months + curve.month
    # Lift: each pair's part of its cut's is its lift of the year.
    lifted, lift = draft.tables["lifted"], draft.tables["lift"]
    year = np.zeros(len(grain.pairs))
    year[lifted["pair"].to_numpy(int)] = np.maximum(x[lifted["column"].to_numpy(int)], 0.0)
    of_cut = lifted.assign(year=year[lifted["pair"].to_numpy(int)])
    total = of_cut.groupby(["cut", "product"])["year"].transform("sum").to_numpy(float)
    of_cut["part"] = np.divide(of_cut["year"], total, out=np.zeros(len(of_cut)), where=total > 0)
    amount = lift.assign(amount=np.maximum(x[lift["column"].to_numpy(int)], 0.0))
    amount = amount[amount["amount"] > 1e-12]
    dealt = amount.merge(
        of_cut[["cut", "product", "pair", "group", "part"]], left_on=["place", "product"], right_on=["cut", "product"]
    )
    dealt["amount"] *= dealt["part"]
    dealt = dealt[dealt["amount"] > 0]
    added = np.zeros(len(curve))
    np.add.at(added, (dealt["pair"] * months + dealt["month"]).to_numpy(int), dealt["amount"].to_numpy(float))
    # Losses: what a cut's curves and lift give beyond its sales, in proportion to what there is to lose.
    there, lost = base + added, np.zeros(len(curve))
    if len(effort.sold):
        order = (effort.sold.place * products + effort.sold.product) * months + effort.sold.month
        at = np.minimum(np.searchsorted(order, key), len(order) - 1)
        hit = (order[at] == key) & effort.losing[curve.product]
        whole = np.bincount(at, weights=np.where(hit, there, 0.0), minlength=len(order))
        part = np.divide(_values(effort.sold, x), whole, out=np.ones(len(order)), where=whole > 0)
        lost = np.where(hit, there * (1.0 - np.clip(part, 0.0, 1.0))[at], 0.0)
    sell = there - lost
    contracts = sell / contract_values(draft)[curve.product]
    if effort.metrics.whole and len(effort.metrics.whole[0]):
        large = np.flatnonzero(large_products(draft)[curve.product])
        taken = x[draft.columns["contracts"]]
        over = curve.month[large] < grain.model.past  # what happened need not be whole
        contracts[large] = np.where(over, taken, np.round(taken))
        sell[large] = contracts[large] * np.nan_to_num(contract_values(draft))[curve.product[large]]
    names = grain.groups["group"].to_numpy(object)
    labels = {"product": grain.product, "month": np.array(grain.model.calendar.months, object)}
    frame = pd.DataFrame(
        {
            "rep": _carrier_codes(effort, curve.place, curve.month),
            "group": names[curve.place],
            "product": labels["product"][curve.product],
            "month": labels["month"][curve.month],
            "sell": sell * money,
            "curve": base * money,
            "lift": added * money,
            "lost": lost * money,
            "contracts": contracts,
        }
    )
    pools = draft.tables["pools"]
    pool = dealt["pool"].to_numpy(int)
    detail = pd.DataFrame(
        {
            "unit": pools["unit"].to_numpy(object)[pool],
            "product": labels["product"][dealt["product"].to_numpy(int)],
            "group": names[dealt["group"].to_numpy(int)],
            "month": labels["month"][dealt["month"].to_numpy(int)],
            "lift": dealt["amount"].to_numpy(float) * money,
            "line_product": pools["product"].to_numpy(object)[pool],
        }
    )
    return frame, detail


def in_order(effort: Effort, x: Floats) -> Floats:
    """The same answer with every curve's visits filled from effort 0."""
    segments, columns = effort.draft.segments, effort.draft.columns["effort"]
    x = x.copy()
    left = np.zeros((len(effort.draft.grain.groups), columns.shape[1]))
    there = np.maximum(_picked(columns, x), 0.0)
    np.add.at(left, segments.owner, there)
    rank = np.arange(len(segments.owner)) - np.searchsorted(segments.owner, segments.owner)
    for k in range(int(rank.max(initial=-1)) + 1):
        s = np.flatnonzero(rank == k)
        width = _picked(columns[s], effort.program.upper)
        take = np.minimum(left[segments.owner[s]], width)
        left[segments.owner[s]] -= take
        x[columns[s][columns[s] >= 0]] = take[columns[s] >= 0]
    return x


def _carrier_codes(effort: Effort, group: np.ndarray, month: np.ndarray) -> np.ndarray:
    grain = effort.draft.grain
    carrier = grain.carrier[group, month]
    return np.asarray(np.where(carrier >= 0, grain.people.code[carrier], ""), object)


def _by_carrier(effort: Effort, forecast: pd.DataFrame) -> Floats:
    draft, curve = effort.draft, effort.curve
    grain = draft.grain
    shape = (len(grain.people.code), len(grain.product), grain.months)
    carrier = grain.carrier[curve.place, curve.month]
    some = carrier >= 0
    flat = (carrier[some] * shape[1] + curve.product[some]) * shape[2] + curve.month[some]
    sums = np.bincount(flat, weights=forecast["sell"].to_numpy(float)[some], minlength=int(np.prod(shape)))
    return sums.reshape(shape)


def _effort(effort: Effort, x: Floats) -> pd.DataFrame:
    draft = effort.draft
    grain, (groups, months) = draft.grain, draft.shape
    visits = np.maximum(widen(visits_matrix(draft), len(x)) @ x, 0.0)
    minutes = grain.model["tiers"].set_index("tier")["minutes"].reindex(grain.groups["tier"]).to_numpy(float)
    hours = widen(winning_hours(draft), len(x)) @ x
    owner = grain.groups["rep"].to_numpy()
    g, t = np.divmod(np.arange(groups * months), months)
    won = np.zeros(groups * months)
    table = draft.tables["won"]
    np.add.at(won, (table["group"] * months + table["month"]).to_numpy(int), x[table["column"].to_numpy(int)])

    def picked(name: str) -> Floats:
        columns = draft.columns.get(name)
        if columns is None:
            return np.zeros(groups * months)
        return _picked(columns, x).ravel()

    return pd.DataFrame(
        {
            "rep": np.where(owner >= 0, grain.people.code[owner], "")[g],
            "tier": grain.groups["tier"].to_numpy(object)[g],
            "group": grain.groups["group"].to_numpy(object)[g],
            "month": np.array(grain.model.calendar.months, object)[t],
            "promised": grain.even_promise.ravel(),
            "planned": visits,
            "minutes": visits * minutes[g] + hours * 60,
            "hours_available": np.where(owner >= 0, grain.people.hours[owner].T, 0.0).T.ravel(),
            "executive": picked("executive"),
            "first_visits": picked("first"),
            "won": won,
        }
    )


def _budget(effort: Effort, x: Floats) -> pd.DataFrame:
    draft, months = effort.draft, effort.draft.shape[1]
    lines = draft.tables["lines"]
    spend = (widen(line_matrix(draft), len(x)) @ x).reshape(-1, months) * draft.money
    b, t = np.divmod(np.arange(len(lines) * months), months)
    total = spend.sum(axis=1)
    frame = lines[["line", "category"]].iloc[b].reset_index(drop=True)
    return frame.assign(
        month=np.array(draft.grain.model.calendar.months, object)[t],
        spend=spend.ravel(),
        line_total=total[b],
        minimum=lines["minimum"].to_numpy(float)[b],
        maximum=lines["maximum"].to_numpy(float)[b],
        headroom=(lines["maximum"].to_numpy(float) - total)[b],
    )


def _won(effort: Effort, x: Floats) -> pd.DataFrame:
    draft = effort.draft
    grain, table = draft.grain, draft.tables["won"]
    g, t = table["group"].to_numpy(int), table["month"].to_numpy(int)
    first, won = draft.columns.get("first"), np.maximum(x[table["column"].to_numpy(int)], 0.0)
    conversion = draft.tables["channels"]["conversion"].reindex(table["channel"]).to_numpy(float)
    entered = np.divide(won, conversion, out=np.zeros(len(won)), where=conversion > 0)
    if first is not None:
        entered = np.where(table["channel"] == "visits", _picked(first[g, t], x), entered)
    return pd.DataFrame(
        {
            "rep": _carrier_codes(effort, g, t),
            "group": grain.groups["group"].to_numpy(object)[g],
            "channel": table["channel"].to_numpy(object),
            "month": np.array(grain.model.calendar.months, object)[t],
            "entered": entered,
            "won": won,
            "unit": table["unit"].to_numpy(object),
        }
    )


def _supply(effort: Effort, x: Floats) -> pd.DataFrame:
    table = effort.draft.tables["delivered"]
    delivered = np.maximum(x[table["column"].to_numpy(int)], 0.0) * effort.draft.money
    return table[["product", "source", "month"]].assign(delivered=delivered)


def _assignments(effort: Effort) -> pd.DataFrame:
    """Owner of every client, and the backup who follows an owner who leaves or comes later."""
    grain = effort.draft.grain
    clients, people, reps = grain.clients, grain.people, grain.model["reps"]
    owner = clients["rep"].to_numpy()
    codes = np.append(people.code, "")
    backup = clients["deputy"].to_numpy()
    start, end = grain.model.calendar.days[0], grain.model.calendar.days[-1]
    begins = reps["start"].where(reps["start"] > start)
    leaves = reps["end"].where(reps["end"] < end)
    frame = pd.DataFrame(
        {
            "client": clients["client"],
            "rep": codes[owner],
            "backup": codes[backup],
            "from": np.where(owner >= 0, begins.dt.strftime("%Y-%m-%d").fillna("").to_numpy(object)[owner], ""),
            "to": np.where(owner >= 0, leaves.dt.strftime("%Y-%m-%d").fillna("").to_numpy(object)[owner], ""),
            "group": grain.groups["group"].to_numpy(object)[clients["group"]],
        }
    )
    day = pd.Timedelta(days=1)
    gone = np.flatnonzero((frame["to"] != "").to_numpy() & (backup >= 0))
    after = frame.iloc[gone].assign(
        rep=codes[backup[gone]],
        backup="",
        to="",
        **{"from": (leaves.iloc[owner[gone]] + day).dt.strftime("%Y-%m-%d").to_numpy()},
    )
    yet = np.flatnonzero((frame["from"] != "").to_numpy() & (backup >= 0))
    until = (begins.iloc[owner[yet]] - day).dt.strftime("%Y-%m-%d").to_numpy()
    before = frame.iloc[yet].assign(rep=codes[backup[yet]], backup="", to=until, **{"from": ""})
    return pd.concat([frame, after, before]).sort_values(["client", "from"], kind="stable", ignore_index=True)


def _targets(effort: Effort, x: Floats) -> pd.DataFrame:
    rows = effort.rows
    table = rows.table
    if not len(table):
        names = ["target", "metric", "level", "period", "scope", "required", "planned", "gap", "status", "cause"]
        return pd.DataFrame({n: [] for n in [*names, "each", "bound", "priority"]})
    unit = table["unit"].to_numpy(float)
    x = _all_seen(effort, x)
    metric = rows.metric[0] + widen(rows.metric[1], len(x)) @ x
    base = rows.base[0] + widen(rows.base[1], len(x)) @ x
    required, planned = rows.share * base * unit, metric * unit
    least = (table["bound"] == "at_least").to_numpy()
    gap = np.where(least, required - planned, planned - required)
    missed = gap > 1e-6 * np.maximum(table["scale"].to_numpy(float) * unit, 1e-9)
    status = np.where(missed, "missed", np.where(table["hard"].to_numpy(bool), "hard", "met"))
    return table[["target", "metric", "level", "period", "scope"]].assign(
        required=required,
        planned=planned,
        gap=np.where(missed, gap, 0.0),
        status=status,
        cause="",
        each=table["each"],
        bound=table["bound"],
        priority=table["priority"].astype(str).where(~table["hard"].to_numpy(bool), "hard"),
    )


def _all_seen(effort: Effort, x: Floats) -> Floats:
    """The same answer with every client counted who is seen, whether a goal asks for it or not."""
    draft = effort.draft
    if "seen" not in draft.columns:
        return x
    grain, shape = draft.grain, draft.shape
    visits = np.maximum(widen(visits_matrix(draft), len(x)) @ x, 0.0).reshape(shape)
    seen = np.minimum(grain.over_window(visits), grain.groups["members"].to_numpy(float)[:, None])
    columns = draft.columns["seen"]
    x = x.copy()
    x[columns[columns >= 0]] = seen[columns >= 0]
    return x


def _effects(effort: Effort, tables: Frames) -> pd.DataFrame:
    """Sums by carrier and month."""
    draft = effort.draft
    grain = draft.grain
    model, months = grain.model, grain.model.calendar.months
    index = pd.MultiIndex.from_product([grain.people.code, months], names=["rep", "month"])
    forecast, made = tables["forecast"], tables["effort"]
    rates, profiles = commission_rates(model, 1.0), collection_profiles(model)
    grade = forecast["rep"].map(dict(zip(grain.people.code, grain.people.grade, strict=True))).fillna("")
    tier = forecast["group"].map(grain.groups.set_index("group")["tier"])
    commission = forecast["sell"] * grade.map(rates).fillna(rates[""])
    cash = []
    position = forecast["month"].map({m: t for t, m in enumerate(months)})
    for lag in sorted({k for p in profiles.values() for k in p}):
        share = tier.map({t: p.get(lag, 0.0) for t, p in profiles.items()}).fillna(profiles[""].get(lag, 0.0))
        later = position + lag
        some = later < len(months)
        cash.append(pd.DataFrame({"rep": forecast["rep"], "month": later, "cash": forecast["sell"] * share})[some])
    collected = pd.concat(cash, ignore_index=True)
    collected["month"] = np.array(months, object)[collected["month"].to_numpy(int)]
    carrier = _carrier_codes(effort, *np.divmod(np.arange(len(made)), grain.months))

    def sums(frame: pd.DataFrame, values: pd.Series, rep: pd.Series | np.ndarray) -> Floats:
        keys = [pd.Series(np.asarray(rep, object), index=frame.index, name="rep"), frame["month"]]
        return values.groupby(keys).sum().reindex(index).fillna(0.0).to_numpy(float)

    return index.to_frame(index=False).assign(
        prospects=sums(made, made["first_visits"], carrier),
        new_clients=sums(made, made["won"], carrier),
        contracts=sums(forecast, forecast["contracts"], forecast["rep"]),
        collections=sums(collected, collected["cash"], collected["rep"]),
        commission=sums(forecast, commission, forecast["rep"]),
        lift=sums(forecast, forecast["lift"], forecast["rep"]),
    )


ATTAINMENTS = (0.8, 1.0, 1.2)
"""Attainments at which the commission of a quota is shown."""


def with_quota_commission(model: Model, effects: pd.DataFrame, quotas: pd.DataFrame) -> pd.DataFrame:
    """Effects with what base quotas bring a rep by month at 80, 100 and 120 % attainment, in money.

    Parameters
    ----------
    effects : DataFrame
        One row per rep and month.
    quotas : DataFrame
        Columns rep, month, level, quota.
    """
    asked = quotas[quotas["level"] == "base"].groupby(["rep", "month"])["quota"].sum()
    amount = asked.reindex(pd.MultiIndex.from_frame(effects[["rep", "month"]])).fillna(0.0).to_numpy(float)
    grade = effects["rep"].map(model["reps"].set_index("rep")["grade"])
    columns = {}
    for attainment in ATTAINMENTS:
        rates = commission_rates(model, attainment)
        columns[f"commission_{attainment:.0%}".rstrip("%")] = amount * grade.map(rates).fillna(rates[""]).to_numpy(
            float
        )
    return effects.assign(**columns)
