"""What stands behind a plan: the scenario, the frontier beside it, findings, the audit, fingerprint and versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from allocator.comparing.swept_screen import curve_size
from allocator.errors import Finding
from allocator.model import Model
from allocator.pages.asking import Told
from allocator.pages.figures import lines
from allocator.pages.parts import Chart, Facts, Note, Notes, Section, Table, Tiles, table_of
from allocator.pages.reading import Files, read_json
from allocator.reporting.amounts import Amounts, seconds, share
from allocator.reporting.summary import handed_over
from allocator.reporting.words import LEVELS
from allocator.texts import N_, _

FRONTIER = "frontier.json"
SEVERITIES = {"error": N_("error"), "warning": N_("warning"), "note": N_("note")}
ATTAINED = ("attained_base", "attained_stretch")


def scenario(told: Told) -> Iterator[Section]:
    """What the scenarios changed, and who hands over whom."""
    plan = told.plan
    if "changes" not in plan.tables:
        return
    names = " + ".join(plan.summary.get("scenarios") or ())
    section = Section("scenario", _("Scenario: {names}").format(names=names))
    section.blocks.append(table_of(_("Cells that the scenario changed"), plan["changes"]))
    if "handover" in plan.tables:
        hands = plan["handover"]
        hands = hands.assign(at_risk=hands["at_risk"].isin(["yes", "True"]), churn=pd.to_numeric(hands["churn"]))
        section.blocks.append(Notes(_("Clients that change hands"), [Note("", tuple(handed_over(hands)), "note")]))
        section.blocks.append(table_of(_("Clients that change hands"), plan["handover"]))
    yield section


def frontier(folder: Path, model: Model, fingerprint: str) -> Iterator[Section]:
    """Contribution and targets along a limit, where a frontier of the same model stands in ``folder``."""
    if not (folder / FRONTIER).is_file():
        return
    found = read_json(folder / FRONTIER)
    limits, points = found.get("limits") or [], Files(folder).get("frontier")
    if found.get("inputs_sha256") != fingerprint or points is None or not limits:
        return
    amounts = Amounts(model.settings.money_unit, model.settings.currency)
    title = _("What {limit} brings").format(limit=_(" × ").join(str(one["says"]) for one in limits))
    section = Section("frontier", title)
    levels = [c for c in ATTAINED if c in points]
    words = {c: _("{level} reached").format(level=_(LEVELS[c.removeprefix("attained_")])) for c in levels}
    words |= {"part": _("of now"), "limit": _("limit"), "part2": _("second, of now")}
    kinds = {"bend": _("bends here"), "now": _("now"), "end": "", "grid": ""}
    shown = points[[c for c in ("part", "part2", "contribution", *levels, "kind") if c in points]]
    table = table_of(
        title,
        shown.assign(kind=[kinds.get(k, k) for k in shown["kind"]]),
        {"part": share, "part2": share, "contribution": amounts.money, **dict.fromkeys(levels, share)},
        {**words, "kind": _("remark")},
    )
    solved = points[points["contribution"].notna()]
    if len(limits) == 1 and len(solved) > 1:
        section.blocks.extend(_curves(solved, levels, words, amounts, table))
    else:
        section.blocks.append(table)
    yield section


def _curves(
    points: pd.DataFrame, levels: list[str], words: Mapping[str, str], amounts: Amounts, table: Table
) -> list[Chart]:
    x = (100 * points["part"]).to_list()
    across, charts = _("of now, in percent"), []
    size, unit = curve_size(amounts, points["contribution"])
    name = _("contribution")
    said = [f"{share(p)}: {amounts.money(v)}" for p, v in points[["part", "contribution"]].itertuples(index=False)]
    figure = lines(
        x, {name: (points["contribution"] / size).to_list()}, {name: said}, across=across, axis=unit, now=100
    )
    says = _("From {least} to {most}; the dashed line is what there is now.").format(
        least=amounts.money(points["contribution"].min()), most=amounts.money(points["contribution"].max())
    )
    charts.append(Chart("frontier-contribution", _("Contribution along the limit"), says, figure, 360, table))
    if levels:
        series = {words[c]: (100 * points[c]).to_list() for c in levels}
        said_of = {words[c]: [share(v) for v in points[c]] for c in levels}
        figure = lines(x, series, said_of, across=across, axis="%", now=100)
        says = _("How much of the targets is reached; the dashed line is what there is now.")
        charts.append(Chart("frontier-levels", _("Targets along the limit"), says, figure, 320, table))
    return charts


def findings(found: tuple[Finding, ...]) -> Section:
    """What is doubtful in the input, and what rounding could not keep."""
    marks = {"error": "missed", "warning": "warning", "note": "note"}
    order = {"error": 0, "warning": 1, "note": 2}
    notes = [
        Note(
            " · ".join(filter(None, (_(SEVERITIES[f.severity]), f.table, f.row, f.column))),
            (f.says,),
            marks[f.severity],
        )
        for f in sorted(found, key=lambda f: order[f.severity])
    ]
    lead = _("{warnings} warnings, {notes} notes").format(
        warnings=sum(f.severity == "warning" for f in found), notes=sum(f.severity == "note" for f in found)
    )
    if not notes:
        return Section("findings", _("Findings"), (_("Nothing in the input is wrong or doubtful."),))
    return Section("findings", _("Findings"), (lead,), [Notes("", notes)])


def audit(summary: Mapping[str, Any]) -> Section:
    """The audit's result."""
    result = summary.get("audit") or {}
    if any(result.get(k) is None for k in ("rules", "violations", "largest_residual")):
        return Section("audit", _("Audit"), (_("This plan was not audited."),))
    good = not result["violations"]
    lead = _(
        "Every rule was recomputed from the tables of the model and of the plan by code that shares nothing with the optimiser."
    )
    verdict = _("No rule is broken.") if good else _("The plan breaks rules: do not use it, and report it.")
    tiles = Tiles(
        [
            (_("rules recomputed"), f"{result['rules']:,}", ""),
            (_("violations"), f"{result['violations']:,}", ""),
            (_("largest deviation"), f"{result['largest_residual']:.0e}", ""),
        ]
    )
    return Section("audit", _("Audit"), (lead,), [Notes("", [Note(verdict, (), "met" if good else "missed")]), tiles])


