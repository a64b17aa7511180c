"""Versions with their files, needs, votes and states; triggers that keep every row as it is.

A migration says what it makes by itself: what the tables are later must not change it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEYS = {
    "plan_versions": [["id"], ["company", "prefix", "year", "serial"]],
    "plan_files": [["version", "path"]],
    "plan_parts": [["sha256", "part"]],
    "plan_needs": [["version", "need"]],
    "plan_votes": [["version", "person"]],
    "plan_states": [["version", "state"], ["version", "step"]],
}
SAYS = "A registry of plans is only ever added to."
SEALED = ("plan_files", "plan_needs")
"""Tables that get no more rows of a version once it has a state."""


def upgrade() -> None:
    """Make the tables and their triggers."""
    _make_versions()
    _make_contents()
    _make_decisions()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _text(name: str, length: int | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), sa.ForeignKey("plan_versions.id"), nullable=False)


def _make_versions() -> None:
    op.create_table(
        "plan_versions",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        *(_text("company"), _text("model"), _text("start", 7), _text("prefix"), _whole("year"), _whole("serial")),
        *(_text("title"), _text("scenarios"), _text("published_at", 32), _text("published_by"), _text("because")),
        sa.Column("replaces", sa.Integer(), sa.ForeignKey("plan_versions.id")),
        sa.Column("moved", sa.Float()),
        *(_text("inputs_sha256", 64), _text("content_sha256", 64)),
        sa.UniqueConstraint("company", "prefix", "year", "serial"),
    )


def _make_contents() -> None:
    op.create_table(
        "plan_files",
        *(_version(), _text("path"), _text("sha256", 64), sa.Column("size", sa.BigInteger(), nullable=False)),
        sa.PrimaryKeyConstraint("version", "path"),
    )
    op.create_table(
        "plan_parts",
        *(_text("sha256", 64), _whole("part"), sa.Column("data", sa.LargeBinary(), nullable=False)),
        sa.PrimaryKeyConstraint("sha256", "part"),
    )


def _make_decisions() -> None:
    op.create_table(
        "plan_needs",
        *(_version(), _whole("need"), _text("role"), _whole("needed"), _text("voters")),
        sa.PrimaryKeyConstraint("version", "need"),
    )
    op.create_table(
        "plan_votes",
        *(_version(), _text("person"), _text("role"), _whole("agrees"), _text("because"), _text("at", 32)),
        sa.PrimaryKeyConstraint("version", "person"),
    )
    op.create_table(
        "plan_states",
        *(_version(), _text("state", 16), _whole("step"), _text("at", 32)),
        sa.Column("by", sa.Integer(), sa.ForeignKey("plan_versions.id")),
        sa.PrimaryKeyConstraint("version", "state"),
        sa.UniqueConstraint("version", "step"),
    )


def _guard_sqlite() -> None:
    for table, keys in KEYS.items():
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_{act.lower()} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
            )
        # INSERT OR REPLACE takes rows out without asking the trigger of DELETE.
        same = " OR ".join("(" + " AND ".join(f'"{c}" = NEW."{c}"' for c in key) + ")" for key in keys)
        op.execute(
            f"CREATE TRIGGER {table}_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
        )
    for table in SEALED:
        op.execute(
            f"CREATE TRIGGER {table}_sealed BEFORE INSERT ON {table} "
            "WHEN EXISTS (SELECT 1 FROM plan_states WHERE version = NEW.version) "
            f"BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION plan_only_added() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{SAYS}'; END $$"
    )
    for table in KEYS:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION plan_only_added()"
        )
    op.execute(
        "CREATE FUNCTION plan_sealed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM plan_states WHERE version = NEW.version) "
        f"THEN RAISE EXCEPTION '{SAYS}'; END IF; RETURN NEW; END $$"
    )
    for table in SEALED:
        op.execute(
            f"CREATE TRIGGER {table}_sealed BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION plan_sealed()"
        )
