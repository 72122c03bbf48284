"""The `db` commands: Alembic for every profile."""
