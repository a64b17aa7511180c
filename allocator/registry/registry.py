"""The registry of published plans: published, listed, compared, voted on; nothing in it is ever lost or rewritten."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.plan import Plan
from allocator.registry import contents, rows
from allocator.registry.approving import Need, Vote, both, counted, needs, outcome, share_moved
from allocator.registry.candidate import Candidate, candidate
from allocator.registry.database import Database, refused
from allocator.registry.differing import VersionDiff, differences
from allocator.registry.reading import published_plan, run_tables
from allocator.registry.tables import NEEDS, STATES, VERSIONS, VOTES
from allocator.registry.version import Version
from allocator.reporting.run import MODEL, check_place, replacing
from allocator.schema.findings import did_you_mean
from allocator.texts import _

DEFAULT = "registry.db"
"""Path of the registry, where none is named."""

VARIABLE = "ALLOCATOR_REGISTRY"
"""Environment variable that names another."""


@dataclass(frozen=True)
class Published:
    """What came of publishing a run.

    Attributes
    ----------
    version : Version
    new : bool
        False where this very run is what was published last, so that nothing was added.
    recorded : bool
        Whether every file was compared with the hash that the run recorded.
    left_out : tuple of str
        Files in the folder that are none of the run's.
    rules_changed : bool
        Whether the votes that are needed are other ones by the model in force than by the new model.
    """

    version: Version
    new: bool
    recorded: bool
    left_out: tuple[str, ...]
    rules_changed: bool


class Registry:
    """Published plans of any number of companies and models.

    Parameters
    ----------
    place : str or Path
        Path of a SQLite file, or URL of a PostgreSQL database (``postgresql://user@host/name``).
    wait : float
        Seconds that a writer waits for another one.

    Raises
    ------
    InputError
        If the URL is none.
    EngineError
        If the library for the database is missing.
    """

    def __init__(self, place: str | Path = DEFAULT, *, wait: float = 30.0) -> None:
        self._database = Database(place, wait)

    @property
    def name(self) -> str:
        """Path or URL, without a password."""
        return self._database.name

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def publish(self, run: str | Path, *, by: str, because: str = "") -> Published:
        """Publish a run: all its files, under the next document number of its company.

        It replaces the version in force of the same company, model and start; versions of it that were still proposed are superseded.
        A run that was published last is not published again, so a publish that was broken off can be repeated.

        Raises
        ------
        InputError
            If the run may not be published: not proved, refused by the audit, changed since; or nobody has the votes needed.
        EngineError
            If the registry cannot be written; it is then as it was.
        """
        if not by.strip():
            raise refused(self.name, _("Say who publishes."))
        found = candidate(Path(run))
        with self._database.writing(create=True) as connection:
            last = self._last(connection, found)
            if last is not None and last.content_sha256 == found.sha256 and last.state != "rejected":
                return Published(last, False, found.recorded, found.left_out, False)
            version, changed = self._add(connection, found, by.strip(), because.strip())
            added = rows.get(connection, version)
        return Published(added, True, found.recorded, found.left_out, changed)

    def versions(self, model: str | None = None, company: str | None = None) -> list[Version]:
        """All versions in the order in which they were published."""
        with self._database.reading() as connection:
            return [] if connection is None else rows.select(connection, model=model, company=company)

    def get(self, number: str) -> Version:
        """Return the version with a document number; ``company/number`` where several companies have it.

        Raises
        ------
        InputError
            If there is none, or more than one.
        """
        with self._database.reading() as connection:
            return self._get(connection, number)

    def latest(
        self, model: str, *, company: str = "", start: str | None = None, approved_only: bool = True
    ) -> Version | None:
        """Return the version in force, or without ``approved_only`` the last one proposed if that is later.

        Parameters
        ----------
        model, company : str
        start : str, optional
            First month of the plan; by default the latest that is published.
        """
        known = [v for v in self.versions(model, company) if start is None or v.start == start]
        if start is None and known:
            known = [v for v in known if v.start == max(v.start for v in known)]
        states = ("approved",) if approved_only else ("approved", "proposed")
        return next((v for v in reversed(known) if v.state in states), None)

    def restore(self, version: Version | str, folder: str | Path) -> None:
        """Write a version's run folder as it was published.

        Raises
        ------
        InputError
            If there is no such version, or the place holds something that is no run.
        EngineError
            If it cannot be read or written, or its contents are not what was published.
        """
        check_place(Path(folder))
        with self._database.reading() as connection:
            known = self._resolved(connection, version)
            assert connection is not None
            with replacing(Path(folder)) as place:
                contents.write(connection, known, place)

    @contextmanager
    def opened(self, version: Version | str) -> Iterator[Path]:
        """Give a version's run folder for a while."""
        with tempfile.TemporaryDirectory(prefix="allocator-") as place:
            folder = Path(place) / "run"
            self.restore(version, folder)
            yield folder

    def plan(self, version: Version | str) -> Plan:
        """Return a version as a plan: model, summary and all tables (``quotas``, ``visits`` …), numbers as published, all else text."""
        with self.opened(version) as folder:
            return published_plan(folder)

    def diff(self, before: Version | str, after: Version | str) -> VersionDiff:
        """Compare two versions: what differs in their inputs and in what they ask and spend."""
        old, new = (v if isinstance(v, Version) else self.get(v) for v in (before, after))
        return differences(old, self.plan(old), new, self.plan(new))

    def approve(
        self, version: Version | str, *, person: str, role: str, agrees: bool = True, because: str = ""
    ) -> Version:
        """Add a person's vote on a version, and return the version with the state that it brings.

        Raises
        ------
        InputError
            If the version is decided, the person has voted or does not vote for the role, or a refusal has no reason.
        EngineError
            If the registry cannot be written; it is then as it was.
        """
        if not agrees and not because.strip():
            raise refused(self.name, _("Say why it is refused, with --because."))
        with self._database.writing() as connection:
            known = self._resolved(connection, version)
            vote = self._vote(known, person.strip(), role.strip(), agrees, because.strip())
            connection.execute(sa.insert(VOTES).values(version=known.id, **{**vars(vote), "agrees": int(agrees)}))
            state = outcome(counted(known.needs, [*known.votes, vote]))
            if state == "approved":
                self._supersede(connection, known, "approved", vote.at)
            if state != "proposed":
                self._enter(connection, known.id, state, vote.at)
            return rows.get(connection, known.id)

    def verify(self) -> list[str]:
        """Hash all contents again, and return a sentence for each version that is not what was published."""
        with self._database.reading() as connection:
            if connection is None:
                return []
            return [s for v in rows.select(connection) if (s := contents.wrong(connection, v)) is not None]

    def _get(self, connection: Connection | None, number: str) -> Version:
        known = [] if connection is None else rows.select(connection)
        company, _slash, wanted = number.rpartition("/")
        found = [v for v in known if v.number == wanted and (not company or v.company == company)]
        if len(found) > 1:
            listed = _(", ").join(v.full_number for v in found)
            says = _("Several companies have a version {number}. Name one of: {versions}.")
            raise refused(self.name, says.format(number=number, versions=listed))
        if not found:
            says = _("There is no version {number} in {place}.").format(number=number, place=self.name)
            raise refused(self.name, says + did_you_mean(number, [v.number for v in known]))
        return found[0]

    def _resolved(self, connection: Connection | None, version: Version | str) -> Version:
        number = version.full_number if isinstance(version, Version) else version
        return self._get(connection, number)

    def _last(self, connection: Connection, found: Candidate) -> Version | None:
        settings = found.model.settings
        known = rows.select(connection, model=found.model.name, company=settings.company, start=settings.start)
        return known[-1] if known else None

    def _add(self, connection: Connection, found: Candidate, by: str, because: str) -> tuple[int, bool]:
        """Add a version with all that belongs to it; return its id and whether the rules of approval are others."""
        settings, at = found.model.settings, dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
        year = dt.datetime.fromisoformat(at).astimezone().year
        line = rows.select(connection, model=found.model.name, company=settings.company, start=settings.start)
        force = next((v for v in reversed(line) if v.state == "approved"), None)
        moved, asked, changed = self._asked(connection, found, force)
        version = int(connection.scalar(sa.select(sa.func.max(VERSIONS.c.id))) or 0) + 1
        same = (VERSIONS.c.company == settings.company, VERSIONS.c.prefix == settings.documents)
        serials = sa.select(sa.func.max(VERSIONS.c.serial)).where(*same, VERSIONS.c.year == year)
        values = {
            "id": version,
            "company": settings.company,
            "model": found.model.name,
            "start": settings.start,
            "prefix": settings.documents,
            "year": year,
            "serial": (connection.scalar(serials) or 0) + 1,
            "title": settings.title,
            "scenarios": json.dumps(found.summary.get("scenarios") or [], ensure_ascii=False),
            "published_at": at,
            "published_by": by,
            "because": because,
            "replaces": None if force is None else force.id,
            "moved": moved,
            "inputs_sha256": found.model.sha256,
            "content_sha256": found.sha256,
        }
        connection.execute(sa.insert(VERSIONS).values(values))
        contents.add(connection, version, found)
        for k, need in enumerate(asked):
            voters = json.dumps(need.voters, ensure_ascii=False)
            row = {"version": version, "need": k, "role": need.role, "needed": need.needed, "voters": voters}
            connection.execute(sa.insert(NEEDS).values(row))
        self._enter(connection, version, "proposed", at)
        added = rows.get(connection, version)
        self._supersede(connection, added, "proposed", at)
        if not asked:
            self._supersede(connection, added, "approved", at)
            self._enter(connection, version, "approved", at)
        return version, changed

    def _asked(
        self, connection: Connection, found: Candidate, force: Version | None
    ) -> tuple[float | None, list[Need], bool]:
        """How much of the quotas moves, and the votes needed: by the new model's rules and by those in force."""
        moved, model = None, found.model
        if force is not None:
            before = contents.table(connection, force, "quotas")
            moved = share_moved(before, run_tables(found.folder)["quotas"])
        asked = needs(model["approvals"], model["voters"], moved)
        changed = False
        if force is not None:
            approvals, voters = (
                contents.table(connection, force, f"{MODEL}/{name}") for name in ("approvals", "voters")
            )
            earlier = needs(approvals, voters, moved)
            changed = earlier != asked
            asked = both(asked, earlier)
        for need in asked:
            if len(need.voters) < need.needed:
                says = _("{count} votes of {role} are needed, and voters names {voters} who have them. Add who votes.")
                raise refused("voters", says.format(count=need.needed, role=need.role, voters=len(need.voters)))
        return moved, asked, changed

    def _vote(self, version: Version, person: str, role: str, agrees: bool, because: str) -> Vote:
        """A vote that may be cast."""
        if version.state != "proposed":
            says = _("{number} is {state} already; no vote is needed.").format(
                number=version.number, state=version.state_in_words
            )
            raise refused(self.name, says)
        roles = sorted({need.role for need in version.needs})
        found = [r for r in roles if role in (r, *r.split())]
        if len(found) != 1:
            says = _("{number} needs votes of: {roles}; {role} is none of them.").format(
                number=version.number, roles=_(", ").join(roles), role=role
            )
            raise refused(self.name, says + did_you_mean(role, roles))
        voters = sorted({p for need in version.needs if need.role == found[0] for p in need.voters})
        people = [p for p in voters if person in (p, *p.split())]
        if person in people:
            people = [person]
        if len(people) != 1:
            says = _("{person} does not vote for {role}. Who does: {voters}.").format(
                person=person, role=found[0], voters=_(", ").join(voters)
            )
            raise refused(self.name, says + did_you_mean(person, voters))
        if people[0] in {vote.person for vote in version.votes}:
            says = _("{person} has voted on {number} already. A vote is not taken back.")
            raise refused(self.name, says.format(person=people[0], number=version.number))
        at = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
        return Vote(people[0], found[0], agrees, because, at)

    def _supersede(self, connection: Connection, version: Version, state: str, at: str) -> None:
        """Let a version take the place of those of its line that are in a state."""
        line = rows.select(connection, model=version.model, company=version.company, start=version.start)
        for other in line:
            if other.id != version.id and other.state == state:
                self._enter(connection, other.id, "superseded", at, version.id)

    def _enter(self, connection: Connection, version: int, state: str, at: str, by: int | None = None) -> None:
        steps = sa.select(sa.func.count()).select_from(STATES).where(STATES.c.version == version)
        step = int(connection.scalar(steps) or 0)
        connection.execute(sa.insert(STATES).values(version=version, state=state, step=step, at=at, by=by))
