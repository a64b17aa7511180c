"""The texts: every one has a Chinese translation that keeps its placeholders, and the catalogue is the compiled one."""

from __future__ import annotations

import io
import string
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from allocator import texts
from allocator.binding import ASKED
from allocator.formulation.rules import RULES
from allocator.texts import N_, _, current_language, in_language, language_of_environment, use_language

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "allocator" / "locale" / "zh" / "LC_MESSAGES" / "allocator.po"
MARKS = ("_", "N_", "rule")
"""Functions whose first argument is a text for people, as the Makefile tells Babel."""


def catalogue() -> Catalog:
    """Return the Chinese catalogue as it is in the source."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh")


def source_texts() -> set[str]:
    """Return all texts of the package's source."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    methods = [(s["pattern"], s["method"]) for s in settings]
    keywords = {**DEFAULT_KEYWORDS, **dict.fromkeys(MARKS)}
    # Only the package: anything else beside it, such as an environment, is not looked at.
    below = [(pattern.removeprefix("allocator/"), method) for pattern, method in methods]
    found = extract_from_dir(ROOT / "allocator", below, keywords=keywords)
    return {str(message) for _file, _line, message, _comments, _context in found}


def test_every_text_has_a_translation() -> None:
    """The catalogue holds the texts of the source, all translated, and no others (``make texts`` collects them)."""
    translated = {str(m.id) for m in catalogue() if m.id and m.string and not m.fuzzy}
    wanted = source_texts()
    assert len(wanted) > 500
    assert not wanted - translated
    assert not translated - wanted


def test_rules_and_their_units_are_said_in_chinese() -> None:
    """Every rule's sentence, and every unit that may stand behind an amount, has a translation of its own."""
    import allocator.formulation.effort
    import allocator.formulation.quotas  # noqa: F401

    rules = [r for r in RULES.values() if r.sentence != ASKED]  # a target's unit is its metric's
    assert rules
    with in_language("zh"):
        assert not [r.sentence for r in RULES.values() if _(r.sentence) == r.sentence]
        assert not {r.unit for r in rules if _(r.unit) == r.unit}


def test_placeholders_survive_translation() -> None:
    """Every translation has the placeholders of its text, with their formats, so that filling it cannot fail."""
    messages = [m for m in catalogue() if m.id]
    wrong = {m.id: m.string for m in messages if fields(str(m.id)) != fields(str(m.string))}
    assert not wrong


def fields(text: str) -> Counter[tuple[str, str | None, str | None]]:
    """Return the placeholders of a text with format and conversion; texts that are no templates have none."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return Counter()
    return Counter((name, form, conversion) for _text, name, form, conversion in parts if name is not None)


def test_the_catalogue_is_the_compiled_one() -> None:
    """The .mo file that the program reads is what Babel makes of the .po file that people read."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue())
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue()


def test_make_texts_collects_what_is_tested_here() -> None:
    """The Makefile hands Babel the same marks as this test."""
    assert " ".join(f"-k {mark}" for mark in MARKS) in (ROOT / "Makefile").read_text("utf-8")


def test_a_text_is_looked_up_when_it_is_shown() -> None:
    """A text marked before a language is chosen is said in the language chosen later; the outer language comes back."""
    text = N_("Promised visits")
    with in_language("en"):
        assert _(text) == "Promised visits"
        with in_language("zh"):
            assert _(text) == "承诺拜访"
        assert _(text) == "Promised visits"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANGUAGE": "zh:en", "LANG": "en_GB.UTF-8"}, "zh"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
    ],
)
def test_the_environment_chooses(environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a choice the variables of the environment decide, in gettext's order; an unknown language is English."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language_of_environment() == language
    with in_language(None):
        assert current_language() == language


def test_windows_names_its_languages_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows sets no variables and says "Chinese (Simplified)_China"."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(texts.locale, "getlocale", lambda: ("Chinese (Simplified)_China", "936"))
    assert language_of_environment() == "zh"


def test_an_unknown_language_is_refused() -> None:
    """A language without texts cannot be chosen."""
    with pytest.raises(ValueError, match="'fr'"):
        use_language("fr")
