"""Modules that make engines, with SQLAlchemy alone or with advanced-alchemy."""

from __future__ import annotations

from tests.migrate.sources.base import source

ALCHEMY = {
    "plain sqlalchemy": source(
        "database.py",
        """
        from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

        DATABASE_URL = "postgresql+asyncpg://app:SECRET@db.internal/shop"

        engine = create_async_engine(
            DATABASE_URL,
            pool_size=20,
            max_overflow=0,
            pool_use_lifo=True,
            isolation_level="REPEATABLE READ",
            connect_args={"statement_cache_size": 0, "server_settings": {"jit": "off", "application_name": "shop"}},
        )
        session = async_sessionmaker(engine, expire_on_commit=False)
        """,
        "postgresql+asyncpg://app@db.internal/shop",
    ),
    "fastapi of the tutorial": source(
        "sql_app/database.py",
        """
        from sqlalchemy import create_engine
        from sqlalchemy.orm import sessionmaker

        SQLALCHEMY_DATABASE_URL = "sqlite:///./sql_app.db"
        # SQLALCHEMY_DATABASE_URL = "postgresql://user:password@postgresserver/db"

        engine = create_engine(SQLALCHEMY_DATABASE_URL, connect_args={"check_same_thread": False})
        SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)
        """,
    ),
    "two engines": source(
        "db.py",
        """
        import os

        from sqlalchemy import create_engine

        engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True, future=True)
        analytics_engine = create_engine(
            "mysql+pymysql://ro:SECRET@dwh.internal/dwh", pool_recycle=3600, echo=bool(os.getenv("SQL_ECHO"))
        )
        """,
    ),
    "url from parts": source(
        "db.py",
        """
        from sqlalchemy import URL
        from sqlalchemy.ext.asyncio import create_async_engine

        from app.settings import settings

        url = URL.create(
            "postgresql+psycopg2",
            username="app",
            password="SECRET",
            host="db.internal",
            port=5432,
            database="shop",
            query={"target_session_attrs": "read-write"},
        )
        engine = create_async_engine(url, json_serializer=dumps, pool_size=settings.pool_size)
        """,
        "postgresql+asyncpg://app@db.internal:5432/shop?target_session_attrs=read-write",
    ),
    "advanced-alchemy": source(
        "config.py",
        """
        from advanced_alchemy.config import AlembicAsyncConfig, AsyncSessionConfig, EngineConfig, SQLAlchemyAsyncConfig

        session_config = AsyncSessionConfig(expire_on_commit=False)
        alchemy_config = SQLAlchemyAsyncConfig(
            connection_string="postgresql+asyncpg://app:SECRET@db.internal:5432/shop",
            session_config=session_config,
            engine_config=EngineConfig(pool_size=8, pool_timeout=15, echo=True, pool_pre_ping=True),
            alembic_config=AlembicAsyncConfig(version_table_name="ddl_version", script_location="migrations"),
            create_all=True,
        )
        """,
        "postgresql+asyncpg://app@db.internal:5432/shop",
    ),
    "advanced-alchemy with two binds": source(
        "config.py",
        """
        import os

        alchemy_configs = [
            SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///main.sqlite", commit_mode="autocommit"),
            SQLAlchemyAsyncConfig(bind_key="audit", connection_string=os.environ["AUDIT_URL"]),
            SQLAlchemyAsyncConfig(bind_key="odd", connection_string=make_url_somehow()),
        ]
        """,
    ),
}
