"""Figures as Plotly takes them: bars, lines, heat maps, waterfalls, maps; colours are names of the page's own.

Plotly reads a little HTML in its texts, so every name that comes from a table is escaped before it goes there.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from allocator.pages.parts import Figure

LEVELS = {"base": "--base", "stretch": "--stretch", "ceiling": "--ceiling"}
SERIES = ("--one", "--two", "--three", "--four", "--five", "--six", "--seven", "--eight")
"""Colours of kinds that have no order; more than eight are told apart by their patterns."""

PATTERNS = ("", "/", "x", ".")
ROW = 26
"""Height of a bar that lies, with the room around it."""

Series = Mapping[str, Sequence[float]]
Said = Mapping[str, Sequence[str]]


def plain(text: object) -> str:
    """Return a text so that Plotly shows it as it is."""
    return html.escape(str(text), quote=False)


def plains(texts: Iterable[object]) -> list[str]:
    """Return texts so that Plotly shows them as they are."""
    return [plain(t) for t in texts]


def numbers(values: Iterable[float]) -> list[float | None]:
    """Return numbers as JSON can hold them."""
    return [float(v) if math.isfinite(v) else None for v in values]


def lying_height(bars: int) -> int:
    """Return the height of a figure of so many bars that lie."""
    return 110 + ROW * max(bars, 2)


def stacked(
    names: Sequence[str],
    series: Series,
    said: Said,
    colours: Mapping[str, str],
    *,
    lying: bool,
    axis: str,
    line: tuple[str, Sequence[float], Sequence[str]] | None = None,
    edges: Sequence[bool] | None = None,
) -> Figure:
    """Bars one on the other.

    Parameters
    ----------
    names : sequence of str
        What the bars are of.
    series : mapping of str to sequence of float
        Heights of the parts by name, the lowest first.
    said : mapping of str to sequence of str
        What is shown of each part when it is pointed at.
    colours : mapping of str to str
    lying : bool
        Whether the bars lie.
    axis : str
        What the numbers are counted in.
    line : tuple of name, values and what is said of them, optional
        Drawn over bars that stand.
    edges : sequence of bool, optional
        Bars that are marked by a pattern.
    """
    data: list[dict[str, Any]] = []
    for k, (name, values) in enumerate(series.items()):
        along, across = ("x", "y") if lying else ("y", "x")
        shape = PATTERNS[(k // len(SERIES)) % len(PATTERNS)]
        shapes = [("/" if marked else shape) for marked in edges] if edges is not None else shape
        data.append(
            {
                "type": "bar",
                "name": plain(name),
                "orientation": "h" if lying else "v",
                along: numbers(values),
                across: plains(names),
                "text": plains(said[name]),
                "textposition": "none",
                "hovertemplate": "%{" + across + "}<br>%{text}<extra>%{fullData.name}</extra>",
                "marker": {
                    "color": colours[name],
                    "line": {"color": "--page", "width": 1},
                    "pattern": {"shape": shapes, "fgcolor": "--page", "size": 7, "solidity": 0.25},
                },
            }
        )
    if line is not None:
        name, values, texts = line
        data.append(
            {
                "type": "scatter",
                "name": plain(name),
                "mode": "lines+markers",
                "x": plains(names),
                "y": numbers(values),
                "text": plains(texts),
                "hovertemplate": "%{x}<br>%{text}<extra>%{fullData.name}</extra>",
                "line": {"color": "--ink", "width": 2, "dash": "dot"},
                "marker": {"color": "--ink", "size": 6},
            }
        )
    category = {"type": "category", "automargin": True, "fixedrange": True}
    amount = {"title": {"text": plain(axis)}, "automargin": True, "fixedrange": True, "rangemode": "tozero"}
    layout: dict[str, Any] = {"barmode": "stack", "showlegend": len(data) > 1, "bargap": 0.25}
    if lying:
        layout |= {"xaxis": amount, "yaxis": {**category, "autorange": "reversed", "dtick": 1}}
    else:
        layout |= {"xaxis": category, "yaxis": amount}
    return {"data": data, "layout": layout}


def measured(
    names: Sequence[str], values: Sequence[float], said: Sequence[str], good: Sequence[bool], *, axis: str, at: float
) -> Figure:
    """Lying bars of percents against a line at ``at``; those that are not good have their own colour and pattern."""
    top = 2.0 * at
    figure = stacked(
        names, {"": [min(v, top) for v in values]}, {"": said}, {"": "--good"}, lying=True, axis=axis,
        edges=[not g for g in good],
    )  # fmt: skip
    bars = figure["data"][0]
    bars["marker"]["color"] = ["--good" if g else "--bad" for g in good]
    bars["text"] = [f"{v:.1f} %" if v <= top else f"{v:,.0f} % →" for v in values]
    bars |= {"hovertext": plains(said), "hovertemplate": "%{y}<br>%{hovertext}<extra></extra>"}
    bars |= {"textposition": "outside", "cliponaxis": False}
    bars["textfont"] = {"color": "--ink"}
    figure["layout"]["xaxis"] |= {"ticksuffix": " %", "range": [0, 1.15 * max([*map(float, bars["x"]), at])]}
    figure["layout"]["shapes"] = [
        {
            "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1,
            "line": {"color": "--ink", "width": 2, "dash": "dash"},
        }
    ]  # fmt: skip
    return figure


def against(
    names: Sequence[str], most: Sequence[float], values: Sequence[float], said: Sequence[str], words: tuple[str, str],
    *, axis: str,
) -> Figure:  # fmt: skip
    """Lying bars, each within a wider one that says how much there may be; ``words`` are the names of both."""
    figure = stacked(
        names, {words[0]: most, words[1]: values}, {words[0]: said, words[1]: said},
        {words[0]: "--room", words[1]: "--base"}, lying=True, axis=axis,
    )  # fmt: skip
    figure["layout"]["barmode"] = "overlay"
    figure["data"][0]["marker"]["line"] = {"color": "--quiet", "width": 1}
    figure["data"][1]["width"] = 0.45
    return figure


def heat(
    rows: Sequence[str], columns: Sequence[str], share: np.ndarray[Any, Any], said: np.ndarray[Any, Any], *, bar: str
) -> Figure:
    """Shares of rows by columns, in percent; what is more than 100 % has a colour of its own."""
    top = max(1.5, float(np.nanmax(share)) if np.isfinite(share).any() else 1.0)
    scale = [[0.0, "--heat0"], [0.5 / top, "--heat1"], [1 / top, "--heat2"], [1 / top, "--over1"], [1.0, "--over2"]]
    values = [numbers(100 * line) for line in share]
    return {
        "data": [
            {
                "type": "heatmap",
                "x": plains(columns),
                "y": plains(rows),
                "z": values,
                "text": [plains(line) for line in said],
                "hovertemplate": "%{y} · %{x}<br>%{text}<extra></extra>",
                "zmin": 0,
                "zmax": 100 * top,
                "xgap": 1,
                "ygap": 1,
                "colorscale": scale,
                "colorbar": {"title": {"text": plain(bar), "side": "right"}, "ticksuffix": " %", "thickness": 14},
            }
        ],
        "layout": {
            "xaxis": {"type": "category", "automargin": True, "fixedrange": True, "tickangle": -90},
            "yaxis": {
                "type": "category", "automargin": True, "fixedrange": True, "autorange": "reversed",
                "dtick": 1 if len(rows) <= 100 else math.ceil(len(rows) / 60),
            },
        },
    }  # fmt: skip


def lines(x: Sequence[float], series: Series, said: Said, *, across: str, axis: str, now: float | None) -> Figure:
    """Lines over a number; a line at ``now``."""
    data = [
        {
            "type": "scatter", "mode": "lines+markers", "name": plain(name), "x": numbers(x), "y": numbers(values),
            "text": plains(said[name]), "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
            "line": {"color": SERIES[k % len(SERIES)], "width": 2}, "marker": {"size": 7, "symbol": k},
        }
        for k, (name, values) in enumerate(series.items())
    ]  # fmt: skip
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": plain(across)}, "automargin": True, "fixedrange": True},
        "yaxis": {"title": {"text": plain(axis)}, "automargin": True, "fixedrange": True},
        "showlegend": len(data) > 1,
    }
    if now is not None:
        layout["shapes"] = [
            {
                "type": "line", "xref": "x", "yref": "paper", "x0": now, "x1": now, "y0": 0, "y1": 1,
                "line": {"color": "--quiet", "width": 1, "dash": "dash"},
            }
        ]  # fmt: skip
    return {"data": data, "layout": layout}


def categories(x: Sequence[str], series: Series, said: Said, *, across: str, axis: str) -> Figure:
    """Bars beside each other over what is no number."""
    colours = {name: SERIES[k % len(SERIES)] for k, name in enumerate(series)}
    figure = stacked(x, series, said, colours, lying=False, axis=axis)
    figure["layout"]["barmode"] = "group"
    figure["layout"]["xaxis"]["title"] = {"text": plain(across)}
    return figure


def waterfall(names: Sequence[str], values: Sequence[float], said: Sequence[str], *, axis: str) -> Figure:
    """Steps from the first total to the last; the axis begins near them where they all lie above zero."""
    ends = np.append(np.cumsum(values[:-1]), values[-1])
    low, high = float(ends.min()), float(ends.max())
    layout: dict[str, Any] = {
        "xaxis": {
            "tickmode": "array", "tickvals": list(range(len(names))),
            "ticktext": ["<br>".join(plains(wrapped(n))) for n in names], "automargin": True, "fixedrange": True,
            "zeroline": False, "showgrid": False,
        },
        "yaxis": {"title": {"text": plain(axis)}, "automargin": True, "fixedrange": True},
        "showlegend": False,
    }  # fmt: skip
    room = high - low
    if low > room > 0:
        layout["yaxis"]["range"] = [low - 0.5 * room, high + 0.2 * room]
    return {
        "data": [
            {
                "type": "waterfall",
                "x": list(range(len(names))),
                "y": numbers(values),
                "measure": ["absolute", *["relative"] * (len(names) - 2), "total"],
                "text": plains(said),
                "textposition": "outside",
                "textfont": {"color": "--ink"},
                "cliponaxis": False,
                "hovertemplate": "%{text}<extra></extra>",
                "connector": {"line": {"color": "--quiet", "width": 1}},
                "increasing": {"marker": {"color": "--good"}},
                "decreasing": {"marker": {"color": "--bad"}},
                "totals": {"marker": {"color": "--base"}},
            }
        ],
        "layout": layout,
    }


def wrapped(text: str, width: int = 24, most: int = 4) -> list[str]:
    """Return a text in short lines: broken at blanks, or anywhere where it has none."""
    found = [""]
    for word in text.split(" "):
        for part in [word[i : i + width] for i in range(0, max(len(word), 1), width)]:
            if len(found[-1]) + len(part) < width:
                found[-1] = f"{found[-1]} {part}".strip()
            else:
                found.append(part)
    found = [line for line in found if line]
    return [*found[: most - 1], found[most - 1] + "…"] if len(found) > most else found


def places(
    series: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[str]]],
    *,
    words: tuple[str, str],
) -> Figure:
    """Circles where things are: longitude, latitude, size and what is said of each, by kind; no map lies below them."""
    most = max((max(size, default=0.0) for _x, _y, size, _said in series.values()), default=0.0) or 1.0
    middle = [y for _x, ys, _size, _said in series.values() for y in ys]
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": plain(name),
            "x": numbers(x),
            "y": numbers(y),
            "text": plains(said),
            "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
            "marker": {
                "color": SERIES[k % len(SERIES)],
                "symbol": k // len(SERIES),
                "size": [6 + 34 * math.sqrt(max(s, 0.0) / most) for s in size],
                "line": {"color": "--ink", "width": 1},
                "opacity": 0.8,
            },
        }
        for k, (name, (x, y, size, said)) in enumerate(series.items())
    ]
    scale = 1 / max(0.1, math.cos(math.radians(float(np.mean(middle)) if middle else 0.0)))
    return {
        "data": data,
        "layout": {
            "xaxis": {"title": {"text": plain(words[0])}, "automargin": True},
            "yaxis": {"title": {"text": plain(words[1])}, "automargin": True, "scaleanchor": "x", "scaleratio": scale},
            "showlegend": len(data) > 1,
        },
    }
