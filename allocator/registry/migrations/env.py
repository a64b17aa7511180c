"""What Alembic runs to migrate a registry: on the connection, and inside the transaction, that it is given."""

from __future__ import annotations

from alembic import context

from allocator.registry.tables import METADATA, SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=SCHEMA,
    transaction_per_migration=False,
)
context.run_migrations()
