"""Curves of a sweep, drawn in characters."""

from __future__ import annotations

import pandas as pd
import plotille

from allocator.program import Floats

WIDE, HIGH = 24, 7
"""Size of a curve in characters, its scale left out: two of them stand beside each other in 80 columns."""

SCALE = 13
"""Characters of the scale."""

TICK = 5
"""Characters that the last number of the lower scale may reach beyond the curve."""


def curve_text(points: pd.Series) -> str:
    """A curve through points of a sweep, with its scale.

    Parameters
    ----------
    points : Series
        Values by the varied number, in ascending order; those without a plan are left out.
    """
    points = points.dropna()
    x, y = points.index.to_numpy(float), points.to_numpy(float)
    figure = plotille.Figure()
    figure.width, figure.height, figure.with_colors, figure.origin = WIDE, HIGH, False, False
    figure.set_x_limits(*_limits(x))
    figure.set_y_limits(*_limits(y))
    figure.x_ticks_fkt = lambda value, _next: f"{value:.3g}"
    figure.y_ticks_fkt = lambda value, _next: f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
    figure.plot(x, y)
    # The values are named above the curve, as wide characters would move the scale; the last line but one ends with an arrow.
    *lines, axis, ticks = str(figure.show()).splitlines()[1:]
    width = SCALE + WIDE
    return "\n".join([*lines, axis[:width], ticks[: width + TICK].rstrip()])


def _limits(values: Floats) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.0 if high > low else 0.05 * abs(high) or 1.0
    return low - room, high + room
