"""A first model from a usual CRM export: accounts, products, team and opportunities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from allocator.errors import Finding
from allocator.importing.assumptions import Assumptions
from allocator.importing.building import Draft, build
from allocator.importing.cleaning import clean
from allocator.importing.deals import DateOrder
from allocator.importing.export import Log, read_export
from allocator.importing.facts import Facts, observe
from allocator.importing.mapping import CrmMapping
from allocator.importing.updating import update_model, was_imported
from allocator.importing.writing import refuse_target, write_model
from allocator.texts import _


def import_crm(
    source: Path | Sequence[Path],
    target: Path,
    *,
    start: str | None = None,
    assumptions: Assumptions | None = None,
    mapping: CrmMapping | None = None,
    date_order: DateOrder | None = None,
) -> tuple[Finding, ...]:
    """Build a first model from a CRM export, or bring one that an import has built up to date.

    What was changed by hand since the last import stays; ``import/changes.csv`` in the model lists what this one changed.

    Parameters
    ----------
    source : Path or sequence of Path
        Folder of the export's files, the files, or a workbook with a sheet for each table.
    target : Path
        Folder of the model. It is written whole or not at all.
    start : str, optional
        First month of the plan (``2026-01``). Without it: the month after the last one in which a deal was closed.
    assumptions : Assumptions, optional
        Numbers taken where the export is silent.
    mapping : CrmMapping, optional
        Files, headings and stage words of the export. Without it: of the usual ones and those that ship the first that fits.
    date_order : {"mdy", "dmy"}, optional
        How dates such as 3/4/2026 are meant. Without it they are read only if some date of the export settles it.

    Returns
    -------
    tuple of Finding
        Every repair and every doubt; they stand in the model's README too.

    Raises
    ------
    InputError
        If the target holds something, or the export cannot be read without guessing.
    EngineError
        If the model cannot be written.
    """
    log = Log()
    again = was_imported(target)
    if not again:
        refuse_target(target, log)
    if start is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", start):
        log.add(
            "error", "month", _("Expected a month such as 2026-01 as the start, found {start}.").format(start=start)
        )
    log.stop_on_errors()
    taken = assumptions or Assumptions()
    if mapping is not None and mapping.settings:
        taken = replace(taken, **mapping.settings)  # type: ignore[arg-type]
    facts, draft = draft_crm(source, log, start=start, assumptions=taken, mapping=mapping, date_order=date_order)
    (update_model if again else write_model)(target, draft, facts, taken, log)
    return tuple(log.findings)


def draft_crm(
    source: Path | Sequence[Path],
    log: Log,
    *,
    start: str | None,
    assumptions: Assumptions,
    mapping: CrmMapping | None,
    date_order: DateOrder | None,
) -> tuple[Facts, Draft]:
    """Do all of :func:`import_crm` but the writing; findings go to ``log``."""
    paths = [source] if isinstance(source, Path) else list(source)
    sheets, taken = read_export(paths, mapping, log)
    order = date_order or (taken.dates or None)
    crm = clean(sheets, taken, order, log)  # type: ignore[arg-type]
    facts = observe(crm, start, assumptions, log)
    return facts, build(crm, facts, assumptions, paths[0] if len(paths) == 1 else paths[0].parent, log)
