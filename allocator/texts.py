"""Texts that people read: English in the source, other languages from ``locale/``.

``_`` looks a text up when it is called, in the language in force at that moment. A text that is named before a
language is chosen (a rule's sentence, say) is marked with ``N_`` and looked up with ``_`` where it is shown.
"""

from __future__ import annotations

import csv
import functools
import gettext
import locale
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

LANGUAGES = ("en", "zh")
"""Languages that texts exist in; English is the source."""

DOMAIN = "allocator"

_language: ContextVar[str | None] = ContextVar("language", default=None)


def _(message: str) -> str:
    """Return ``message`` in the language in force."""
    return _catalogue(current_language()).gettext(message) if message else ""


def after(sentence: str) -> str:
    """Return a sentence as it follows another one: behind a blank, which Chinese does not write."""
    return sentence if current_language() == "zh" else f" {sentence}"


def N_(message: str) -> str:
    """Mark ``message`` for translation and return it unchanged."""
    return message


def current_language() -> str:
    """Language in force: the one chosen with :func:`use_language`, else the environment's."""
    return _language.get() or language_of_environment()


def use_language(language: str | None) -> None:
    """Choose the language from here on; None goes back to the environment's.

    Raises
    ------
    ValueError
        If there are no texts in that language.
    """
    if language is not None and language not in LANGUAGES:
        raise ValueError(f"Expected a language of {', '.join(LANGUAGES)}, found {language!r}.")
    _language.set(language)


@contextmanager
def in_language(language: str | None) -> Iterator[None]:
    """Speak ``language`` inside a ``with`` block."""
    before = _language.get()
    use_language(language)
    try:
        yield
    finally:
        _language.set(before)


def language_of_environment() -> str:
    """Language that the environment's variables name, else the system's; English if we do not have it."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return _known(value.split(":")[0])
    return _known(locale.getlocale()[0] or "")


def _known(name: str) -> str:
    if name.lower().startswith("chinese"):  # as Windows says it
        return "zh"
    code = name.lower().replace("-", "_").split("_")[0].split(".")[0]
    return code if code in LANGUAGES else "en"


@functools.cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, Path(__file__).parent / "locale", languages=[language])


def extract_dictionary(
    file: BinaryIO, keywords: object, comment_tags: object, options: object
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield what people read of the data dictionary as texts to translate (an extraction method of Babel)."""
    rows = csv.DictReader(line.decode() for line in file)
    for row in rows:
        for text in filter(None, (row["description"], row["type"], row["unit"])):
            yield rows.line_num, "", text, []