def origin(summary: Mapping[str, Any], same: bool) -> Section:
    """Where the page comes from: input, engine, versions.

    Parameters
    ----------
    same : bool
        Whether the model beside the plan has the fingerprint of the one that was solved.
    """
    items = [
        (_("model"), str(summary.get("model") or "")),
        (_("scenarios"), " + ".join(summary.get("scenarios") or ()) or _("none")),
        (_("started at"), str(summary.get("started_at") or "")),
        (_("fingerprint of the input (SHA-256)"), str(summary.get("inputs_sha256") or "")),
        (_("engine"), str(summary.get("engine") or "")),
        (_("versions"), _(", ").join(f"{k} {v}" for k, v in (summary.get("versions") or {}).items())),
    ]
    size = summary.get("program") or {}
    if all(size.get(k) is not None for k in ("rows", "columns", "nonzeros")):
        says = _("{rows} rows, {columns} columns, {nonzeros} numbers")
        items.append((_("size"), says.format(**{k: f"{size[k]:,}" for k in ("rows", "columns", "nonzeros")})))
    solving = (summary.get("seconds") or {}).get("solve")
    if solving is not None:
        items.append((_("solving took"), seconds(solving)))
    section = Section("origin", _("Where this comes from"), (), [])
    if not same:
        says = _(
            "The model in the run's folder is not the one that was solved: it was changed since, or another version wrote it."
        )
        section.blocks.append(Notes("", [Note(says, (), "warning")]))
    section.blocks.append(Facts([item for item in items if item[1]]))
    return section
