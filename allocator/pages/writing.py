"""``report.html``: one file that opens from disk, with its charts, its style and its script inside."""

from __future__ import annotations

import base64
import functools
import gzip
import json
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from allocator.errors import EngineError, Finding, InputError
from allocator.reporting.run import SUMMARY, replace_file
from allocator.texts import _, current_language

if TYPE_CHECKING:
    from allocator.model import Model
    from allocator.pages.parts import Page
    from allocator.plan import Plan

PAGE = "report.html"
COMPARISON = "comparison.json"


def write_page(folder: Path, model: Model | None = None) -> Path:
    """Write the report of a run or a comparison into its folder, in the language in force, and return its path.

    Parameters
    ----------
    folder : Path
    model : Model, optional
        The model of the run, where it is at hand; else it is read.

    Raises
    ------
    InputError
        If the folder is neither, or holds no plan.
    EngineError
        If the machine cannot write.
    """
    content = page_bytes(folder, model)
    path = folder / PAGE
    try:
        replace_file(path, [content])
    except OSError as error:
        says = _("Cannot write {path}: {reason}.").format(path=path, reason=error.strerror or error)
        raise EngineError(says) from error
    return path


def page_bytes(folder: Path, model: Model | None = None) -> bytes:
    """Return the report of a run or a comparison.

    Raises
    ------
    InputError
        If the folder is neither, or holds no plan.
    """
    if (folder / COMPARISON).is_file():
        from allocator.pages.compared import comparison_page

        return render(comparison_page(folder))
    if (folder / SUMMARY).is_file():
        from allocator.pages.planned import run_page

        return render(run_page(folder, model))
    says = _("{folder} is no run and no comparison: it has neither summary.json nor comparison.json.")
    raise InputError([Finding("error", str(folder), "", "", "", "place", says.format(folder=folder))])


def page_beside(folder: Path, plan: Plan, place: Path) -> dict[str, bytes]:
    """Return the report of a plan by its name, made from tables in ``place``, for a run that will stand in ``folder``."""
    from allocator.pages.planned import page_of
    from allocator.pages.reading import Files

    return {PAGE: render(page_of(replace(plan, tables=Files(place)), folder))}


def render(page: Page) -> bytes:
    """Return a page as HTML that needs nothing beside it."""
    import jinja2

    here = resources.files("allocator.pages")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((here / "page.html.j2").read_text("utf-8"))
    text = template.render(
        page=page,
        language={"zh": "zh-CN"}.get(current_language(), current_language()),
        style=(here / "page.css").read_text("utf-8"),
        script=(here / "page.js").read_text("utf-8"),
        figures=_json({c.code: {**c.figure, "height": c.height} for c in page.charts}),
        plotly=packed_plotly() if page.charts else "",
        words={
            "skip": _("Skip to the content"),
            "contents": _("Contents"),
            "as_table": _("As a table"),
            "sort": _("Sort by {heading}"),
            "filter": _("Show rows with"),
            "no_charts": _("This browser cannot draw the charts; the tables hold the same numbers."),
        },
    )
    return text.encode()


def _json(content: object) -> str:
    """Return JSON that can stand inside a script element: nothing in it ends the element or opens a comment."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028")


@functools.cache
def packed_plotly() -> str:
    """Return Plotly's script as its package ships it, compressed: 2 MB instead of 5; browsers unpack it themselves."""
    script = (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(script, compresslevel=6, mtime=0)).decode()
