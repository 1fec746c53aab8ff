"""Alembic migrations of pbxapi's own tables, never of a table of the exchange."""
