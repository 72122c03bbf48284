"""Settings modules of Django."""

from __future__ import annotations

from tests.migrate.sources.base import source

DJANGO = {
    "django with sqlite": source(
        "settings.py",
        """
        from pathlib import Path

        BASE_DIR = Path(__file__).resolve().parent.parent
        SECRET_KEY = "django-insecure-SECRET"

        DATABASES = {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": BASE_DIR / "db.sqlite3",
                "OPTIONS": {"timeout": 20},
            }
        }
        """,
    ),
    "django with postgresql": source(
        "settings.py",
        """
        import os

        DATABASES = {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "shop",
                "USER": "app",
                "PASSWORD": "SECRET",
                "HOST": "db.internal",
                "PORT": "5432",
                "CONN_MAX_AGE": 60 * 10,
                "CONN_HEALTH_CHECKS": True,
                "ATOMIC_REQUESTS": True,
                "OPTIONS": {
                    "sslmode": "verify-full",
                    "sslrootcert": "/etc/ssl/db-ca.pem",
                    "options": "-c statement_timeout=5000",
                },
            }
        }
        """,
        "postgresql+asyncpg://app@db.internal:5432/shop",
    ),
    "django by the environment": source(
        "config/settings/base.py",
        """
        import os

        DATABASES = {
            "default": {
                "ENGINE": os.environ.get("DB_ENGINE", "django.db.backends.postgresql"),
                "NAME": os.environ.get("DB_NAME", "shop"),
                "USER": os.environ["DB_USER"],
                "PASSWORD": os.environ["DB_PASSWORD"],
                "HOST": os.getenv("DB_HOST", default="localhost"),
                "PORT": os.getenv("DB_PORT", "5432"),
            },
            "reports": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": os.environ.get("REPORTS_NAME") or "reports",
                "USER": os.environ["DB_USER"],
                "PASSWORD": os.environ["DB_PASSWORD"],
                "HOST": os.getenv("DB_HOST", default="localhost"),
                "PORT": int(os.getenv("DB_PORT", "5432")),
                "CONN_MAX_AGE": None,
            },
        }
        """,
    ),
    "django with a replica and a router": source(
        "settings.py",
        """
        DATABASES = {
            "default": {
                "ENGINE": "django.db.backends.mysql",
                "NAME": "shop",
                "USER": "app",
                "PASSWORD": "SECRET",
                "HOST": "mysql.internal",
                "PORT": 3306,
                "OPTIONS": {"charset": "utf8mb4", "init_command": "SET sql_mode='STRICT_TRANS_TABLES'"},
                "CONN_MAX_AGE": 0,
            },
            "replica": {
                "ENGINE": "django.db.backends.mysql",
                "NAME": "shop",
                "USER": "ro",
                "PASSWORD": "SECRET",
                "HOST": "mysql-ro.internal",
                "TEST": {"MIRROR": "default"},
            },
        }
        DATABASE_ROUTERS = ["shop.routers.ReplicaRouter"]
        """,
        "mysql+aiomysql://app@mysql.internal:3306/shop",
        "mysql+aiomysql://ro@mysql-ro.internal/shop",
    ),
    "django-environ": source(
        "settings.py",
        """
        import environ

        env = environ.Env(DEBUG=(bool, False))
        environ.Env.read_env(".env")

        DATABASES = {
            "default": env.db(),
            "extra": env.db_url("EXTRA_DATABASE_URL", default="sqlite:////tmp/my-tmp-sqlite.db"),
        }
        """,
    ),
    "dj-database-url": source(
        "settings.py",
        """
        import dj_database_url

        DATABASES = {
            "default": dj_database_url.config(
                default="postgres://app:SECRET@localhost/shop", conn_max_age=600, conn_health_checks=True
            ),
            "legacy": dj_database_url.parse("mysql://old:SECRET@legacy.internal/old"),
        }
        """,
    ),
    "django with a pool": source(
        "settings.py",
        """
        from decouple import config

        DATABASES = {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": config("DB_NAME", default="shop"),
                "USER": config("DB_USER"),
                "PASSWORD": config("DB_PASSWORD"),
                "HOST": config("DB_HOST", default="localhost"),
                "OPTIONS": {"pool": {"min_size": 2, "max_size": 10, "timeout": 5}, "isolation_level": "serializable"},
            },
            "warehouse": {"ENGINE": "django.db.backends.oracle", "NAME": "DWH", "PASSWORD": "SECRET"},
        }
        if True:
            DATABASES["default"]["HOST"] = "elsewhere"
        """,
    ),
}
