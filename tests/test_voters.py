"""Tables ``approvals`` and ``voters``: who votes is known before a plan is published."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_model import write_small_model

from allocator.errors import InputError
from allocator.reading import load
from allocator.texts import in_language


def test_a_role_without_voters_is_warned_of(tmp_path: Path) -> None:
    """A role whose votes are asked for and that nobody has is named with its row; with a voter there is nothing to say."""
    rows = "role,votes,above\nmanager,0.5,\nboard,1,0.2\n"
    with in_language("en"):
        found = load(write_small_model(tmp_path / "a", {"approvals.csv": rows})).findings
        (warning,) = [f for f in found if f.rule == "voters"]
        assert (warning.severity, warning.table, warning.row, warning.value) == (
            "warning",
            "approvals.csv",
            "3",
            "board",
        )
        voters = "person,role\nann,manager\ndan,board\n"
        found = load(write_small_model(tmp_path / "b", {"approvals.csv": rows, "voters.csv": voters})).findings
        assert not [f for f in found if f.rule == "voters"]


def test_a_voter_for_nothing_is_refused(tmp_path: Path) -> None:
    """A voter of a role that approvals does not have, and one named twice for a role, are errors with a remedy."""
    with in_language("en"):
        with pytest.raises(InputError, match=r'Not in approvals\.csv, column role\. Did you mean "manager"'):
            load(write_small_model(tmp_path / "a", {"voters.csv": "person,role\nann,manger\n"}))
        with pytest.raises(InputError, match="The same person, role stands in row 2 already"):
            load(write_small_model(tmp_path / "b", {"voters.csv": "person,role\nann,manager\nann,manager\n"}))


def test_beginnings_of_numbers(tmp_path: Path) -> None:
    """Words joined by hyphens begin a document number; anything else is refused."""
    settings = 'start: "2026-01"\ndocuments: {}\n'
    for text in ("SN-GG", "甲-B", "PLAN"):
        model = load(write_small_model(tmp_path / text, {"model.yaml": settings.format(text)}))
        assert model.settings.documents == text
    for k, text in enumerate(("-SN", "SN--GG", "a/b", "'SN GG'")):
        with pytest.raises(InputError, match="words joined by hyphens"):
            load(write_small_model(tmp_path / str(k), {"model.yaml": settings.format(text)}))
