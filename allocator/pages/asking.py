"""What was asked, what is promised, what is missed and why: key figures, targets, quotas, ranking."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from allocator.comparing.swept_screen import curve_size
from allocator.model import LEVELS
from allocator.pages.figures import LEVELS as LEVEL_COLOURS
from allocator.pages.figures import lying_height, measured, stacked
from allocator.pages.parts import Block, Chart, Note, Notes, Section, Table, Tiles, table_of
from allocator.plan import Plan
from allocator.reporting.amounts import MONEY, Amounts, count, share
from allocator.reporting.sentences import Miss, missed_targets, needs_not_asked
from allocator.reporting.words import KPIS, METRICS, TARGET
from allocator.reporting.words import LEVELS as LEVEL_NAMES
from allocator.texts import _, after

ROUNDED = 5e-4
"""A forecast that lacks no more than this share carries its quota: what is published is rounded."""

BARS = 40
"""Bars of a figure; of more, those at both ends."""


@dataclass(frozen=True)
class Told:
    """A plan with the numbers and names that its page needs over and over."""

    plan: Plan

    @functools.cached_property
    def amounts(self) -> Amounts:
        """Money and other amounts in words."""
        settings = self.plan.model.settings
        return Amounts(settings.money_unit, settings.currency)

    @functools.cached_property
    def names(self) -> dict[str, str]:
        """Reps by code, with their names."""
        reps = self.plan.model["reps"]
        return {r: f"{r} {n}" if n and n != r else str(r) for r, n in zip(reps["rep"], reps["name"], strict=True)}

    @functools.cached_property
    def units(self) -> list[tuple[str, int]]:
        """Units from the top down, those below each other behind it, with their depth."""
        table = self.plan.model["units"]
        below: dict[str, list[str]] = {}
        for unit, parent in table[["unit", "parent"]].itertuples(index=False):
            below.setdefault(parent, []).append(unit)
        found: list[tuple[str, int]] = []
        open_: list[tuple[str, int]] = [(u, 0) for u in reversed(below.get("", []))]
        while open_:
            unit, depth = open_.pop()
            found.append((unit, depth))
            open_ += [(u, depth + 1) for u in reversed(below.get(unit, []))]
        return found

    def scale(self, values: pd.Series) -> tuple[float, str]:
        """Size in which an axis of money counts, and its name."""
        return curve_size(self.amounts, values)


def key_figures(told: Told) -> Tiles:
    """The figures that are looked for first."""
    kpis = told.plan.summary.get("kpis") or {}
    items = [
        (_(label), told.amounts.money(kpis[key]) if key in MONEY else count(kpis[key]), "")
        for key, label in KPIS
        if kpis.get(key) is not None
    ]
    counts = told.plan.summary.get("targets") or {}
    met, missed = counts.get("met") or 0, counts.get("missed") or 0
    if met + missed:
        items.insert(0, (_("targets met"), _("{met} of {all}").format(met=met, all=met + missed), ""))
    quotas = told.plan["quotas"]
    asked = quotas.loc[quotas["level"] == "base", "quota"].sum()
    items.insert(1, (_("base quotas of all reps"), told.amounts.money(float(asked)), ""))
    return Tiles(items)


def misses(told: Told) -> list[Notes]:
    """What is missed and why."""
    parts = (
        (_("Targets that are missed"), list(missed_targets(told.plan, told.amounts)), _("No target is missed.")),
        (
            _("Asked below the company's need"),
            list(needs_not_asked(told.plan, told.amounts)),
            _("The reps can be asked for all that the company needs."),
        ),
    )
    return [
        Notes(title, [_note(m) for m in found] if found else [Note(nothing, (), "met")])
        for title, found, nothing in parts
    ]


def _note(miss: Miss) -> Note:
    lines = (miss.numbers, _("because: {cause}").format(cause=miss.cause)) if miss.cause else (miss.numbers,)
    return Note(miss.head, lines, "missed")


def targets(told: Told) -> Section:
    """All targets: a chart of what is reached of those of base and stretch, and a table."""
    table = told.plan["targets"]
    section = Section("targets", _("Targets"))
    if table.empty:
        return Section("targets", _("Targets"), (_("The model has none."),))
    chart = _reached(told, table)
    if chart is not None:
        section.blocks.append(chart)
    section.blocks.append(_targets_table(told, _("All targets"), _worst(table)))
    if len(table) > table.groupby(["target", "level", "bound"]).ngroups:
        section.details.append(_targets_table(told, _("Every repetition of the targets"), table.assign(count="")))
    return section


def _worst(table: pd.DataFrame) -> pd.DataFrame:
    """The worst repetition of each target, with how many of all are missed."""
    keys = ["target", "level", "bound"]
    part = (table["gap"] / table["required"].abs().where(table["required"] != 0, 1.0)).fillna(0.0)
    groups = table.assign(part=part).groupby(keys, sort=False)
    worst = table.loc[groups["part"].idxmax()]
    all_ = groups["status"].size().to_numpy()
    missed = groups["status"].agg(lambda s: (s == "missed").sum()).to_numpy()
    said = [_("{missed} of {all}").format(missed=m, all=n) if n > 1 else "" for m, n in zip(missed, all_, strict=True)]
    return worst.assign(count=said, status=worst["status"].where(missed == 0, "missed"))


def _targets_table(told: Told, caption: str, table: pd.DataFrame) -> Table:
    """Targets in words, each number in the unit of its metric."""
    columns = ["target", "metric", "level", "each", "bound", "required", "planned", "gap", "status", "count", "cause"]
    if (table["count"] == "").all():
        columns.remove("count")
    shown, metric = table[columns], table["metric"].to_list()
    numbers = {
        c: ["–" if v != v else told.amounts.metric(m, v) for m, v in zip(metric, shown[c], strict=True)]
        for c in ("required", "planned")
    }
    numbers["gap"] = ["–" if v != v else told.amounts.gap(m, v) for m, v in zip(metric, shown["gap"], strict=True)]
    bounds = {"at_least": _("at least"), "at_most": _("at most")}
    in_words = shown.assign(
        metric=[_(METRICS.get(m, m)) for m in metric],
        level=[_(LEVEL_NAMES.get(v, v)) for v in shown["level"]],
        each=shown["each"].where(shown["each"] != "", table["period"]),
        bound=[bounds.get(b, b) for b in shown["bound"]],
        status=[_(TARGET.get(s, s)) for s in shown["status"]],
    )
    plain = table_of(caption, in_words, None, {"count": _("missed")})
    return _replaced(plain, list(shown.columns), numbers)


def _replaced(table: Table, columns: Sequence[str], texts: Mapping[str, Sequence[str]]) -> Table:
    """A table whose cells of some columns are read as other texts and sorted as before."""
    rows = []
    for i, row in enumerate(table.rows):
        rows.append(tuple(replace(c, text=texts[n][i]) if n in texts else c for n, c in zip(columns, row, strict=True)))
    return replace(table, rows=rows)


def _reached(told: Told, table: pd.DataFrame) -> Chart | None:
    rows = table[(table["bound"] == "at_least") & table["level"].isin(["base", "stretch"]) & (table["required"] > 0)]
    if rows.empty:
        return None
    rows = rows.assign(reached=rows["planned"] / rows["required"])
    worst = rows.loc[rows.groupby(["target", "level"], sort=False)["reached"].idxmin()]
    worst = worst.sort_values("reached", kind="stable").head(BARS)
    good = (worst["status"] != "missed").to_list()
    said = [
        f"{share(r)} · " + _("{planned} of {required}").format(
            planned=told.amounts.metric(m, p), required=told.amounts.metric(m, q)
        )
        for r, m, p, q in worst[["reached", "metric", "planned", "required"]].itertuples(index=False)
    ]  # fmt: skip
    names = [t if not e else f"{t} · {e}" for t, e in worst[["target", "each"]].itertuples(index=False)]
    figure = measured(names, (100 * worst["reached"]).to_list(), said, good, axis=_("reached of what is asked"), at=100)
    lines = pd.DataFrame(
        {
            "target": worst["target"].to_list(),
            "each": worst["each"].to_list(),
            "reached": worst["reached"].to_list(),
            "status": [_(TARGET.get(s, s)) for s in worst["status"]],
        }
    )
    return Chart(
        code="targets-reached",
        title=_("How much of each target is reached"),
        says=_("{met} of {all} targets with a lower limit are reached; bars with stripes are missed.").format(
            met=sum(good), all=len(good)
        )
        + (after(_("Of repeated targets the worst one is shown.")) if len(rows) > len(worst) else ""),
        figure=figure,
        height=lying_height(len(names)),
        table=table_of(_("Reached of each target"), lines, {"reached": share}, {"reached": _("reached")}),
    )


def quotas(told: Told) -> Section:
    """Quotas by unit and by month, levels one on the other, and a table of both."""
    model, table = told.plan.model, told.plan["quotas"]
    year = table.pivot_table("quota", "rep", "level", aggfunc="sum", observed=True).reindex(columns=list(LEVELS))
    home = model["reps"].set_index("rep")["unit"].reindex(year.index)
    rows, labels = [], []
    for unit, depth in told.units:
        inside = [unit in model.ancestors.get(u, ()) for u in home]
        if any(inside):
            rows.append(year[inside].sum())
            labels.append((unit, depth))
    by_unit = pd.DataFrame(rows, index=[u for u, _d in labels]).fillna(0.0)
    months = list(model.calendar.months)
    by_month = table.pivot_table("quota", "month", "level", aggfunc="sum").reindex(index=months, columns=list(LEVELS))
    by_month = by_month.fillna(0.0)
    base = table[table["level"] == "base"]
    forecast = base.groupby("month")["forecast"].sum().reindex(months).fillna(0.0)
    blocks: list[Block] = [
        _levels_chart(told, "quotas-units", _("Quotas of the plan by unit"), by_unit, [d for _u, d in labels], None),
        _levels_chart(told, "quotas-months", _("Quotas by month"), by_month, None, forecast),
        _crossed(told, table, home, [u for u, _d in labels], months),
    ]
    return Section("quotas", _("Quotas"), (), blocks)


def _levels_chart(
    told: Told, code: str, title: str, sums: pd.DataFrame, depths: Sequence[int] | None, forecast: pd.Series | None
) -> Chart:
    money, lying = told.amounts.money, depths is not None
    size, unit = told.scale(sums["ceiling"])
    shown = sums if len(sums) <= BARS or depths is None else sums[[d <= 1 for d in depths]]
    parts = pd.concat([shown["base"], shown["stretch"] - shown["base"], shown["ceiling"] - shown["stretch"]], axis=1)
    names = {level: _(LEVEL_NAMES[level]) for level in LEVELS}
    series = {names[level]: (parts.iloc[:, k] / size).to_list() for k, level in enumerate(LEVELS)}
    said = {names[level]: [money(v) for v in shown[level]] for level in LEVELS}
    line = None
    table = sums.rename_axis("unit" if lying else "month").reset_index()
    if forecast is not None:
        line = (_("forecast"), (forecast / size).to_list(), [money(v) for v in forecast])
        table["forecast"] = forecast.to_numpy(float)
    labels = [str(n) for n in shown.index]
    if depths is not None:
        labels = ["   " * d + n for n, d in zip(sums.index, depths, strict=True) if n in shown.index]
    colours = {names[level]: LEVEL_COLOURS[level] for level in LEVELS}
    top = sums.iloc[0] if lying else sums.sum()
    return Chart(
        code=code,
        title=title,
        says=_("In all {base} base, {stretch} stretch, {ceiling} ceiling.").format(
            **{n: money(top[n]) for n in LEVELS}
        ),
        figure=stacked(labels, series, said, colours, lying=lying, axis=unit, line=line),
        height=lying_height(len(shown)) if lying else 380,
        table=table_of(title, table, dict.fromkeys((*LEVELS, "forecast"), money), names),
    )


def _crossed(told: Told, table: pd.DataFrame, home: pd.Series, units: Sequence[str], months: list[str]) -> Table:
    """Unit and level down, months across."""
    model = told.plan.model
    unit_of = table["rep"].map(home)
    sums = table.assign(unit=unit_of).pivot_table("quota", ["unit", "level"], "month", aggfunc="sum", observed=True)
    sums = sums.reindex(columns=months).fillna(0.0)
    rows = []
    for unit in units:
        inside = {u for u in home.unique() if unit in model.ancestors.get(u, ())}
        for level in LEVELS:
            mine = sums[sums.index.get_level_values(0).isin(inside) & (sums.index.get_level_values(1) == level)]
            total = mine.sum()
            rows.append([unit, _(LEVEL_NAMES[level]), float(total.sum()), *total.to_list()])
    total_of = _("whole plan")
    frame = pd.DataFrame(rows, columns=["unit", "level", total_of, *months])
    return table_of(
        _("Quotas by unit and month, in {unit}").format(unit=model.settings.money_unit),
        frame,
        None,
        {total_of: total_of},
    )


def ranking(told: Told) -> Section:
    """Reps by what is expected of them against what they are asked for."""
    model, table = told.plan.model, told.plan["quotas"]
    year = table.pivot_table("quota", "rep", "level", aggfunc="sum", observed=True).reindex(columns=list(LEVELS))
    year["forecast"] = table[table["level"] == "base"].groupby("rep", observed=True)["forecast"].sum()
    effects = told.plan["effects"].groupby("rep", observed=True)["commission"].sum()
    year["commission"] = effects.reindex(year.index)
    year = year.assign(expected=year["forecast"] / year["base"].where(year["base"] > 0))
    year = year.sort_values(["expected", "base"], ascending=[False, False], kind="stable", na_position="last")
    home = model["reps"].set_index("rep")["unit"]
    frame = pd.DataFrame({"rank": range(1, len(year) + 1), "rep": [told.names.get(str(r), str(r)) for r in year.index]})
    frame["unit"] = [str(home.get(r, "")) for r in year.index]
    for column in (*LEVELS, "forecast", "expected", "commission"):
        frame[column] = year[column].to_numpy(float)
    words = {
        "rank": _("rank"),
        "expected": _("forecast as share of base"),
        **{level: _(LEVEL_NAMES[level]) for level in LEVELS},
    }
    write = {**dict.fromkeys((*LEVELS, "forecast", "commission"), told.amounts.money), "expected": share}
    lead = _("Reps by their forecast as share of their base quota: who has the most room first.")
    full = table_of(_("Ranking of the reps"), frame, write, words)
    section = Section("ranking", _("Ranking"), (lead,))
    known = frame[frame["expected"].notna()]
    if len(known):
        ends = known if len(known) <= BARS else pd.concat([known.head(BARS // 2), known.tail(BARS // 2)])
        figure = measured(
            ends["rep"].to_list(),
            (100 * ends["expected"]).to_list(),
            [f"{share(v)} · {told.amounts.money(b)}" for v, b in ends[["expected", "base"]].itertuples(index=False)],
            (ends["expected"] >= 1 - ROUNDED).to_list(),
            axis=words["expected"],
            at=100,
        )
        says = _("From {least} to {most}; the middle one has {middle}.").format(
            least=share(known["expected"].min()),
            most=share(known["expected"].max()),
            middle=share(known["expected"].median()),
        )
        if len(ends) < len(known):
            says += after(_("The {count} at each end are drawn, all are in the table.").format(count=BARS // 2))
        section.blocks.append(
            Chart("ranking-chart", _("Forecast as share of base"), says, figure, lying_height(len(ends)), full)
        )
    else:
        section.blocks.append(full)
    return section
