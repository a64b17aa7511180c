"""Events and levers in sales words: how they are declared, and how one becomes changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.grain import seasons
from allocator.model import Model
from allocator.scenarios.admitting import Refused
from allocator.scenarios.changes import Changing
from allocator.scenarios.scenario import Change, Event, Texts
from allocator.scenarios.selecting import Unselected, select
from allocator.schema.findings import did_you_mean
from allocator.schema.parsing import read_date
from allocator.texts import _

CLIENT_SCOPE = ("client", "tier", "status", "industry", "area", "rep", "grade", "unit")
PRODUCT_SCOPE = ("product", "family", "class")
SCOPE = CLIENT_SCOPE + PRODUCT_SCOPE
"""Arguments that say whose demand of what is meant."""


@dataclass(frozen=True)
class Kind:
    """A kind of event or lever.

    Attributes
    ----------
    says : str
        What happens, in a sentence.
    arguments : mapping of str to str
        Default of each argument; ``*`` must be given, blank may be left out.
    scope : tuple of str
        Further arguments that say who or what is meant; all may be left out.
    lever : bool
        Whether it stands under ``respond``: something that the engine may use or leave.
    expand : callable
        Makes the changes.
    """

    says: str
    arguments: Mapping[str, str]
    scope: Texts
    lever: bool
    expand: Callable[[Context], Iterator[Change]]


Expand = Callable[["Context"], Iterator[Change]]
KINDS: dict[str, Kind] = {}


def kind(
    name: str, says: str, arguments: Mapping[str, str], scope: Texts = (), *, lever: bool = False
) -> Callable[[Expand], Expand]:
    """Declare a kind of event or lever."""

    def declare(expand: Expand) -> Expand:
        KINDS[name] = Kind(says, arguments, scope, lever, expand)
        return expand

    return declare


@dataclass(frozen=True)
class Context:
    """An event with its arguments, and the tables as they stand when it happens."""

    event: Event
    tables: Changing
    arguments: Mapping[str, Texts]

    @property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Tables as the scenario reads them."""
        return self.tables.frames

    def has(self, name: str) -> bool:
        """Whether an argument has a value."""
        return bool(self.text(name))

    def text(self, name: str) -> str:
        """An argument as text."""
        return ", ".join(self.arguments.get(name, ()))

    def number(self, name: str, least: float = -np.inf, most: float = np.inf) -> float:
        """An argument as a number within bounds; a percent sign divides by 100."""
        text = self.text(name)
        try:
            value = float(f"{text[:-1]}e-2" if text.endswith("%") else text)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise self.refused(name, _("Expected a number, such as 0.2."))
        if not least <= value <= most:
            if np.isinf(most):
                raise self.refused(name, _("Expected {least} or more.").format(least=f"{least:g}"))
            says = _("Expected a value from {least} to {most}.").format(least=f"{least:g}", most=f"{most:g}")
            raise self.refused(name, says)
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        """An argument as a whole number within bounds."""
        value = self.number(name, least, most)
        if value != int(value):
            raise self.refused(name, _("Expected a whole number."))
        return int(value)

    def day(self, name: str) -> pd.Timestamp:
        """An argument as a date; a month is its first day."""
        text = self.text(name)
        try:
            return pd.Timestamp(read_date(text if len(text) > 7 else f"{text}-01"))
        except ValueError:
            raise self.refused(name, _("Expected a date or a month, such as 2026-04-15 or 2026-04.")) from None

    def refused(self, name: str, says: str) -> Refused:
        """What is wrong with an argument."""
        return Refused("argument", says, name, self.text(name))

    @property
    def months(self) -> tuple[str, ...]:
        """Months of the plan from ``from`` to ``to``."""
        return self.tables.months(self.text("from"), self.text("to"))

    def named(self, *names: str) -> dict[str, Texts]:
        """Those of some arguments that were given, as a selector."""
        return {k: self.arguments[k] for k in names if self.arguments.get(k)}

    @property
    def where(self) -> dict[str, Texts]:
        """The scope among the arguments."""
        return self.named(*SCOPE)

    def change(
        self,
        table: str,
        operation: str,
        where: Mapping[str, Texts],
        cells: Mapping[str, object] | None = None,
        months: tuple[str, ...] = (),
    ) -> Change:
        """A change in the event's name, in some months or for good."""
        start, end = (months[0], months[-1]) if months else ("", "")
        return Change(table, dict(where), operation, _texts(cells or {}), self.event.written, start, end)

    def append(self, table: str, *rows: Mapping[str, object]) -> Change:
        """New rows in the event's name; what is blank is left to its default."""
        first, *more = [_texts({k: v for k, v in row.items() if v != ""}) for row in rows]
        return Change(table, {}, "append", first, self.event.written, more=tuple(more))

    def shift(self, where: Mapping[str, Texts], factor: float, months: tuple[str, ...]) -> Change:
        """Demand of a scope times a factor in some months."""
        return self.change("demand", "multiply", where, {"expected": factor, "ceiling": factor}, months)

    def rows(self, table: str, where: Mapping[str, Texts]) -> pd.DataFrame:
        """Rows of a table that a selector holds."""
        return self.frames[table].loc[select(self.frames, table, where)]

    def demand(
        self, where: Mapping[str, Texts], column: str = "expected", *, everybody: bool = False
    ) -> NDArray[np.float64]:
        """Demand of a scope by month of the plan, in money: of active clients, or of everybody; without shifts."""
        rows = self.rows("demand", where)
        clients = self.frames["clients"].set_index("client")
        count = rows["client"].map(clients["count"]).to_numpy(float)
        active = (rows["client"].map(clients["status"]) == "active").to_numpy() | everybody
        money = rows[column].to_numpy(float) * count * active
        product = self.frames["products"]["product"].to_numpy(object)
        season = seasons(Model("", self.tables.settings, self.frames), product)
        return np.asarray(money @ season[pd.Index(product).get_indexer(rows["product"])])

    def inside(self, values: NDArray[np.float64], months: tuple[str, ...]) -> NDArray[np.float64]:
        """Values by month of the plan, in some months only."""
        return values[[self.tables.calendar.months.index(m) for m in months]]


