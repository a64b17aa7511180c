"""The language that a model asks for, before it is read and after."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from allocator.texts import LANGUAGES

if TYPE_CHECKING:
    from allocator.model import Model


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


def chosen_language(model: Model) -> str | None:
    """Return the language that a model's settings name; None if they leave it to the environment."""
    return model.settings.language if "language" in model.settings.model_fields_set else None
