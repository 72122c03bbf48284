"""Files of variables: one URL, several, parts, and settings of the upstream package."""

from __future__ import annotations

from tests.migrate.sources.base import source

_SHOP = "postgresql+asyncpg://app@db.internal:5432/shop"

VARIABLES = {
    "one url": source(".env", "DATABASE_URL=postgresql://app:SECRET@db.internal:5432/shop\n", _SHOP),
    "heroku": source(
        ".env",
        """
        # Heroku sets this one
        PORT=8000
        DATABASE_URL=postgres://app:SECRET@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d8r82722?sslmode=require
        REDIS_URL=redis://:SECRET@redis.internal:6379/0
        """,
        "postgresql+asyncpg://app@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d8r82722",
    ),
    "neon": source(
        ".env.production",
        "export DATABASE_URL='postgresql://app:SECRET@ep-cool-1.eu-central-1.aws.neon.tech/neondb"
        "?sslmode=require&channel_binding=require'\n",
        "postgresql+asyncpg://app@ep-cool-1.eu-central-1.aws.neon.tech/neondb",
    ),
    "supabase with prisma": source(
        ".env",
        """
        # Connect to Supabase via connection pooling.
        DATABASE_URL="postgresql://postgres.abc:SECRET@aws-0.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=4"
        # Direct connection to the database. Used for migrations.
        DIRECT_URL="postgresql://postgres.abc:SECRET@aws-0.pooler.supabase.com:5432/postgres"
        """,
        "postgresql+asyncpg://postgres.abc@aws-0.pooler.supabase.com:6543/postgres",
    ),
    "planetscale": source(
        ".env",
        """DATABASE_URL='mysql://u1:SECRET@aws.connect.psdb.cloud/shop?ssl={"rejectUnauthorized":true}'\n""",
        "mysql+aiomysql://u1@aws.connect.psdb.cloud/shop",
    ),
    "two urls and a test": source(
        ".env",
        """
        DATABASE_URL=postgresql+psycopg2://app:SECRET@db.internal:5432/shop
        ANALYTICS_DATABASE_URL=mysql+pymysql://ro:SECRET@dwh.internal:3306/dwh?charset=utf8mb4
        """,
        _SHOP,
        "mysql+aiomysql://ro@dwh.internal:3306/dwh?charset=utf8mb4",
    ),
    "parts of laravel": source(
        ".env",
        """
        APP_NAME=Shop
        APP_KEY=base64:SECRET

        DB_CONNECTION=mysql
        DB_HOST=127.0.0.1
        DB_PORT=3306
        DB_DATABASE=shop
        DB_USERNAME=root
        DB_PASSWORD=SECRET
        """,
        "mysql+aiomysql://root@127.0.0.1:3306/shop",
    ),
    "postgres of docker compose": source(
        ".env",
        """
        POSTGRES_USER=app
        POSTGRES_PASSWORD=SECRET
        POSTGRES_DB=shop
        POSTGRES_SERVER=localhost
        POSTGRES_PORT=5432
        POSTGRES_INITDB_ARGS=--data-checksums
        """,
        "postgresql+asyncpg://app@localhost:5432/shop",
    ),
    "url made of the other variables": source(
        ".env",
        """
        POSTGRES_USER=app
        POSTGRES_PASSWORD=SECRET
        POSTGRES_DB=shop
        DATABASE_URL=postgresql+asyncpg://${POSTGRES_USER}:${POSTGRES_PASSWORD}@localhost:5432/${POSTGRES_DB}
        """,
    ),
    "variables of libpq": source(
        "database.env",
        """
        PGHOST=/var/run/postgresql
        PGDATABASE=shop
        PGUSER=app
        PGPASSWORD=SECRET
        PGSSLMODE=disable
        PGAPPNAME=shop-web
        """,
        "postgresql+asyncpg://app@/var/run/postgresql/shop",
    ),
    "sqlite and tuning": source(
        ".env",
        """
        SQLALCHEMY_DATABASE_URI=sqlite:///./shop.db
        SQLALCHEMY_ECHO=true
        SQLALCHEMY_POOL_SIZE=3
        """,
    ),
    "upstream of myfy": source(
        ".env",
        """
        MYFY_DATA_DATABASE_URL=postgresql+asyncpg://app:SECRET@db.internal:5432/shop
        MYFY_DATA_ECHO=false
        MYFY_DATA_POOL_SIZE=10
        MYFY_DATA_MAX_OVERFLOW=20
        MYFY_DATA_POOL_TIMEOUT=30.0
        MYFY_DATA_POOL_RECYCLE=1800
        MYFY_DATA_POOL_PRE_PING=true
        MYFY_DATA_ENVIRONMENT=production
        """,
        _SHOP,
    ),
    "upstream of myfy on sqlite": source(
        ".env",
        """
        MYFY_DATA_DATABASE_URL=sqlite+aiosqlite:///./data/app.db
        MYFY_DATA_POOL_SIZE=5
        MYFY_DATA_COLOUR=red
        """,
    ),
}
