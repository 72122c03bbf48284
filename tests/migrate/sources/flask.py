"""Flask-SQLAlchemy, configured in the ways that its documentation and its users show."""

from __future__ import annotations

from tests.migrate.sources.base import source

FLASK = {
    "flask in one file": source(
        "app.py",
        """
        from flask import Flask
        from flask_sqlalchemy import SQLAlchemy

        app = Flask(__name__)
        app.config["SECRET_KEY"] = "SECRET"
        app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///project.db"
        app.config["SQLALCHEMY_TRACK_MODIFICATIONS"] = False
        db = SQLAlchemy(app)
        """,
    ),
    "flask with binds": source(
        "config.py",
        """
        SQLALCHEMY_DATABASE_URI = "postgresql://app:SECRET@db.internal/main"
        SQLALCHEMY_BINDS = {
            "users": "mysql+mysqldb://app:SECRET@localhost/users",
            "meta": {"url": "sqlite:////var/lib/app/meta.db", "echo": True},
        }
        SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 10, "pool_recycle": 120, "pool_pre_ping": True}
        """,
        "postgresql+asyncpg://app@db.internal/main",
        "mysql+aiomysql://app@localhost/users",
    ),
    "flask with a class for each environment": source(
        "config.py",
        """
        import os

        basedir = os.path.abspath(os.path.dirname(__file__))


        class Config:
            SECRET_KEY = os.environ.get("SECRET_KEY") or "SECRET"
            SQLALCHEMY_DATABASE_URI = os.environ.get("DATABASE_URL") or "sqlite:///" + os.path.join(basedir, "app.db")
            SQLALCHEMY_POOL_TIMEOUT = 20
            SQLALCHEMY_MAX_OVERFLOW = 2


        class TestingConfig(Config):
            SQLALCHEMY_DATABASE_URI = "sqlite://"


        class ProductionConfig(Config):
            SQLALCHEMY_DATABASE_URI = os.environ["PRODUCTION_DATABASE_URL"]
        """,
    ),
    "flask with an f-string": source(
        "settings.py",
        """
        from os import environ
        from urllib.parse import quote_plus

        DB_USER = environ.get("DB_USER", "app")
        DB_PASS = quote_plus(environ["DB_PASS"])
        DB_HOST = environ.get("DB_HOST", "localhost")

        SQLALCHEMY_DATABASE_URI = f"postgresql+psycopg2://{DB_USER}:{DB_PASS}@{DB_HOST}:5432/shop"
        SQLALCHEMY_ECHO = False
        """,
    ),
    "flask from a mapping": source(
        "factory.py",
        """
        def create_app():
            app = Flask(__name__)
            app.config.from_mapping(
                SQLALCHEMY_DATABASE_URI="mysql://{}:{}@{}/shop".format("app", "SECRET", "db.internal"),
                SQLALCHEMY_ENGINE_OPTIONS={
                    "poolclass": NullPool,
                    "isolation_level": "READ_COMMITTED",
                    "connect_args": {"connect_timeout": 5, "charset": "utf8mb4"},
                },
            )
            return app
        """,
        "mysql+aiomysql://app@db.internal/shop",
    ),
}
