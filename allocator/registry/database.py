"""The database of a registry: opened, locked, migrated, and its failures told in sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from allocator.errors import EngineError, Finding, InputError
from allocator.registry.tables import SCHEMA
from allocator.texts import _

LOCK = 7_305_114_902
"""Number of the advisory lock that writers hold on PostgreSQL."""

BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03")
FULL = ("SQLITE_FULL", "53100")
READ_ONLY = ("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH", "25006", "42501")
NO_REGISTRY = ("SQLITE_NOTADB",)
"""Beginnings of the codes that databases give."""


class Database:
    """A registry's database.

    Parameters
    ----------
    place : str or Path
        Path of a SQLite file, or URL of a database (``postgresql://…``).
    wait : float
        Seconds that a writer waits for another one.

    Raises
    ------
    InputError
        If the URL is none, or of a database that is not known here.
    EngineError
        If the library for the database is missing.
    """

    def __init__(self, place: str | Path, wait: float = 30.0) -> None:
        self._url = _url_of(place)
        self.name = self._url.set(drivername="postgresql").render_as_string(hide_password=True)
        self.file: Path | None = None
        self._wait = wait
        if self._url.get_backend_name() == "sqlite":
            self.file = Path(self._url.database or "")
            self.name = str(self.file)
        self._engine: Engine | None = None

    def close(self) -> None:
        """Let go of the connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """Give a connection that sees one state of the registry; None where nothing was published yet.

        Raises
        ------
        InputError
            If there is no registry.
        EngineError
            If it cannot be read.
        """
        self._expect_file()
        with self._told(_("Cannot read {place}: {reason}.")), self._open(create=False).connect() as connection:
            if self.file is None:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection if self._migrated(connection) else None

    @contextmanager
    def writing(self, *, create: bool = False) -> Iterator[Connection]:
        """Give a connection in a transaction that is alone in writing; all of it holds, or nothing.

        Parameters
        ----------
        create : bool
            Whether to make a registry where there is none.

        Raises
        ------
        InputError
            If there is no registry.
        EngineError
            If it cannot be written.
        """
        if not create:
            self._expect_file()
        says = _("Cannot write {place}: {reason}. Nothing was changed.")
        with self._told(says), self._open(create=create).connect() as connection:
            connection = connection.execution_options(allocator_writes=True)
            transaction = connection.begin()  # a connection that closes without a commit takes all back
            self._lock(connection)
            if not self._migrated(connection):
                self._migrate(connection)
            yield connection
            if self.file is None:
                says = _(
                    "{place} broke off at the last step: {reason}. Look with allocator versions whether it was done."
                )
            with self._told(says):
                transaction.commit()

    def _expect_file(self) -> None:
        if self.file is not None and not self.file.is_file():
            says = _(
                "There is no registry {place}. The first allocator publish makes it; --registry names another one."
            )
            raise refused(self.name, says.format(place=self.name))

    def _open(self, *, create: bool) -> Engine:
        """The engine: SQLite asks for its lock when a transaction begins, and waits until what it writes is on the disk."""
        if self.file is None:
            if self._engine is None:
                arguments = {"connect_timeout": max(int(self._wait), 1), "application_name": "allocator"}
                self._engine = sa.create_engine(self._url, poolclass=sa.NullPool, connect_args=arguments)
            return self._engine
        name = f"{self.file.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(name, timeout=self._wait, isolation_level=None, uri=True)

        engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
        sa.event.listen(engine, "connect", _prepare)
        sa.event.listen(engine, "begin", _begin)
        return engine

    def _lock(self, connection: Connection) -> None:
        if self.file is None:  # SQLite has its lock since the transaction began
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(1000 * self._wait)}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

    def _migrated(self, connection: Connection) -> bool:
        """Whether the registry is of this program's making: True for its newest revision, False for none or an older one."""
        known = _scripts()
        at = MigrationContext.configure(connection, opts={"version_table": SCHEMA}).get_current_revision()
        if at == known.get_current_head():
            return True
        if at is None:
            names = sa.inspect(connection).get_table_names()
            if self.file is not None and names and set(names) != {SCHEMA}:
                raise refused(self.name, _("{place} is a database of something else.").format(place=self.name))
            return False
        if at not in {script.revision for script in known.walk_revisions()}:
            says = _("{place} was written by a newer allocator. Install that one to use it.").format(place=self.name)
            raise refused(self.name, says)
        return False

    def _migrate(self, connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", _MIGRATIONS)
        command.upgrade(config, "head")

    @contextmanager
    def _told(self, says: str) -> Iterator[None]:
        """Turn failures of the database into errors with a sentence."""
        try:
            yield
        except DBAPIError as error:
            if _is(error, NO_REGISTRY):
                raise refused(self.name, _("{place} is no registry.").format(place=self.name)) from error
            raise EngineError(says.format(place=self.name, reason=_reason(error))) from error
        except SQLAlchemyError as error:
            raise EngineError(says.format(place=self.name, reason=error)) from error
        except OSError as error:
            raise EngineError(says.format(place=self.name, reason=error.strerror or error)) from error


def refused(place: str, says: str) -> InputError:
    """Return an error about something that was given."""
    return InputError([Finding("error", place, "", "", "", "registry", says)])


_MIGRATIONS = "allocator.registry:migrations"


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return ScriptDirectory.from_config(config)


def _url_of(place: str | Path) -> URL:
    text = str(place)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    if text.startswith("postgres://"):  # as some services write it
        text = text.replace("postgres", "postgresql", 1)
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise refused(text, _("{place} is no URL of a database.").format(place=text)) from error
    backend = url.get_backend_name()
    name = url.render_as_string(hide_password=True)
    if backend == "sqlite" and url.database:
        return URL.create("sqlite", database=url.database)
    if backend != "postgresql":
        says = _("{place}: expected the path of a file, or a URL that begins with postgresql://.")
        raise refused(name, says.format(place=name))
    import importlib.util

    if importlib.util.find_spec("psycopg") is None:
        raise EngineError(_("PostgreSQL needs a library: pip install 'sales-allocator[postgres]'."))
    return url.set(drivername="postgresql+psycopg")


def _prepare(connection: Any, _record: object) -> None:
    for pragma in ("foreign_keys = ON", "synchronous = EXTRA", "recursive_triggers = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("allocator_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _is(error: DBAPIError, codes: tuple[str, ...]) -> bool:
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or ""
    return str(code).startswith(codes)


def _reason(error: DBAPIError) -> str:
    """Why a database failed, in words where they are known."""
    if _is(error, BUSY):
        return _("somebody else is writing to it; try again in a moment")
    if _is(error, FULL):
        return _("the disk is full")
    if _is(error, READ_ONLY):
        return _("it may only be read")
    lines = str(error.orig).strip().splitlines()
    return (lines[0] if lines else type(error.orig).__name__).rstrip(".")
