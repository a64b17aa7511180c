"""The journal: what was written is there again, and a line that was torn is cut off, wherever it was torn."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocator.batches.journal import Journal

PATH = Path("journal.jsonl")


def write_some() -> bytes:
    """Write a journal of five events; returns its bytes."""
    with Journal(PATH) as journal:
        journal.write("begin", case="a", hash="1")
        journal.write("failed", case="a", hash="1", reason='无法实现, "so"\nit is')
        journal.write("begin", case="b", hash="2")
        journal.write("done", case="b", hash="2")
        journal.write("failed", case="c", hash="3", reason="no")
    return PATH.read_bytes()


def test_what_was_written_is_there_again() -> None:
    """Failures, attempts and results are those of the events, and more can be appended."""
    write_some()
    with Journal(PATH) as journal:
        assert journal.failed == {"1": '无法实现, "so"\nit is', "3": "no"}
        assert journal.attempts == {"1": 1, "2": 1}
        assert journal.done == {"2"}
        journal.write("again", hash="3")
        journal.write("begin", hash="1")
    with Journal(PATH) as journal:
        assert journal.failed.keys() == {"1"}
        assert journal.attempts["1"] == 2


def test_torn_at_every_byte() -> None:
    """Cut anywhere, the journal holds the whole lines before the cut, and what is appended then is read again."""
    whole = write_some()
    for cut in range(len(whole) + 1):
        PATH.write_bytes(whole[:cut])
        lines = whole[:cut].count(b"\n")
        with Journal(PATH) as journal:
            assert journal.attempts == {k: 1 for k, at in (("1", 1), ("2", 3)) if lines >= at}
            assert journal.done == ({"2"} if lines >= 4 else set())
            journal.write("done", hash="9")
        assert PATH.read_bytes().startswith(whole[: whole[:cut].rfind(b"\n") + 1])
        with Journal(PATH) as journal:
            assert "9" in journal.done
            assert len(PATH.read_bytes().splitlines()) == lines + 1


@pytest.mark.parametrize("tail", [b"\x00" * 64, b"\x00" * 10 + b"\n", b'{"event": 3', b"[1]\n", b"\xff\xfe\n"])
def test_what_a_power_cut_leaves_is_cut_off(tail: bytes) -> None:
    """Zeros and half letters behind the last whole line are no events, and do not spoil the next one."""
    whole = write_some()
    PATH.write_bytes(whole + tail)
    with Journal(PATH) as journal:
        assert journal.done == {"2"}
        journal.write("done", hash="9")
    assert PATH.read_bytes().startswith(whole + b'{"event": "done"')
