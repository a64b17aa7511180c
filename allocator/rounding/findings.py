"""Findings about published quotas: totals outside the allowance, pins that no number of minor units can keep."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from allocator.errors import Finding
from allocator.model import Model
from allocator.program import Ints
from allocator.rounding.network import Network
from allocator.rounding.pins import MINOR, read_pins
from allocator.rounding.publishing import lay_out_quotas, minor_units
from allocator.texts import _

ALLOWANCE, PRODUCT_ALLOWANCE = 2.0, 5.0
"""Multiples of ``rounding`` by which totals may differ from the exact ones; the second for a product over a quarter or year."""
LINES = 10
"""So many totals are listed, the widest; the others are counted."""
RULE = "rounding"


def rounding_findings(model: Model, quotas: pd.DataFrame) -> list[Finding]:
    """Find totals of published quotas that lie outside the allowance, and pins that do not hold.

    Parameters
    ----------
    model : Model
    quotas : DataFrame
        rep, product, month, level, exact, quota.
    """
    if quotas.empty:
        return []
    layout = lay_out_quotas(model, quotas)
    network = layout.network
    minor = layout.spread(np.rint(quotas["quota"].to_numpy(float) * MINOR).astype(np.int64))
    exact = layout.spread(quotas["exact"].to_numpy(float))
    published, wanted = (np.stack([network.sums @ x for x in table]) for table in (minor, exact))
    found = [_note(says, "") for says in _broken_pins(model, network, layout.levels, published)]
    wide: list[tuple[float, str, str]] = []
    for periods, together, apart in (
        (_months_of(model.calendar.months), ALLOWANCE, ALLOWANCE),
        (_months_of(model.calendar.quarters), ALLOWANCE, PRODUCT_ALLOWANCE),
        ({_("all months"): np.arange(layout.months)}, ALLOWANCE, PRODUCT_ALLOWANCE),
    ):
        allowed = np.where(network.together, together, apart)
        for period, months in periods.items():
            have, want = published[:, :, months].sum(axis=2) / MINOR, wanted[:, :, months].sum(axis=2)
            error = np.abs(have - want) / (minor_units(model) / MINOR)
            for level, total in zip(*np.nonzero(error >= allowed), strict=True):
                says = _(
                    "{who}, {period}, {level}: published {have:,.2f} is {error:.1f} times the rounding from the exact {want:,.2f}."
                ).format(
                    who=network.name(int(total)) or _("The company"),
                    period=period,
                    level=layout.levels[level],
                    have=have[level, total],
                    want=want[level, total],
                    error=error[level, total],
                )
                wide.append((-float(error[level, total]), says, f"{have[level, total]:.2f}"))
    wide.sort()
    found += [_note(says, value) for _size, says, value in wide[:LINES]]
    if len(wide) > LINES:
        found.append(_note(_("{count} more totals differ as much.").format(count=len(wide) - LINES), ""))
    return found


def _months_of(labels: tuple[str, ...]) -> dict[str, Ints]:
    """Months of every period of a label."""
    return {x: np.flatnonzero(np.array(labels) == x) for x in dict.fromkeys(labels)}


def _broken_pins(model: Model, network: Network, levels: list[str], published: Ints) -> Iterator[str]:
    """Say which pins the published numbers miss, and by how much."""
    pins = read_pins(model, network, levels)
    have = pins.sums(published)
    for k in np.flatnonzero(have != pins.amount):
        periods = [x for x, inside in zip(model.calendar.months, pins.months[k], strict=True) if inside]
        yield _(
            "The pin of {who}, {period}, {level} is {amount:,.2f}, but the published quotas add up to {have:,.2f}: "
            "with the other pins no numbers of two decimals can hold it. Change one of them by a cent."
        ).format(
            who=network.name(int(pins.total[k])) or _("The company"),
            period=" – ".join(dict.fromkeys([periods[0], periods[-1]])),
            level=levels[pins.level[k]],
            amount=pins.amount[k] / MINOR,
            have=have[k] / MINOR,
        )


def _note(says: str, value: str) -> Finding:
    return Finding("note", "quotas.csv", "", "quota", value, RULE, says)
