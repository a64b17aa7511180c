"""The registry on PostgreSQL, a server of its own that the tests start: the same guarantees as in a file.

Sixteen kills by default; with ``ALLOCATOR_PROOF=200`` in the environment as many as it says.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pwd
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kept_plans import TABLES, Rows, check, kill_again_and_again, write_together
from plan_runs import two_runs
from psycopg.rows import dict_row
from publisher import Publisher

from allocator.cli import main
from allocator.errors import EngineError
from allocator.registry import Registry

KILLS = int(os.environ.get("ALLOCATOR_PROOF") or 16)
ROOM = 20 * 2**20
"""Bytes to which a server without room may let a file grow: more than a segment of its log has."""


class Server:
    """A PostgreSQL server in a folder, reached through a socket there, run by a user who is not the superuser."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        folder.chmod(0o777)
        self._bin = _binaries()
        self._run("initdb", "-D", self.data, "-U", "allocator", "--auth=trust", "-E", "UTF8", "--no-sync")

    def _run(self, name: str, *arguments: object, room: int = 0) -> None:
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            known = {entry.pw_name for entry in pwd.getpwall()}
            user = {"user": "postgres" if "postgres" in known else "nobody", "extra_groups": []}
        command = [str(self._bin / name), *map(str, arguments)]
        if room:
            user["preexec_fn"] = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))
        with (self.folder / "said").open("w+") as said:  # not a pipe: the server keeps it open
            done = subprocess.run(command, cwd="/", check=False, stdout=said, stderr=said, **user)
            said.seek(0)
            assert done.returncode == 0, said.read()

    def start(self, room: int = 0) -> None:
        """Start it, and wait until it answers; with ``room`` no file of it may grow beyond so many bytes."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start", room=room)

    def stop(self, how: str = "fast") -> None:
        """Stop it; ``immediate`` is as if the machine had lost its power."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", how, "stop")

    def url(self, database: str) -> str:
        """URL of a database."""
        return f"postgresql://allocator@/{database}?host={self.folder}"

    def create(self, database: str) -> str:
        """Make a database and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)


def _binaries() -> Path:
    """Folder of the server's programs: the newest of the system's packages, else where PATH finds them."""
    packaged = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if packaged:
        return max(packaged, key=lambda p: int(p.parent.name))
    found = shutil.which("initdb")
    assert found, "PostgreSQL is not installed; on Debian: apt-get install postgresql"
    return Path(found).resolve().parent


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return a server that runs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        one = Server(Path(folder))
        one.start()
        yield one
        one.stop("immediate")


@pytest.fixture
def url(server: Server, request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database."""
    return server.create(request.node.name[-40:])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """Return two runs of one model."""
    return two_runs(tmp_path_factory.mktemp("plans"))