def _texts(cells: Mapping[str, object]) -> dict[str, str]:
    return {k: f"{v:.12g}" if isinstance(v, float) else str(v) for k, v in cells.items()}


def expand(event: Event, tables: Changing) -> Iterator[Change]:
    """The changes that an event comes to; findings where it cannot be understood."""
    at = event.written

    def refuse(rule: str, says: str, column: str, value: str = "") -> None:
        tables.report.add_at("error", at.label, rule, says, row=at.row, column=column, value=value)

    known = KINDS.get(event.kind)
    if known is None:
        names = [name for name, one in KINDS.items() if one.lever == event.lever]
        refuse(
            "event",
            (_("Unknown lever.") if event.lever else _("Unknown event.")) + did_you_mean(event.kind, names),
            event.kind,
        )
        return
    if known.lever != event.lever:
        refuse("event", _("It stands under respond.") if known.lever else _("It stands under events."), event.kind)
        return
    allowed = [*known.arguments, *known.scope]
    strange = [name for name in event.arguments if name not in allowed]
    for name in strange:
        refuse("argument", _("Unknown argument.") + did_you_mean(name, allowed), name)
    missing = [n for n, default in known.arguments.items() if default == "*" and not event.arguments.get(n)]
    if missing:
        refuse("argument", _("This event needs {names}.").format(names=", ".join(missing)), event.kind)
    if strange or missing:
        return
    given = {n: (default,) for n, default in known.arguments.items() if default not in ("", "*")}
    try:
        yield from known.expand(Context(event, tables, {**given, **event.arguments}))
    except (Refused, Unselected) as refused:
        refuse(refused.rule, refused.says, refused.column, refused.value)
