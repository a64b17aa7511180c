"""Killed, crowded, without room or rights: a registry in a file loses nothing, keeps nothing half, and says what is wrong.

Sixteen kills by default; with ``ALLOCATOR_PROOF=200`` in the environment as many as it says.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kept_plans import check, kill_again_and_again, rows_of_file, write_together
from publisher import Publisher

from allocator.registry import Registry

KILLS = int(os.environ.get("ALLOCATOR_PROOF") or 16)
NOBODY = 65534

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no such signal, and no limits of a process"
)


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that every user of the machine may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_kills_lose_nothing(runs: list[Path], place: Path) -> None:
    """Killed in the middle of publishing or voting, at moments drawn by chance: the old state or the new one, whole, and it goes on."""
    file = place / "registry.db"
    with Publisher(file, runs) as publisher:
        kill_again_and_again(publisher, lambda: rows_of_file(file), KILLS)
    with Registry(file) as registry:
        assert registry.verify() == []


def test_killed_commands_leave_a_registry(runs: list[Path], place: Path) -> None:
    """The command itself, killed at any time from its start on, leaves a registry in which the next one publishes."""
    file, chance = place / "registry.db", random.Random(3)
    command = [sys.executable, "-m", "allocator", "publish", "--registry", str(file), "--as", "me", "-q"]
    before = None
    for k in range(max(KILLS // 20, 3)):
        running = subprocess.Popen([*command, str(runs[k % 2])])
        time.sleep(chance.uniform(0.5, 3.0))
        running.send_signal(signal.SIGKILL)
        running.wait()
        if file.exists():
            now = rows_of_file(file)
            check(now, before)
            before = now
    assert subprocess.run([*command, str(runs[0])], check=False).returncode == 0
    check(rows_of_file(file), before)


def test_writers_at_once_wait_for_each_other(runs: list[Path], place: Path) -> None:
    """Four processes that publish together number without a gap or a double; two who vote together are both counted."""
    file = place / "registry.db"
    with Publisher(file, runs) as publisher:
        write_together(publisher, lambda: rows_of_file(file))


def test_a_full_disk_changes_nothing(runs: list[Path], place: Path) -> None:
    """Whatever size a file may reach, a publish that does not fit says so with code 5 and leaves what was there."""
    file = place / "registry.db"
    with Publisher(file, runs) as publisher:
        publisher.one(do="publish", run=0)
        before, size = rows_of_file(file), file.stat().st_size
        for room in [0, 512, 4096, size // 2, size, size + 4096, size + 9000]:
            done = publisher.one(do="publish", run=1, file_size=room)
            assert done["error"] == 5, room
            assert "Nothing was changed" in done["says"]
            assert rows_of_file(file) == before
            assert publisher.one(do="read")["number"].endswith("-01")
        done = publisher.one(do="publish", run=1, pages=size // 4096 + 2)
        assert done == {
            "error": 5,
            "killed": False,
            "says": f"Cannot write {file}: the disk is full. Nothing was changed.",
        }
        check(rows_of_file(file), before)
        assert publisher.one(do="publish", run=1)["number"].endswith("-02")


def test_no_room_for_a_first_version(runs: list[Path], place: Path) -> None:
    """Where not even an empty registry fits, the next publish makes it as if nothing had been."""
    file = place / "registry.db"
    with Publisher(file, runs) as publisher:
        for room in (0, 4096, 40_000):
            assert publisher.one(do="publish", run=0, file_size=room)["error"] == 5
            with Registry(file) as registry:
                assert registry.versions() == []
        assert publisher.one(do="publish", run=0)["number"].endswith("-01")


def test_a_read_only_file_is_read(runs: list[Path], place: Path) -> None:
    """Who may only read a registry reads it; publishing and voting are refused with code 5 and the reason."""
    file = place / "registry.db"
    with Publisher(file, runs) as publisher:
        number = publisher.one(do="publish", run=0)["number"]
        before = file.read_bytes()
        file.chmod(0o444)
        place.chmod(0o555)
        assert publisher.one(do="read", user=NOBODY) == {"number": number, "damaged": [], "killed": False}
        vote = {"do": "approve", "version": number, "person": "li", "role": "management"}
        for job in ({"do": "publish", "run": 1}, vote):
            done = publisher.one(**job, user=NOBODY)
            assert done == {
                **{"error": 5, "killed": False},
                "says": f"Cannot write {file}: it may only be read. Nothing was changed.",
            }
        place.chmod(0o777)
        assert file.read_bytes() == before


def test_who_waits_too_long_is_told(runs: list[Path], tmp_path: Path) -> None:
    """Somebody else who does not let go of the registry is named as the reason, not a failure of the program."""
    from allocator.errors import EngineError

    file = tmp_path / "registry.db"
    with Registry(file) as registry:
        registry.publish(runs[0], by="me")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with (
        Registry(file, wait=0.1) as registry,
        pytest.raises(EngineError, match="somebody else is writing to it; try again in a moment"),
    ):
        registry.publish(runs[1], by="me")
    holder.close()


@pytest.mark.parametrize("part", ["plan_parts", "plan_files"])
def test_damage_is_found(runs: list[Path], tmp_path: Path, part: str) -> None:
    """A content that rotted or was exchanged behind the registry's back is found when it is read, and never handed out."""
    from allocator.errors import EngineError

    file = tmp_path / "registry.db"
    with Registry(file) as registry:
        number = registry.publish(runs[0], by="me").version.number
        with sqlite3.connect(file) as connection:
            for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            sha = connection.execute("SELECT sha256 FROM plan_files WHERE path = 'quotas.csv'").fetchone()[0]
            if part == "plan_parts":
                connection.execute("UPDATE plan_parts SET data = zeroblob(20) WHERE sha256 = ?", (sha,))
            else:
                connection.execute("UPDATE plan_files SET path = 'other.csv' WHERE sha256 = ?", (sha,))
        connection.close()
        assert [said.split(":")[0] for said in registry.verify()] == [f"{number} is damaged"]
        with pytest.raises(EngineError, match="is damaged"):
            registry.restore(number, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_copy_is_a_registry(runs: list[Path], tmp_path: Path) -> None:
    """The file alone is the registry: a copy of it holds every version, to the last byte of every file."""
    with Registry(tmp_path / "registry.db") as registry:
        number = registry.publish(runs[0], by="me").version.number
    shutil.copy(tmp_path / "registry.db", tmp_path / "copy.db")
    with Registry(tmp_path / "copy.db") as registry:
        registry.restore(number, tmp_path / "out")
    there = {p.relative_to(runs[0]): p.read_bytes() for p in runs[0].rglob("*") if p.is_file()}
    assert there == {
        p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
