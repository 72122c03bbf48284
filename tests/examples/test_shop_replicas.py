"""The shop in production, on a primary with two replicas: what only reads is answered by a replica (contract C11.2)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.clusters.postgresql import PostgresqlCluster
from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, child_environment

PROGRAM = """
import asyncio

import app_starlette
import httpx
from shop.database import data
from shop.models import Item
from sqlalchemy import text


async def stock():
    async with data.session() as session:
        session.add(Item(name="apple", price=40, stock=3))


async def main():
    app = app_starlette.app
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url="http://shop")
    async with app.router.lifespan_context(app), client:
        while sorted(host.role for host in data.cluster("main").hosts) != ["primary", "replica", "replica"]:
            await asyncio.sleep(0.05)
        await asyncio.create_task(stock())
        app_starlette.goods = where
        print("a replica answers /items:", (await client.get("/items")).json())
        answer = await client.post("/orders", json={"item": "apple", "quantity": 2, "email": "ada@example.org"})
        print("an order:", answer.status_code, answer.json())


async def where(session):
    return await session.scalar(text("SELECT pg_is_in_recovery()"))


asyncio.run(main())
"""


def test_a_replica_answers_what_only_reads(cluster: PostgresqlCluster, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    shop = shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop", ignore=ignored)
    (shop / ".git").mkdir()
    (shop / "program.py").write_text(PROGRAM, encoding="utf-8")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=shop,
            env=child_environment() | variables,
            capture_output=True,
            encoding="utf-8",
            timeout=2 * RUN_TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with cluster.database() as main, cluster.database() as analytics:
        variables = in_place_of_production(cluster, main, analytics)
        assert run("-m", "myfy_data", "db", "upgrade", "--all").count("base -> 0001") == 2
        cluster.await_replicas()
        said = run("program.py").splitlines()

    assert said[0] == "a replica answers /items: True"
    assert 'an order: 201 {"order": 1}' in [line.replace("'", '"') for line in said]


def in_place_of_production(cluster: PostgresqlCluster, main: str, analytics: str) -> dict[str, str]:
    """The servers of this machine in the place of those that the overlay names; all else is the overlay's."""
    prefix = "MYFY_DATA_PROFILES__"
    return {
        "MYFY_DATA_ENVIRONMENT": "production",
        "DB_PASSWORD": "no server here asks for it",
        f"{prefix}MAIN__DATABASE_URL": f"postgresql+asyncpg://postgres@/{main}",
        f"{prefix}MAIN__HOSTS": ",".join(cluster.addresses),
        f"{prefix}MAIN__TLS": "disable",
        f"{prefix}MAIN__READS__MAX_LAG": "600",  # however busy the machine is
        f"{prefix}ANALYTICS__DATABASE_URL": f"postgresql+asyncpg://postgres@{cluster.n1.address}/{analytics}",
        f"{prefix}ANALYTICS__TLS": "disable",
    }
