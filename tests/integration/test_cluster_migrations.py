"""Migrations of a profile with several servers go to the primary, wherever it stands in the list (contract C11.5)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.clusters.mariadb import MariaCluster, MariaNode
from tests.clusters.node import Node
from tests.clusters.postgresql import PostgresqlCluster
from tests.migrating import WAIT_LIMIT
from tests.sandbox import Sandbox

REVISION = '''"""a table"""
from alembic import op
import sqlalchemy as sa
revision, down_revision, branch_labels, depends_on = "001", None, None, None
def upgrade(): op.create_table("made", sa.Column("id", sa.Integer, primary_key=True))
def downgrade(): op.drop_table("made")
'''


def db(project: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "myfy_data", "db", *words]
    return subprocess.run(command, cwd=project.path, capture_output=True, text=True, timeout=WAIT_LIMIT, check=False)


def several(project: Sandbox, addresses: list[str], url: str, timeout: float = 60.0) -> None:
    hosts = ", ".join(f'"{address}"' for address in addresses)
    project.write(
        "myfy.toml",
        f'[data.profiles.main]\ndatabase_url = "{url}"\nhosts = [{hosts}]\n'
        f"cluster = {{ heartbeat = 0.5, failover_timeout = {timeout} }}\n",
    )
    assert db(project, "init").returncode == 0
    project.write("migrations/main/versions/001_made.py", REVISION)


@pytest.mark.postgresql
def test_an_upgrade_finds_the_primary_behind_replicas(cluster: PostgresqlCluster, project: Sandbox) -> None:
    with cluster.database() as database:
        several(
            project, [cluster.n2.address, cluster.n3.address, cluster.n1.address], f"postgresql://postgres@/{database}"
        )

        upgraded = db(project, "upgrade")
        current = db(project, "current")

    assert (upgraded.returncode, upgraded.stderr) == (0, "")
    assert "001" in current.stdout, current


@pytest.mark.mysql
def test_an_upgrade_finds_mariadbs_primary_behind_its_replica(maria: MariaCluster, project: Sandbox) -> None:
    with maria.database() as database:
        several(project, maria.addresses[::-1], f"mysql://app@/{database}")

        upgraded = db(project, "upgrade")
        current = db(project, "current")

    assert (upgraded.returncode, upgraded.stderr) == (0, "")
    assert "001" in current.stdout, current


@pytest.mark.postgresql
def test_without_a_primary_an_upgrade_names_every_server(cluster: PostgresqlCluster, project: Sandbox) -> None:
    with cluster.database() as database:
        url = f"postgresql://postgres@/{database}"
        several(project, [cluster.n2.address, cluster.n3.address], url, timeout=3.0)

        upgraded = db(project, "upgrade")

    assert upgraded.returncode != 0
    assert "no primary within 3 s" in upgraded.stderr, upgraded
    assert cluster.n2.address in upgraded.stderr
    assert cluster.n3.address in upgraded.stderr


def lead_to(project: Sandbox, node: Node | MariaNode, database: str) -> None:
    project.write("myfy.toml", f'[data.profiles.main]\ndatabase_url = "{node.url(database)}"\n')


def single(project: Sandbox, node: Node | MariaNode, database: str) -> None:
    lead_to(project, node, database)
    assert db(project, "init").returncode == 0
    project.write("migrations/main/versions/001_made.py", REVISION)


@pytest.mark.parametrize("words", [("upgrade",), ("stamp", "head"), ("downgrade", "-1")])
def test_one_server_that_is_a_replica_is_refused(
    cluster: PostgresqlCluster, project: Sandbox, words: tuple[str, ...]
) -> None:
    with cluster.database() as database:
        single(project, cluster.n2, database)

        refused = db(project, *words)

    assert refused.returncode == 1
    assert f"127.0.0.1:{cluster.n2.port} takes no writes: it is a replica" in refused.stderr
    assert "fix: give profiles.main.database_url the primary" in refused.stderr


def test_a_replica_may_be_looked_at_and_has_nothing_to_do_at_head(cluster: PostgresqlCluster, project: Sandbox) -> None:
    with cluster.database() as database:
        single(project, cluster.n1, database)
        assert db(project, "upgrade").returncode == 0
        cluster.await_replicas()
        lead_to(project, cluster.n2, database)

        current = db(project, "current")
        upgraded = db(project, "upgrade")

    assert "001" in current.stdout
    assert (upgraded.returncode, upgraded.stderr) == (0, "")


def test_a_replica_of_mysql_is_refused_to_an_administrator_too(maria: MariaCluster, project: Sandbox) -> None:
    """Whose writes it would take, and the primary never have."""
    maria.m2.execute("SET GLOBAL read_only = ON")
    with maria.database() as database:
        single(project, maria.m2, database)

        refused = db(project, "upgrade")
        made = maria.m2.fetch(f"SELECT count(*) FROM information_schema.tables WHERE table_schema = '{database}'")

    assert "takes no writes: it is a replica, or read-only" in refused.stderr
    assert made == [(0,)]


def test_no_database_is_made_on_a_replica(cluster: PostgresqlCluster, project: Sandbox) -> None:
    single(project, cluster.n2, "not_there_yet")

    assert "takes no writes" in db(project, "create").stderr
