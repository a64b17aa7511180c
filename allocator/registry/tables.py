"""Tables of a registry as its newest migration leaves them. Rows are added and never changed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

SCHEMA = "plan_schema"
"""Table in which Alembic keeps which migration was the last."""

VERSIONS = Table(
    "plan_versions",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("company", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("start", String(7), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("scenarios", Text, nullable=False),
    Column("published_at", String(32), nullable=False),
    Column("published_by", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("replaces", Integer, ForeignKey("plan_versions.id")),
    Column("moved", Float),
    Column("inputs_sha256", String(64), nullable=False),
    Column("content_sha256", String(64), nullable=False),
    UniqueConstraint("company", "prefix", "year", "serial"),
)

FILES = Table(
    "plan_files",
    METADATA,
    Column("version", Integer, ForeignKey("plan_versions.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
)

PARTS = Table(
    "plan_parts",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)
"""Contents of files, each content once, in compressed parts."""

NEEDS = Table(
    "plan_needs",
    METADATA,
    Column("version", Integer, ForeignKey("plan_versions.id"), primary_key=True),
    Column("need", Integer, primary_key=True, autoincrement=False),
    Column("role", Text, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("voters", Text, nullable=False),
)
"""Votes that a version needs, found when it was published; ``voters`` is a JSON list."""

VOTES = Table(
    "plan_votes",
    METADATA,
    Column("version", Integer, ForeignKey("plan_versions.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("agrees", Integer, nullable=False),
    Column("because", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

STATES = Table(
    "plan_states",
    METADATA,
    Column("version", Integer, ForeignKey("plan_versions.id"), primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("step", Integer, nullable=False),
    Column("at", String(32), nullable=False),
    Column("by", Integer, ForeignKey("plan_versions.id")),
    UniqueConstraint("version", "step"),
)
"""What became of a version, step by step; ``by`` is the version that superseded it."""
