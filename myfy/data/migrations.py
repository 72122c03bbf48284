"""Migrations, at the place where upstream's package has them."""

from __future__ import annotations

from myfy_data.migrations import MigrationManager, create_alembic_env_template

__all__ = ["MigrationManager", "create_alembic_env_template"]
