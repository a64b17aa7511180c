"""The page of a comparison: key figures side by side, what differs, which event costs what, sweeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from allocator.comparing.sweeping import number
from allocator.comparing.swept_screen import curve_size
from allocator.comparing.words import KPIS, figure, in_words, signed
from allocator.pages.figures import categories, lines, waterfall
from allocator.pages.parts import Cell, Chart, Facts, Note, Notes, Page, Section, Table, table_of
from allocator.pages.reading import Files, read_json
from allocator.reporting.amounts import MONEY, Amounts, share
from allocator.reporting.words import STATUSES
from allocator.texts import _

SUMMARY = "comparison.json"
DRAWN = ("contribution", "revenue")
SWEPT = (*DRAWN, "attainment")
TABLES = ("targets", "quotas", "budget", "visits", "rules", "handover", "inputs")


def comparison_page(folder: Path) -> Page:
    """Return the page of a comparison, made from its folder alone.

    Raises
    ------
    InputError
        If the folder holds no comparison that can be read.
    """
    summary, files = read_json(folder / SUMMARY), Files(folder)
    amounts = Amounts(str(summary.get("money_unit") or ""), _currency(folder, summary))
    cases, sweeps = summary.get("scenarios") or [], summary.get("sweeps") or []
    names = [str(case["scenario"]) for case in cases]
    status = str(summary["status"])
    sections = [_statuses(summary, cases)]
    if cases:
        sections += [_side_by_side(summary, cases, amounts), *_bridges(files, names, amounts)]
    sections += [_swept(sweep, amounts, k) for k, sweep in enumerate(sweeps)]
    sections += [s for name in TABLES if (s := _differs(name, files, names, amounts)) is not None]
    sections.append(_origin(summary))
    return Page(
        title=_("{model}: scenarios side by side").format(model=summary["model"]),
        status=_(STATUSES.get(status, status)),
        good=status == "optimal",
        lines=(_(", ").join([*names, *(str(s["scenario"]) for s in sweeps)]),),
        sections=sections,
    )


def _currency(folder: Path, summary: Mapping[str, Any]) -> str:
    """The currency of the base plan's model, which the summary of a comparison does not tell."""
    import yaml

    path = folder / str((summary.get("base") or {}).get("folder") or "base") / "model" / "model.yaml"
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        settings = None
    return str((settings or {}).get("currency") or "CNY")


def _statuses(summary: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> Section:
    """What became of each plan."""
    items = []
    for name, title, plan in [
        (_("base plan"), "", summary["base"]),
        *((str(c["scenario"]), str(c.get("title") or ""), c) for c in cases),
    ]:
        status = str(plan["status"])
        head = f"{name} · {_(STATUSES.get(status, status))}"
        items.append(
            Note(head, tuple(filter(None, (title, *plan["reasons"]))), "met" if status == "optimal" else "missed")
        )
    return Section("plans", _("Plans"), (), [Notes("", items)])


def _side_by_side(summary: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], amounts: Amounts) -> Section:
    base = summary["base"]["kpis"]
    headings, numeric = [_("key figure"), _("base plan")], [False, True]
    for case in cases:
        headings += [str(case["scenario"]), _("change by {name}").format(name=case["scenario"])]
        numeric += [True, True]
    rows = []
    for kpi, label in KPIS.items():
        if kpi not in base:
            continue
        first = _known(base[kpi])
        row = [Cell(_(label)), Cell(figure(amounts, kpi, first), first)]
        for case in cases:
            value = _known((case.get("kpis") or {}).get(kpi))
            row += [
                Cell(figure(amounts, kpi, value), value),
                Cell(signed(amounts, kpi, value - first), value - first),
            ]
        rows.append(tuple(row))
    table = Table(_("Key figures side by side"), tuple(headings), tuple(numeric), rows)
    section = Section("figures", _("Key figures"))
    section.blocks.append(table)
    chart = _changes(base, cases, amounts)
    if chart is not None:
        section.blocks.append(chart)
    return section


