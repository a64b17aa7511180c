"""Where the shipped models and scenarios lie: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Literal

from allocator.errors import Finding, InputError
from allocator.texts import _, after

PACKAGE = Path(__file__).resolve().parent


def shipped(kind: Literal["models", "scenarios"]) -> Path:
    """Folder of the shipped models or scenarios.

    A wheel carries them inside the package; in a checkout they stand at its top.
    """
    inside = PACKAGE / "shipped" / kind
    return inside if inside.is_dir() else PACKAGE.parent / kind


def shipped_models() -> dict[str, Path]:
    """Shipped models by name."""
    found = shipped("models").glob("*/model.yaml")
    return {path.parent.name: path.parent for path in sorted(found)}


def find_model(text: str) -> Path:
    """Find a model by what a user calls it: a folder, a workbook, or the name of a shipped model.

    Raises
    ------
    InputError
        If there is no such model, or a run is given for one.
    """
    path = Path(text)
    if (path / "summary.json").is_file() and not (path / "model.yaml").exists():
        says = _("{path} is a run, which a solve has written. Give the model that it was made from.").format(path=path)
        raise InputError([Finding("error", text, "", "", "", "place", says)])
    if path.exists():
        return path
    models = shipped_models()
    if text in models:
        return models[text]
    raise InputError([_unknown(text, list(models))])


def _unknown(text: str, names: list[str]) -> Finding:
    says = _("{path}: no such folder or workbook, and no shipped model of that name.").format(path=text)
    close = difflib.get_close_matches(Path(text).name, names, n=1)
    if close:
        says += after(_("Did you mean {name}?").format(name=close[0]))
    elif names:
        says += after(_("Shipped models: {names}.").format(names=", ".join(names)))
    return Finding("error", text, "", "", "", "missing", says)
