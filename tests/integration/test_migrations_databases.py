"""Migrations on three databases: two profiles in one call, failures told exactly, SQL that applies (issue 4)."""

from __future__ import annotations

import os
import secrets
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import make_url

from tests.databases import PERSISTENT
from tests.migrating import MigratedProject, fresh_database, migrated
from tests.own_servers import find
from tests.sandbox import Sandbox
from tests.servers import MYSQL, Server, account_of

BY_EVERY_WAY = """\
table("b")
b = sa.table("b", sa.column("id"))
connection = op.get_bind()
op.bulk_insert(b, [{"id": 1}, {"id": 2}])
connection.execute(sa.insert(b), [{"id": 3}, {"id": 4}])
connection.execute(sa.insert(b).values(id=5))
connection.exec_driver_sql("INSERT INTO b (id) VALUES (6)")
assert connection.execute(sa.select(b.c.id).order_by(b.c.id)).scalars().all() == [1, 2, 3, 4, 5, 6]
"""

HARD = "p%40@:/#?%s w"


def test_profiles_on_three_databases_with_heads_of_their_own_upgrade_in_one_call(
    project: Sandbox, request: pytest.FixtureRequest, postgresql_url: str, mysql_url: str
) -> None:
    with migrated(project, request, main="postgresql", shop="mysql", lite="sqlite") as app:
        for number, profile in enumerate(app.urls, 1):
            app.revision(f"{number}01", f'table("{profile}")', profile=profile)

        reports = app.db_json("upgrade", "--all")

        assert [(report["profile"], report["outcome"], report["to"]) for report in reports] == [
            ("main", "upgraded", ["101"]),
            ("shop", "upgraded", ["201"]),
            ("lite", "upgraded", ["301"]),
        ]
        assert [app.tables(profile) for profile in app.urls] == [{profile, "alembic_version"} for profile in app.urls]


@pytest.mark.parametrize("kind", PERSISTENT)
def test_from_models_to_tables_and_back(kind: str, project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main=kind) as app:
        codes = [
            app.db(*arguments).returncode
            for arguments in (("revision", "-m", "users"), ("upgrade",), ("check",), ("downgrade", "-1"), ("upgrade",))
        ]

        assert codes == [0] * 5
        assert app.tables() == {"users", "alembic_version"}


