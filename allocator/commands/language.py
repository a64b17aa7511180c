"""The language that a model asks for, known before it is read."""

from __future__ import annotations

import re
from pathlib import Path

from allocator.texts import LANGUAGES


def language_of_model(path: Path) -> str | None:
    """Return the language that the settings of a model folder name; None if they name none that we speak.

    A glance at the one line, as the findings of a model that cannot be read should be in its language too.
    """
    settings = path / "model.yaml"
    try:
        text = settings.read_bytes()[:100_000].decode("utf-8", errors="replace")
    except OSError:  # a workbook, or no settings: reading the model says so
        return None
    found = re.search(r"^language:\s*['\"]?(\w+)", text, flags=re.MULTILINE)
    return found[1] if found and found[1] in LANGUAGES else None