def _known(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _changes(base: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], amounts: Amounts) -> Chart | None:
    """Changes of revenue, profit and contribution, beside each other."""
    shown = [k for k in ("revenue", "profit", "contribution") if base.get(k) is not None]
    planned = [c for c in cases if (c.get("kpis") or {}).get("contribution") is not None]
    if not shown or not planned:
        return None
    change = {k: [float(c["kpis"][k]) - float(base[k]) for c in planned] for k in shown}
    size, unit = curve_size(amounts, pd.Series([v for values in change.values() for v in values]))
    names = [str(c["scenario"]) for c in planned]
    said = {_(KPIS[k]): [signed(amounts, k, v) for v in values] for k, values in change.items()}
    series = {_(KPIS[k]): [v / size for v in values] for k, values in change.items()}
    least = min(change["contribution"]) if "contribution" in change else 0.0
    says = _("Changes against the base plan; contribution moves by {most} at worst.").format(
        most=signed(amounts, "contribution", least)
    )
    figure_ = categories(names, series, said, across="", axis=unit)
    rows = [(Cell(_(KPIS[k])), *(Cell(signed(amounts, k, v), v) for v in values)) for k, values in change.items()]
    headings, numeric = (_("key figure"), *names), (False, *[True] * len(names))
    title = _("Changes against the base plan")
    return Chart("changes", title, says, figure_, 380, Table(title, headings, numeric, rows))


def _bridges(files: Files, names: Sequence[str], amounts: Amounts) -> Iterator[Section]:
    """Which event costs what, a chart for contribution and revenue of each scenario."""
    table = files.get("bridge")
    if table is None or table.empty:
        return
    section = Section(
        "bridge",
        _("Which event costs what"),
        (
            _(
                "Each part is the mean of what an event adds over all orders in which the events can come; the parts add up."
            ),
        ),
    )
    said_table = in_words("bridge", table)
    for i, name in enumerate(names):
        mine = table["scenario"] == name
        if not mine.any():
            continue
        parts = table[mine]
        labels = [_part(kind, event, name) for kind, event in parts[["kind", "event"]].itertuples(index=False)]
        known = [c for c in KPIS if c in parts]
        shown = parts[known].astype(float).set_axis(range(len(parts)))
        shown.insert(0, "what", labels)
        beside = table_of(
            _("Bridge of {name}").format(name=name),
            shown,
            {c: (lambda v, c=c: figure(amounts, c, v)) for c in known},  # type: ignore[misc]
            {"what": _("part"), **{c: _(KPIS[c]) for c in known}},
        )
        for measure in DRAWN:
            values = parts[measure].astype(float)
            if values.isna().any() or len(values) < 2:
                continue
            size, unit = curve_size(amounts, values)
            texts = [
                amounts.money(v) if k in (0, len(values) - 1) else signed(amounts, measure, v)
                for k, v in enumerate(values)
            ]
            title = f"{name}{_(': ')}{_(KPIS[measure])}"
            says = _("From {base} to {there}.").format(base=texts[0], there=texts[-1])
            figure_ = waterfall(labels, (values / size).to_list(), texts, axis=unit)
            section.blocks.append(Chart(f"bridge-{i}-{measure}", title, says, figure_, 420, beside))
    if section.blocks and len(said_table):
        yield section


def _part(kind: str, event: str, name: str) -> str:
    return {"base": _("base plan"), "scenario": name, "together": _("all steps together")}.get(kind, event)


def _swept(sweep: Mapping[str, Any], amounts: Amounts, k: int) -> Section:
    """Contribution, revenue and attainment over the varied values."""
    table = pd.DataFrame(sweep["combinations"])
    varied = [str(v) for v in sweep["varied"]]
    title = _("Sweep: {name}").format(name=sweep["scenario"])
    write = {c: (lambda v, c=c: figure(amounts, c, v)) for c in KPIS}
    for column in table:
        if column in KPIS or column == "attainment":
            table[column] = pd.to_numeric(table[column], errors="coerce")
        else:
            table[column] = table[column].fillna("").astype(str)
    said = in_words("sweep", table)
    beside = table_of(title, said, {**write, "attainment": share}, {**{c: _(v) for c, v in KPIS.items()}})
    section = Section(f"sweep-{k}", title, tuple(filter(None, (str(sweep.get("title") or ""),))))
    for measure in SWEPT:
        if measure in table and _moves(table[measure]):
            section.blocks.append(_curve(table, varied, measure, amounts, beside, f"sweep-{k}-{measure}"))
    if not section.blocks:
        section.blocks.append(beside)
    return section


def _moves(values: pd.Series) -> bool:
    known = values.dropna().to_numpy(float)
    return known.size > 1 and bool((known != known[0]).any())


