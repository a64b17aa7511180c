"""Prices on the screen, and as a mapping for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from allocator.explaining.prices import Price, Prices, Side
from allocator.explaining.saying_limits import LimitWords
from allocator.texts import _, current_language

LINES = 15
"""Limits that are shown; the rest are in prices.csv."""


def report(found: Prices, *, most: int = LINES) -> RenderableType:
    """Return prices to be printed by rich."""
    words = LimitWords(found.model)
    parts: list[RenderableType] = [Text(_("What a little more of each limit is worth"), style="bold")]
    if found.whole:
        says = _("Some things are counted in ones, so no price holds; these are the differences, each planned anew.")
        parts.append(Padding(Text(says), (0, 0, 0, 2)))
    if not found.prices:
        parts.append(Padding(Text(_("Nothing that can be moved stands in the way.")), (0, 0, 0, 2)))
    for price in found.prices[:most]:
        lines = list(sentences(found, words, price))
        parts.append(Padding(Text("• " + lines[0]), (0, 0, 0, 2)))
        parts += [Padding(Text(line, style="dim"), (0, 0, 0, 4)) for line in lines[1:]]
    if len(found.prices) > most:
        more = _("… and {count} more").format(count=len(found.prices) - most)
        parts.append(Padding(Text(more, style="dim"), (0, 0, 0, 2)))
    for limits, text in (
        (found.idle, _("At their limit, but a little more or less changes nothing: {names}")),
        (found.over, _("Worth nothing any more, as their months are over: {names}")),
    ):
        if limits:
            says = text.format(names=words.wording.listed([words.name(limit) for limit in limits]))
            parts.append(Padding(Text(says, style="dim"), (0, 0, 0, 2)))
    return Group(*parts)


def sentences(found: Prices, words: LimitWords, price: Price) -> Iterator[str]:
    """What a limit is worth: more of it, less of it where that is not the same turned round, and how far it holds."""
    up, down = price.up, price.down
    first = up or down
    if first is None:
        return
    yield _sentence(found, words, price, first)
    if first is not down and down is not None and not _mirrored(up, down):
        yield _sentence(found, words, price, down)
    holds = _holds(words, price)
    if holds:
        yield holds


def _sentence(found: Prices, words: LimitWords, price: Price, side: Side) -> str:
    limit = price.limit
    if limit.whole:
        text = _("One more, {limit}: {effect}") if side.step > 0 else _("One less, {limit}: {effect}")
        return text.format(limit=words.name(limit), effect=_effect(found, words, side))
    text = _("{limit}, one hundredth more ({amount}): {effect}")
    if side.step < 0:
        text = _("{limit}, one hundredth less ({amount}): {effect}")
    name = words.name(limit)
    return text.format(
        limit=name if current_language() == "zh" else name[:1].upper() + name[1:],
        amount=words.signed(limit, side.step),
        effect=_effect(found, words, side),
    )


def _effect(found: Prices, words: LimitWords, side: Side) -> str:
    if side.change is None:
        return _("no plan is left")
    told = [
        words.change(name, float(change), found.alone, found.promised)
        for name, change in zip(found.names, side.change, strict=True)
        if change
    ]
    return _("; ").join(t for t in told if t) or _("nothing changes")


def _mirrored(up: Side | None, down: Side) -> bool:
    """Whether less is the opposite of more."""
    if up is None or up.change is None or down.change is None:
        return False
    return bool((abs(up.change + down.change) <= 1e-6 * abs(up.change) + 1e-12).all())


def _holds(words: LimitWords, price: Price) -> str:
    """How far a price holds, both ways; blank where none does."""
    limit, ends = price.limit, []
    for side in (price.down, price.up):
        if side is None or side.piece is None:
            continue
        text = _("to {amount}") if side.piece.bends else _("as far as was looked ({amount})")
        ends.append(text.format(amount=words.signed(limit, side.piece.end)))
    if not ends:
        return "" if limit.whole else _("Good for this step; a larger one may bring more or less for each part of it.")
    return _("Holds {ends}").format(ends=_(" and ").join(ends))


def as_mapping(found: Prices) -> dict[str, Any]:
    """Return prices for JSON: sentences, and the numbers behind them."""
    words = LimitWords(found.model)
    return {
        "goals": [{"name": n, "value": float(v)} for n, v in zip(found.names, found.values, strict=True)],
        "whole_numbers": found.whole,
        "prices": [
            {
                "limit": p.limit.key,
                "now": p.limit.now,
                "unit": words.unit(p.limit),
                "says": list(sentences(found, words, p)),
                "up": _side(found, p.up),
                "down": _side(found, p.down),
            }
            for p in found.prices
        ],
        "worth_nothing": [limit.key for limit in found.idle],
        "over": [limit.key for limit in found.over],
        "solves": found.solves,
    }


def _side(found: Prices, side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    change = None if side.change is None else {n: float(c) for n, c in zip(found.names, side.change, strict=True) if c}
    told: dict[str, Any] = {"step": side.step, "change": change, "price": None, "to": None, "bends": None}
    if side.piece is not None:
        slope = {n: float(s) for n, s in zip(found.names, side.piece.slope, strict=True) if s}
        told |= {"price": slope, "to": side.piece.end, "bends": side.piece.bends}
    return told
