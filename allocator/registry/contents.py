"""Files of versions: stored once by their content, in compressed parts, and hashed again whenever they are read."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.errors import EngineError
from allocator.registry.candidate import Candidate, File, content_hash
from allocator.registry.database import refused
from allocator.registry.tables import FILES, PARTS
from allocator.registry.version import Version
from allocator.reporting.run import write_file
from allocator.texts import _

PART = 4_000_000
"""Bytes of a file that are compressed together."""

EMPTY = {"model/approvals": ("role", "votes", "above"), "model/voters": ("person", "role")}
"""Columns of tables that a run has no file of where they are empty."""


def add(connection: Connection, version: int, found: Candidate) -> None:
    """Add the files of a run; contents that the registry has are not added again.

    Raises
    ------
    InputError
        If a file changed since it was looked at.
    """
    for file in found.files:
        if not _known(connection, file.sha256):
            _add_content(connection, found.folder, file)
        connection.execute(sa.insert(FILES).values(version=version, path=file.path, sha256=file.sha256, size=file.size))


def _known(connection: Connection, sha256: str) -> bool:
    return connection.execute(sa.select(PARTS.c.part).where(PARTS.c.sha256 == sha256).limit(1)).first() is not None


def _add_content(connection: Connection, folder: Path, file: File) -> None:
    digest = hashlib.sha256()
    with (folder / file.path).open("rb") as stream:
        for k, part in enumerate(iter(lambda: stream.read(PART), b"")):
            digest.update(part)
            row = {"sha256": file.sha256, "part": k, "data": zlib.compress(part)}
            connection.execute(sa.insert(PARTS).values(row))
        if not stream.tell():
            connection.execute(sa.insert(PARTS).values(sha256=file.sha256, part=0, data=zlib.compress(b"")))
    if digest.hexdigest() != file.sha256:
        says = _("{path} changed while it was being published. Nothing was published.")
        raise refused(str(folder), says.format(path=folder / file.path))


def files_of(connection: Connection, version: Version) -> tuple[File, ...]:
    """Return the files of a version, in the order of their paths.

    Raises
    ------
    EngineError
        If they are not those that were published.
    """
    rows = connection.execute(sa.select(FILES).where(FILES.c.version == version.id))
    files = tuple(sorted((File(r.path, r.sha256, int(r.size)) for r in rows), key=lambda f: f.path))
    if content_hash(files) != version.content_sha256:
        says = _("{number} is damaged: its list of files is not the one that was published.")
        raise EngineError(says.format(number=version.number))
    return files


def _parts(connection: Connection, version: Version, file: File) -> Iterator[bytes]:
    """Parts of a file, one at a time; the last comes only after all were found to be what was published."""
    digest, held = hashlib.sha256(), b""
    numbers = connection.scalars(sa.select(PARTS.c.part).where(PARTS.c.sha256 == file.sha256).order_by(PARTS.c.part))
    try:
        for number in list(numbers):
            one = sa.select(PARTS.c.data).where(PARTS.c.sha256 == file.sha256, PARTS.c.part == number)
            data = zlib.decompress(connection.scalar(one) or b"")
            digest.update(data)
            if held:
                yield held
            held = data
    except zlib.error as error:
        raise _damaged(version, file) from error
    if digest.hexdigest() != file.sha256:
        raise _damaged(version, file)
    yield held


def _damaged(version: Version, file: File) -> EngineError:
    says = _("{number} is damaged: {path} is not what was published.")
    return EngineError(says.format(number=version.number, path=file.path))


def write(connection: Connection, version: Version, folder: Path) -> None:
    """Write the files of a version into a folder."""
    for file in files_of(connection, version):
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        write_file(place, _parts(connection, version, file))


def table(connection: Connection, version: Version, name: str) -> pd.DataFrame:
    """Read one table of a version, its numbers as numbers."""
    by_path = {file.path: file for file in files_of(connection, version)}
    for ending in ("csv", "parquet"):
        file = by_path.get(f"{name}.{ending}")
        if file is not None:
            data = io.BytesIO(b"".join(_parts(connection, version, file)))
            if ending == "parquet":
                return pd.read_parquet(data)
            found = pd.read_csv(data, encoding="utf-8-sig", keep_default_na=False, dtype=str)
            for column in set(found.columns) & {"quota", "votes", "above"}:
                found[column] = pd.to_numeric(found[column].replace("", "0"))
            return found.assign(above=0.0) if name.endswith("/approvals") and "above" not in found else found
    return pd.DataFrame(columns=list(EMPTY[name]))


def wrong(connection: Connection, version: Version) -> str | None:
    """Read all of a version, and return what is wrong with it."""
    try:
        for file in files_of(connection, version):
            for _part in _parts(connection, version, file):
                pass
    except EngineError as error:
        return str(error)
    return None