def _curve(table: pd.DataFrame, varied: list[str], measure: str, amounts: Amounts, beside: Table, code: str) -> Chart:
    first, *others = varied
    label = table[others].agg(_(", ").join, axis=1) if others else pd.Series(_("sweep"), table.index)
    size, unit = curve_size(amounts, table[measure]) if measure in MONEY else (0.01, "%")
    at = [number(v) for v in table[first]]
    numeric = all(v == v for v in at)
    grid = table.assign(at=at if numeric else table[first], label=label).drop_duplicates(["at", "label"])
    order = sorted(grid["at"].unique()) if numeric else list(dict.fromkeys(grid["at"]))
    wide = grid.pivot_table(measure, "at", "label", dropna=False, observed=False)
    wide = wide.reindex(index=order, columns=list(dict.fromkeys(label)))
    series = {str(c): (wide[c] / size).to_list() for c in wide}
    how = amounts.money if measure in MONEY else share
    said = {str(c): [f"{at:g}: {how(v)}" if numeric else f"{at}: {how(v)}" for at, v in wide[c].items()] for c in wide}
    name = _("share of targets met") if measure == "attainment" else _(KPIS[measure])
    if numeric:
        figure_ = lines([float(v) for v in wide.index], series, said, across=first, axis=unit, now=None)
    else:
        figure_ = categories([str(v) for v in wide.index], series, said, across=first, axis=unit)
    says = _("From {least} to {most}.").format(least=how(table[measure].min()), most=how(table[measure].max()))
    return Chart(code, f"{name}{_(' over ')}{first}", says, figure_, 360, beside)


def _differs(name: str, files: Files, names: Sequence[str], amounts: Amounts) -> Section | None:
    """A table of what differs, as long as a page can carry."""
    table = files.get(name)
    if table is None or table.empty:
        return None
    titles = {
        "targets": _("Targets that differ"),
        "quotas": _("Quotas that differ"),
        "budget": _("Budget that differs"),
        "visits": _("Visits that move"),
        "rules": _("Rules that start or stop to bind"),
        "handover": _("Clients that change hands"),
        "inputs": _("What the scenarios change"),
    }
    said = in_words(name, table)
    lead: tuple[str, ...] = ()
    if name == "quotas":
        said = said[(table["period_kind"] == "year") | (table["kind"] != "rep")]
    if len(said) > ROWS:
        lead = (
            _("The first {shown} of {rows} rows; all are in {name}.csv.").format(shown=ROWS, rows=len(said), name=name),
        )
        said = said.head(ROWS)
    if name == "targets":
        said = _target_words(said, table, amounts)
    money = ("base", "value", "change", "base_maximum", "maximum") if name in ("quotas", "budget") else ()
    words = {"value": _("with the scenario")}
    if name == "quotas":
        words["base"] = _("base plan")
    return Section(
        f"differs-{name}",
        titles[name],
        lead,
        [table_of(titles[name], said, dict.fromkeys(money, amounts.money), words)],
    )


ROWS = 1000
"""Rows of a table of differences on a page; all are in its file."""


def _target_words(said: pd.DataFrame, table: pd.DataFrame, amounts: Amounts) -> pd.DataFrame:
    metric = table["metric"].reindex(said.index)
    columns = [str(c) for c in said if str(c).endswith(("required", "planned"))]
    gaps = [str(c) for c in said if str(c).endswith("gap")]

    def told(column: str, how: Any) -> list[str]:
        return ["–" if v != v else how(m, v) for m, v in zip(metric, said[column], strict=True)]

    return said.assign(**{c: told(c, amounts.metric) for c in columns}, **{c: told(c, amounts.gap) for c in gaps})


def _origin(summary: Mapping[str, Any]) -> Section:
    cases = summary.get("scenarios") or []
    items = [
        (_("model"), str(summary.get("model") or "")),
        (_("started at"), str(summary.get("started_at") or "")),
        (_("plans made"), str(summary.get("plans") or "")),
        (_("fingerprint of the input (SHA-256)"), str(summary.get("inputs_sha256") or "")),
        *((str(c["scenario"]), str(c.get("inputs_sha256") or "")) for c in cases),
        (_("engine"), str(summary.get("engine") or "")),
        (_("versions"), _(", ").join(f"{k} {v}" for k, v in (summary.get("versions") or {}).items())),
    ]
    return Section("origin", _("Where this comes from"), (), [Facts([item for item in items if item[1]])])
