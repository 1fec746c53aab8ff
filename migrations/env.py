"""Run by alembic, which is called from pbxapi.store.migrate: the engine comes with the configuration."""

from __future__ import annotations

from alembic import context

from pbxapi.store.tables import metadata

with context.config.attributes["engine"].begin() as connection:
    # SQLite cannot alter a column in place; batch mode copies the table.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