@pytest.mark.parametrize("kind", PERSISTENT)
def test_a_failure_tells_exactly_what_is_in_the_database(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("a")')
        app.revision(
            "002", 'table("b")\nop.execute("INSERT INTO b VALUES (7)")\nop.execute("DROP TABLE no")', parent="001"
        )

        error = app.failure()

        assert error.reason.startswith("revision 002 failed: ")
        assert error.facts[0] == "complete before it: 001"
        if kind == "mysql":
            assert error.facts[1] == "2 statements of 002 ran and stay (this database cannot roll DDL back):"
            assert app.rows("SELECT id FROM b") == [(7,)]
        else:
            assert error.facts[1] == "nothing of 002 is in the database: it was rolled back"
            assert app.tables() == {"a", "alembic_version"}


@pytest.mark.parametrize("kind", PERSISTENT)
def test_a_corrected_revision_goes_on_where_it_failed(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("b")\nop.execute("INSERT INTO b VALUES (7)")\nop.execute("DROP TABLE no")')
        app.failure()
        app.revision("001", 'table("b")\nop.execute("INSERT INTO b VALUES (7)")\ntable("c")')

        assert app.upgrade().after == ("001",)
        assert app.rows("SELECT id FROM b") == [(7,)]
        assert app.tables() == {"b", "c", "alembic_version"}


@pytest.mark.parametrize("kind", PERSISTENT)
def test_rows_of_a_revision_are_written_once_and_by_every_way(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", BY_EVERY_WAY)

        assert app.upgrade().after == ("001",)
        assert len(app.rows("SELECT id FROM b")) == 6


@pytest.mark.parametrize("kind", PERSISTENT)
def test_the_sql_applies_through_the_databases_own_client(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision(
            "001",
            "op.create_table('a', sa.Column('id', sa.Integer, primary_key=True),"
            " sa.Column('x', sa.String(20), server_default='50% off: it''s')) ",
        )
        app.revision("002", "op.execute(\"INSERT INTO a (id, x) VALUES (1, '100%')\")\ntable('b')", parent="001")

        apply(kind, app.urls["main"], app.db("upgrade", "--sql").stdout)

        assert app.rows("SELECT x FROM a") == [("100%",)]
        assert app.upgrade().outcome == "nothing to do"
        apply(kind, app.urls["main"], app.db("downgrade", "--sql", "002:001").stdout)
        assert app.rows("SELECT version_num FROM alembic_version") == [("001",)]


def apply(kind: str, url: str, sql: str) -> None:
    """Feed SQL to psql, mariadb or Python's sqlite3; it must not complain."""
    where = make_url(url)
    if kind == "sqlite":
        with sqlite3.connect(str(where.database)) as connection:
            connection.executescript(sql)
        connection.close()
        return
    target = ["-h", str(where.host), f"-{'p' if kind == 'postgresql' else 'P'}", str(where.port)]
    client = {
        "postgresql": ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *target, "-U", str(where.username)],
        "mysql": [*_mysql_client(), *target, "-u", str(where.username)],
    }[kind]
    variables = {"PGPASSWORD": where.password or "", "MYSQL_PWD": where.password or ""}
    done = subprocess.run(
        [*client, str(where.database)],
        input=sql,
        env={**os.environ, **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def _mysql_client() -> list[str]:
    """MariaDB's looks at certificates since 11.4, and complains where it cannot for want of a password."""
    return ["mariadb", "--disable-ssl-verify-server-cert"] if find("mariadb") else ["mysql"]


def test_a_hard_password_reaches_the_server(project: Sandbox, request: pytest.FixtureRequest, mysql_url: str) -> None:
    user = f"u_{secrets.token_hex(4)}"
    known = account_of(mysql_url)
    server = Server(MYSQL, known)
    with fresh_database("mysql", request, project.path) as url:
        name = make_url(url).database
        server.execute(f"CREATE USER {user} IDENTIFIED BY '{HARD}'", f"GRANT ALL ON {name}.* TO {user}")
        try:
            hard = f"mysql://{user}:{quote(HARD, safe='')}@{known.host}:{known.port}/{name}"
            app = MigratedProject(project, {"main": hard})
            app.init()
            app.revision("001", 'table("a")')

            plain = project.python("-m", "myfy_data", "db", "upgrade")
        finally:
            server.execute(f"DROP USER {user}")

    assert plain.returncode == 0, plain.stderr
    assert HARD not in "".join(path.read_text() for path in Path("migrations").rglob("*.py"))


def test_batch_mode_on_sqlite_keeps_the_rows_that_refer_to_a_table(
    project: Sandbox, request: pytest.FixtureRequest
) -> None:
    """Batch mode drops the old table; with foreign keys enforced, that would delete what refers to it."""
    with migrated(project, request, main="sqlite") as app:
        app.revision(
            "001",
            'table("a")\nop.create_table("b", sa.Column("id", sa.Integer, primary_key=True),'
            ' sa.Column("a_id", sa.Integer, sa.ForeignKey("a.id", ondelete="CASCADE")))\n'
            'op.execute("INSERT INTO a VALUES (1)")\nop.execute("INSERT INTO b VALUES (1, 1)")',
        )
        app.revision(
            "002",
            'with op.batch_alter_table("a", recreate="always") as batch:\n'
            '    batch.add_column(sa.Column("x", sa.Integer))',
            parent="001",
        )

        app.upgrade()

        assert app.rows("SELECT id, a_id FROM b") == [(1, 1)]


def test_a_revision_that_breaks_foreign_keys_on_sqlite_is_rolled_back(
    project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main="sqlite") as app:
        app.revision(
            "001",
            'table("a")\nop.create_table("b", sa.Column("id", sa.Integer, primary_key=True),'
            ' sa.Column("a_id", sa.Integer, sa.ForeignKey("a.id")))',
        )
        app.revision("002", 'op.execute("INSERT INTO b VALUES (1, 99)")', parent="001")

        error = app.failure()

        assert error.reason == "revision 002 breaks foreign keys: 1 rows refer to no row"
        assert app.rows("SELECT version_num FROM alembic_version") == [("001",)]


@pytest.mark.parametrize("kind", PERSISTENT)
def test_profiles_that_share_a_database_do_not_see_each_others_version_tables(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        project.write(
            "config/development.toml",
            f'[data.profiles.second]\ndatabase_url = "{app.urls["main"]}"\n'
            'migrations = { version_table = "second_version", metadata = "app.models:Base.metadata" }\n',
        )
        app.revision(
            "001",
            'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True),'
            ' sa.Column("name", sa.String(50), nullable=False))',
        )
        app.upgrade()
        app.db("init", "--profile", "second")
        app.revision("s01", "pass", profile="second")
        app.upgrade(profile="second")

        assert [app.db("check", "--profile", name).returncode for name in ("main", "second")] == [0, 0]


def test_an_index_that_was_not_finished_is_told(
    project: Sandbox, request: pytest.FixtureRequest, postgresql_url: str
) -> None:
    with migrated(project, request, main="postgresql") as app:
        app.revision("001", 'op.execute("CREATE TABLE a (id int)")\nop.execute("INSERT INTO a VALUES (1), (1)")')
        app.revision(
            "002",
            "with op.get_context().autocommit_block():\n"
            '    op.create_index("ix", "a", ["id"], unique=True, postgresql_concurrently=True)',
            parent="001",
        )

        error = app.failure()

        assert any("DROP INDEX CONCURRENTLY ix" in fact for fact in error.facts)
        app.change("DELETE FROM a", "DROP INDEX ix")
        assert app.upgrade().after == ("002",)


def test_what_a_revision_committed_by_itself_is_not_run_twice(
    project: Sandbox, request: pytest.FixtureRequest, postgresql_url: str
) -> None:
    block = (
        'table("a")\nop.execute("INSERT INTO a VALUES (7)")\nwith op.get_context().autocommit_block():\n    {0}\n{1}'
    )
    with migrated(project, request, main="postgresql") as app:
        app.revision(
            "001", block.format('op.execute("CREATE INDEX CONCURRENTLY ix ON a (id)")', 'op.execute("NO SQL")')
        )
        error = app.failure()
        app.revision("001", block.format('op.execute("CREATE INDEX CONCURRENTLY ix ON a (id)")', 'table("b")'))

        assert error.facts[0] == "3 statements of 001 ran and stay (committed by the revision itself):"
        assert app.upgrade().after == ("001",)
        assert app.rows("SELECT id FROM a") == [(7,)]
