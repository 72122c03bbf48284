"""`alembic.ini` and `env.py`."""

from __future__ import annotations

from tests.migrate.sources.base import source

ALEMBIC = {
    "alembic.ini": source(
        "alembic.ini",
        """
        # A generic, single database configuration.

        [alembic]
        script_location = %(here)s/alembic
        prepend_sys_path = .
        version_path_separator = os
        sqlalchemy.url = postgresql+psycopg2://app:SECRET%%40x@db.internal/shop
        sqlalchemy.pool_size = 3

        [loggers]
        keys = root,sqlalchemy,alembic
        """,
        "postgresql+asyncpg://app@db.internal/shop",
    ),
    "alembic.ini with several databases": source(
        "alembic.ini",
        """
        [alembic]
        script_location = alembic
        databases = engine1, engine2

        [engine1]
        sqlalchemy.url = mysql://app:SECRET@one.internal/shop

        [engine2]
        sqlalchemy.url = sqlite:///two.db
        """,
    ),
    "alembic.ini with a variable": source(
        "alembic.ini",
        """
        [alembic]
        script_location = migrations
        sqlalchemy.url = postgresql://%(DB_USER)s:%(DB_PASS)s@%(DB_HOST)s/shop
        """,
    ),
    "env.py": source(
        "alembic/env.py",
        """
        import os

        from alembic import context

        config = context.config
        config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"])


        def run_migrations_online():
            with connectable.connect() as connection:
                context.configure(connection=connection, target_metadata=None, version_table="schema_version")
        """,
    ),
}