def rows_of_database(url: str) -> Rows:
    """Read all rows, without the package."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY {key}").fetchall()
            for table, key in TABLES.items()
        }


def test_kills_lose_nothing(runs: Sequence[Path], url: str) -> None:
    """Clients killed in the middle of publishing or voting leave the old state or the new one, whole."""
    with Publisher(url, runs) as publisher:
        kill_again_and_again(publisher, lambda: rows_of_database(url), KILLS)
    with Registry(url) as registry:
        assert registry.verify() == []


def test_writers_at_once_wait_for_each_other(runs: Sequence[Path], url: str) -> None:
    """Processes that make the tables, publish and vote together number without a gap or a double; every vote counts."""
    with Publisher(url, runs) as publisher:
        write_together(publisher, lambda: rows_of_database(url))


def test_a_server_that_loses_its_power_keeps_what_was_published(runs: Sequence[Path], server: Server, url: str) -> None:
    """A server that stops at once in the middle of a publish comes back with all that was published, and nothing half."""
    with Publisher(url, runs) as publisher:
        number = publisher.one(do="publish", run=0)["number"]
        before = rows_of_database(url)
        holder = psycopg.connect(url)  # keeps the publish waiting, most of it written, until the server is gone
        holder.execute("LOCK TABLE plan_needs IN ACCESS EXCLUSIVE MODE")
        answer = publisher.begin([{"do": "publish", "run": 1}])
        until = time.monotonic() + 30
        with psycopg.connect(server.url("postgres"), autocommit=True) as other:
            while not other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                assert time.monotonic() < until, "nobody waits for the lock"
                time.sleep(0.02)
        server.stop("immediate")
        (done,) = answer()
        holder.close()
        assert done["error"] == 5
        assert "Cannot" in done["says"] or "broke off" in done["says"]
        assert publisher.one(do="read")["error"] == 5
        server.start()
        check(rows_of_database(url), before)
        assert publisher.one(do="read")["number"] == number
        assert publisher.one(do="publish", run=1)["number"] != number
        check(rows_of_database(url), before)


def test_a_full_disk_changes_nothing(runs: Sequence[Path], server: Server, url: str, tmp_path: Path) -> None:
    """A server whose tables can grow no further refuses a publish with code 5, and holds what it held."""
    large = tmp_path / "large"
    shutil.copytree(runs[1], large)
    (large / "notes.bin").write_bytes(os.urandom(2 * ROOM))
    summary = json.loads((large / "summary.json").read_text("utf-8"))
    summary["files"]["notes.bin"] = hashlib.sha256((large / "notes.bin").read_bytes()).hexdigest()
    (large / "summary.json").write_text(json.dumps(summary), "utf-8")
    with Publisher(url, [runs[0], large]) as publisher:
        publisher.one(do="publish", run=0)
        before = rows_of_database(url)
        server.stop()
        server.start(room=ROOM)
        done = publisher.one(do="publish", run=1)
        assert done["error"] == 5
        assert "Nothing was changed" in done["says"]
        assert rows_of_database(url) == before
        server.stop()
        server.start()
        assert publisher.one(do="publish", run=1)["number"].endswith("-02")
        check(rows_of_database(url), before)


def test_who_may_only_read_is_told(runs: Sequence[Path], server: Server, url: str) -> None:
    """A user without the right to write reads; publishing and voting are refused with code 5 and the reason."""
    with Registry(url) as registry:
        number = registry.publish(runs[0], by="me").version.number
    with psycopg.connect(url) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    before = rows_of_database(url)
    with Registry(url.replace("allocator@", "reader@")) as registry:
        assert [v.number for v in registry.versions()] == [number]
        for write in (
            lambda: registry.publish(runs[1], by="me"),
            lambda: registry.approve(number, person="li", role="management"),
        ):
            with pytest.raises(EngineError, match=r"it may only be read\. Nothing was changed"):
                write()
    assert rows_of_database(url) == before


@pytest.mark.parametrize("table", sorted(TABLES))
def test_nothing_can_be_rewritten(runs: Sequence[Path], server: Server, table: str) -> None:
    """UPDATE, DELETE and TRUNCATE are refused by the database itself, and so are more files for what is published."""
    url = server.create(f"rewritten_{table}")
    with Registry(url) as registry:
        number = registry.publish(runs[0], by="me").version.number
        registry.approve(number, person="li", role="management")
    before, first = rows_of_database(url), TABLES[table].split(", ")[0]
    orders = [f"UPDATE {table} SET {first} = {first}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]
    orders += [
        f"INSERT INTO plan_files VALUES (1, 'x', '{'0' * 64}', 0)",
        "INSERT INTO plan_needs VALUES (1, 9, 'x', 0, '[]')",
    ]
    for order in orders:
        with (
            psycopg.connect(url) as connection,
            pytest.raises(psycopg.errors.RaiseException, match="A registry of plans is only ever added to"),
        ):
            connection.execute(order)
    assert rows_of_database(url) == before


def test_the_commands_take_a_url(
    runs: Sequence[Path], url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All four commands work on a URL, which the environment can name; a password in it is never shown."""
    secret = url.replace("allocator@", "allocator:secret@")
    assert main(["publish", str(runs[0]), "--registry", secret, "--as", "me", "--lang", "en"]) == 0
    assert main(["publish", str(runs[1]), "--registry", secret, "--as", "me", "--lang", "en"]) == 0
    assert main(["versions", "--registry", secret, "--lang", "en", "--check"]) == 0
    known = Registry(url).versions()
    assert main(["diff", known[0].number, known[1].number, "--registry", secret, "--lang", "en"]) == 0
    vote = ["approve", known[1].number, "--as", "li", "--role", "management", "--registry", secret, "--lang", "en"]
    assert main(vote) == 0
    assert main(["publish", str(runs[0]), "--registry", secret.replace("?", "_gone?"), "--lang", "en"]) == 5
    said = capsys.readouterr()
    assert "secret" not in said.out + said.err
    assert "does not exist. Nothing was changed." in said.err
