"""Acceptance rules: ``revenue at least 0.97 of base``, a small closed grammar, and their verdict on a case.

    RULE     = MEASURE ("at least" | "at most") NUMBER ["%"] ["of" (MEASURE | "base" | "promised")]

``base`` is the same measure of the same model and options without a scenario, ``promised`` is ``visits promised``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from allocator.reporting.amounts import MONEY, Amounts, count, share
from allocator.schema.findings import did_you_mean
from allocator.texts import N_, _, after

MEASURES: Mapping[str, str] = {
    "revenue": N_("revenue"),
    "profit": N_("profit"),
    "contribution": N_("contribution"),
    "spend": N_("spend"),
    "commission": N_("commission"),
    "collections": N_("collections"),
    "new clients": N_("new clients"),
    "visits promised": N_("visits promised"),
    "visits planned": N_("visits planned"),
    "visits dated": N_("visits dated"),
    "visits unplaced": N_("visits unplaced"),
    "targets met": N_("targets met"),
    "targets missed": N_("targets missed"),
}
"""What a rule may speak of, and what it is called on the screen."""

DATED = ("visits dated", "visits unplaced")
"""Measures that a case without dated visits has not got."""

BASE = "base"
PROMISED = "promised"
EXACT = 1e-9
"""A limit is kept if it is missed by no more than this, relative to one and its size."""

Figures = Mapping[str, float | None]
"""Value of each measure; None is not known."""

_RULE = re.compile(
    r"(?P<measure>.*?)\s+at\s+(?P<side>\S+)\s+(?P<number>\S+?)\s*(?P<percent>%?)(?:\s+of\s+(?P<of>.+))?", re.I
)
_NUMBER = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")


@dataclass(frozen=True)
class Rule:
    """One acceptance rule.

    Attributes
    ----------
    measure : str
        One of :data:`MEASURES`.
    least : bool
        Whether the limit is a floor; else it is a ceiling.
    number : float
        The limit, or the factor on what ``of`` names.
    of : str
        Blank, ``base``, or a measure of the same case.
    """

    measure: str
    least: bool
    number: float
    of: str = ""

    @property
    def measures(self) -> set[str]:
        """Measures that a verdict needs."""
        return {self.measure, self.of} - {"", BASE}


@dataclass(frozen=True)
class Verdict:
    """Whether a rule is kept, and a sentence with the figure and the limit."""

    kept: bool
    says: str


def parse_rule(text: str) -> Rule | str:
    """Understand a rule; else say what is wrong with it."""
    found = _RULE.fullmatch(" ".join(text.split()))
    if found is None:
        example = "revenue at least 0.97 of base"
        return _("Expected a rule such as {example}.").format(example=example)
    measure, side, of = found["measure"].casefold(), found["side"].casefold(), (found["of"] or "").casefold()
    if measure not in MEASURES:
        return _unknown(measure, MEASURES)
    if side not in ("least", "most"):
        return _("Expected at least or at most, found at {word}.").format(word=side)
    if not _NUMBER.fullmatch(found["number"]):
        return _("{text} is not a number.").format(text=found["number"])
    of = "visits promised" if of == PROMISED else of
    if of and of != BASE and of not in MEASURES:
        return _unknown(of, (BASE, PROMISED, *MEASURES))
    if found["percent"] and not of:
        return _("Per cent of what? Expected of base, or of a measure.")
    if of == measure:
        return _("A measure is compared with itself. Expected of base, or of another measure.")
    number = float(found["number"].replace(",", "")) / (100.0 if found["percent"] else 1.0)
    return Rule(measure, side == "least", number, of)


def _unknown(word: str, known: Iterable[str]) -> str:
    says = _("There is no measure {word}.").format(word=f'"{word}"')
    return says + (did_you_mean(word, known) or after(_("There are: {names}.").format(names=", ".join(known))))


def judge(rule: Rule, figures: Figures, base: Figures | None, amounts: Amounts) -> Verdict:
    """Judge a case.

    Parameters
    ----------
    rule : Rule
    figures : mapping of str to float or None
        Measures of the case.
    base : mapping, optional
        Those of the case without a scenario; None if it has no plan.
    amounts : Amounts
        How the model's money is written.
    """
    name, value = _(MEASURES[rule.measure]), figures.get(rule.measure)
    if value is None:
        return Verdict(False, _("{measure} is not known").format(measure=name))
    written = _written(rule.measure, value, amounts)
    asked = _("at least {limit}") if rule.least else _("at most {limit}")
    if not rule.of:
        kept = _kept(rule, value, rule.number)
        limit = asked.format(limit=_written(rule.measure, rule.number, amounts))
        return Verdict(kept, _("{measure} {value}, asked {limit}").format(measure=name, value=written, limit=limit))
    of = _("base plan") if rule.of == BASE else _(MEASURES[rule.of])
    other = (base or {}).get(rule.measure) if rule.of == BASE else figures.get(rule.of)
    if other is None:
        says = _("{measure} {value}: nothing to compare with, {of} is not known")
        return Verdict(False, says.format(measure=name, value=written, of=of))
    against = f"{of} {_written(rule.measure if rule.of == BASE else rule.of, other, amounts)}"
    kept = _kept(rule, value, rule.number * other)
    if not other:
        says = _("{measure} {value}: {against}, asked {limit}")
        limit = asked.format(limit=share(rule.number))
        return Verdict(kept, says.format(measure=name, value=written, against=against, limit=limit))
    digits = _digits(value / other, rule.number)
    says = _("{measure} {value}: {share} of {against}, asked {limit}").format(
        measure=name,
        value=written,
        share=_percent(value / other, digits),
        against=against,
        limit=asked.format(limit=_percent(rule.number, digits)),
    )
    return Verdict(kept, says)


def _kept(rule: Rule, value: float, limit: float) -> bool:
    room = EXACT * max(1.0, abs(limit))
    return value >= limit - room if rule.least else value <= limit + room


def _written(measure: str, value: float, amounts: Amounts) -> str:
    return amounts.money(value) if measure in MONEY else count(value)


def _percent(value: float, digits: int) -> str:
    return f"{100 * value:.{digits}f} %"


def _digits(value: float, limit: float) -> int:
    """Digits at which a share and its limit are told apart."""
    return next((d for d in range(1, 7) if f"{100 * value:.{d}f}" != f"{100 * limit:.{d}f}"), 1)
