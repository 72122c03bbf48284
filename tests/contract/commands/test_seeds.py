"""`db seed`: rows by their key, and what runs once, all of a profile's or nothing (contract C14.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.databases import PERSISTENT, SERVERS
from tests.migrating import MigratedProject, fresh_database, migrated
from tests.sandbox import Sandbox

MODELS = """
    from datetime import date
    from decimal import Decimal
    from uuid import UUID

    from sqlalchemy import JSON, Numeric, String
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


    class Base(DeclarativeBase):
        pass


    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(String(50), unique=True)
        name: Mapped[str] = mapped_column(String(50), default="nameless")
        born: Mapped[date | None]
        price: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
        token: Mapped[UUID | None]
        extra: Mapped[dict | None] = mapped_column(JSON)
        active: Mapped[bool | None]
"""
TABLE = """
op.create_table(
    "users",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String(50), nullable=False, unique=True),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("born", sa.Date),
    sa.Column("price", sa.Numeric(10, 2)),
    sa.Column("token", sa.Uuid),
    sa.Column("extra", sa.JSON),
    sa.Column("active", sa.Boolean),
)
op.create_table(
    "plain",
    sa.Column("code", sa.String(50), primary_key=True),
    sa.Column("born", sa.Date),
    sa.Column("price", sa.Numeric(10, 2)),
)
"""
USERS = """
[[users]]
key = ["email"]
rows = [
  { email = "ada@example.org", name = "Ada", born = 1815-12-10, price = 1.005, active = true, extra = { a = [1, 2] } },
  { email = "bob@example.org", token = "7f6e0b7e-3c5b-4b8e-9c39-2b2f6d1f0a11" },
]

[[plain]]
key = ["code"]
rows = [{ code = "x" }]
"""
PLAIN = """
plain:
  - key: [code]
    rows:
      - {code: a, born: 2026-01-31, price: 2.5}
      - {code: b, born: null}
"""
SQL = """\
-- once: a name with ; in it, and a %, and :colon
INSERT INTO plain (code) VALUES ('one;two');

INSERT INTO plain (code)
VALUES ('100% :sure'); -- done;
"""
PYTHON = """\
from sqlalchemy import text

from app.models import User


async def seed(session):
    session.add(User(email="py@example.org", name="Python"))
    await session.commit()
    await session.execute(text("INSERT INTO plain (code) VALUES ('python')"))
"""


@pytest.fixture(params=PERSISTENT)
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main=request.param) as app:
        project.write("app/models.py", MODELS)
        app.revision("001", TABLE.strip())
        app.upgrade()
        yield app


def write_all(app: MigratedProject) -> None:
    app.sandbox.write("seeds/main/01-users.toml", USERS)
    app.sandbox.write("seeds/main/2-plain.yaml", PLAIN)
    app.sandbox.write("seeds/main/10-more.sql", SQL)
    app.sandbox.write("seeds/main/20-code.py", PYTHON)
    app.sandbox.write("seeds/main/README.md", "none of them")


def test_rows_are_stored_by_their_key_and_scripts_run_once(app: MigratedProject) -> None:
    write_all(app)

    first = app.db("seed")
    rows = app.rows("SELECT * FROM users ORDER BY id"), app.rows("SELECT * FROM plain ORDER BY code")
    second = app.db("seed")

    assert first.stdout.splitlines() == [
        "main  01-users.toml  3 inserted, 0 updated, 0 unchanged",
        "main  2-plain.yaml   2 inserted, 0 updated, 0 unchanged",
        "main  10-more.sql    ran",
        "main  20-code.py     ran",
    ], first.stderr
    assert second.stdout.splitlines() == [
        "main  01-users.toml  0 inserted, 0 updated, 3 unchanged",
        "main  2-plain.yaml   0 inserted, 0 updated, 2 unchanged",
        "main  10-more.sql    ran before",
        "main  20-code.py     ran before",
    ], second.stderr
    assert rows == (app.rows("SELECT * FROM users ORDER BY id"), app.rows("SELECT * FROM plain ORDER BY code"))
    assert [row[2] for row in rows[0]] == ["Ada", "nameless", "Python"]
    assert {row[0] for row in rows[1]} == {"100% :sure", "a", "b", "one;two", "python", "x"}
    assert "myfy_data" not in app.db("check").stdout


@pytest.mark.postgresql
def test_a_second_run_writes_no_row_on_postgresql(project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main="postgresql") as app:
        project.write("app/models.py", MODELS)
        app.revision("001", TABLE.strip())
        app.upgrade()
        write_all(app)
        app.db("seed")
        versions = "SELECT xmin::text, ctid::text FROM users UNION ALL SELECT xmin::text, ctid::text FROM plain"
        before = sorted(app.rows(versions))

        app.db("seed")

        assert sorted(app.rows(versions)) == before


def test_a_row_that_differs_is_changed_and_others_are_left_alone(app: MigratedProject) -> None:
    app.sandbox.write("seeds/main/01-users.toml", USERS)
    app.db("seed")
    app.change(
        "UPDATE users SET name = 'Eve' WHERE email LIKE 'ada%'",
        "INSERT INTO users (id, email, name) VALUES (99, 'own@example.org', 'Own')",
    )

    again = app.db("seed")

    assert "0 inserted, 1 updated, 2 unchanged" in again.stdout
    assert app.rows("SELECT name FROM users ORDER BY email") == [("Ada",), ("nameless",), ("Own",)]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("30-last.sql", "INSERT INTO plain (code) VALUES ('y');\nINSERT INTO nowhere VALUES (1);", "30-last.sql:2"),
        ("30-last.py", "async def seed(session):\n    raise RuntimeError('canary')\n", "30-last.py:2"),
        (
            "30-last.toml",
            '[[users]]\nkey = ["email"]\nrows = [{ email = "ada@example.org", id = 7 }, { email = "x" }]',
            "",
        ),
    ],
    ids=["sql", "python", "rows"],
)
def test_a_seed_that_fails_leaves_nothing_of_any(app: MigratedProject, name: str, text: str, place: str) -> None:
    write_all(app)
    if name.endswith("toml"):  # its rows are right by themselves, and the database refuses the last
        app.change("INSERT INTO users (id, email, name) VALUES (7, 'seven', 'Seven')")
    app.sandbox.write(f"seeds/main/{name}", text)
    before = app.rows("SELECT count(*) FROM users")

    failed = app.db("seed")

    assert failed.returncode == 1
    assert f"seeds/main/{place or name}" in failed.stderr
    assert "nothing of its seeds was stored" in failed.stderr
    assert app.rows("SELECT count(*) FROM users") == before
    assert app.rows("SELECT count(*) FROM plain") == [(0,)]
    assert app.rows("SELECT count(*) FROM myfy_data_seeds") == [(0,)]


@pytest.mark.parametrize("word", ["COMMIT", "ROLLBACK"])
def test_a_script_cannot_end_the_transaction_of_all(app: MigratedProject, word: str) -> None:
    app.sandbox.write("seeds/main/01-users.toml", USERS)
    app.sandbox.write("seeds/main/02-end.sql", f"{word};\nINSERT INTO nowhere VALUES (1);")

    failed = app.db("seed")

    assert failed.returncode == 1, failed.stdout
    assert f"02-end.sql:1: all seeds are one transaction, and this would end it: {word}" in failed.stderr
    assert app.rows("SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize("statement", ["# a remark\\nCOMMIT", "/* a remark */ COMMIT", "SELECT 1; COMMIT"])
def test_a_seed_in_python_cannot_end_the_transaction_of_all(app: MigratedProject, statement: str) -> None:
    app.sandbox.write("seeds/main/01-users.toml", USERS)
    seed = f"async def seed(session):\n    await session.execute(text('{statement}'))\n"
    app.sandbox.write("seeds/main/02-end.py", f"from sqlalchemy import text\n\n\n{seed}")

    failed = app.db("seed")

    assert failed.returncode == 1, failed.stdout
    assert "nothing of its seeds was stored" in failed.stderr
    assert app.rows("SELECT count(*) FROM users") == [(0,)]


def test_a_changed_script_is_told_and_does_not_run_again(app: MigratedProject) -> None:
    app.sandbox.write("seeds/main/10-more.sql", SQL)
    app.db("seed")
    app.sandbox.write("seeds/main/10-more.sql", SQL + "INSERT INTO plain (code) VALUES ('new');")

    again = app.db("seed")

    assert "ran before; it has changed since, and runs again in a new database only" in again.stdout
    assert app.rows("SELECT count(*) FROM plain") == [(2,)]


# -- on one database: what is judged before anything is stored ---------------------------------------------------------


@pytest.fixture
def small(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="sqlite") as app:
        project.write("app/models.py", MODELS)
        app.revision("001", TABLE.strip())
        app.upgrade()
        yield app


USER = "[[users]]\n"
BY_EMAIL = USER + 'key = ["email"]\n'
ROW = 'rows = [{{ email = "x"{} }}]'


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("1-a.toml", "users = 1", ":1:1: users: is no table of rows"),
        ("1-a.toml", USER + 'rows = [{ email = "x" }]', ":1:3: users.key: names no columns"),
        ("1-a.toml", BY_EMAIL, ":1:3: users.rows: is no list of rows"),
        ("1-a.toml", USER + 'keys = ["email"]\nrows = []', ":2:1: users.keys: beside rows and key"),
        ("1-a.toml", BY_EMAIL + 'rows = [\n  { name = "x" },\n]', ":4:3: users: the row has no 'email'"),
        ("1-a.toml", BY_EMAIL.replace("users", "user") + ROW.format(""), "no such table. Did you mean 'users'?"),
        ("1-a.toml", BY_EMAIL + ROW.format(', nam = "y"'), ":3:24: users: has no column 'nam'. Did you mean 'name'?"),
        ("1-a.toml", BY_EMAIL + ROW.format(', born = "soon"'), ":3:24: born: expected a date, such as 2026-01-31"),
        ("1-a.toml", BY_EMAIL + "rows = [{ email = 5 }]", "email: expected text, got a whole number"),
        ("1-a.yaml", "users: [", ""),
        ("1-a.csv", "a,b", ": no seed ends with '.csv'"),
        ("a.toml", "", ": its name does not begin with a number"),
        ("1-a.py", "def seed(session): ...", ": its `seed` is no coroutine function"),
        ("1-a.py", "x = 1", ": has no `async def seed(session)`"),
    ],
)
def test_what_is_no_seed_is_told_with_its_place(small: MigratedProject, name: str, text: str, told: str) -> None:
    small.sandbox.write(f"seeds/main/{name}", text)

    refused = small.db("seed")

    assert refused.returncode == 2
    assert f"seeds/main/{name}" in refused.stderr
    assert told in refused.stderr
    assert "  fix: " in refused.stderr
    assert small.rows("SELECT count(*) FROM users") == [(0,)]


def test_a_key_that_several_rows_have_is_none(small: MigratedProject) -> None:
    small.change("INSERT INTO plain (code, born) VALUES ('a', '2026-01-01'), ('b', '2026-01-01')")
    small.sandbox.write("seeds/main/1-a.yaml", "plain: {key: [born], rows: [{born: 2026-01-01, price: 1}]}")

    refused = small.db("seed")

    assert refused.returncode == 2
    assert "more than one row has this born, so it is no key of plain" in refused.stderr


def test_seeds_stay_in_their_environments(small: MigratedProject) -> None:
    small.sandbox.write("seeds/main/1-a.yaml", "plain: {key: [code], rows: [{code: a}]}")
    toml = small.sandbox.path / "myfy.toml"

    refused = small.db("seed", "--environment", "production")
    fix = refused.stderr.partition("environments = ")[2].strip()
    toml.write_text(f"{toml.read_text()}\n[data.profiles.main.seeds]\nenvironments = {fix}\n")

    assert refused.returncode == 2
    assert "its seeds are for development and test, and this is 'production'" in refused.stderr
    assert small.db("seed", "--environment", "production").returncode == 0
    assert small.rows("SELECT code FROM plain") == [("a",)]


def test_a_database_that_says_it_is_anothers_takes_no_seeds(small: MigratedProject) -> None:
    small.sandbox.write("seeds/main/1-a.yaml", "plain: {key: [code], rows: [{code: a}]}")
    small.db("mark", "--as", "production")

    refused = small.db("seed")

    assert refused.returncode == 2
    assert "says that it belongs to 'production'" in refused.stderr
    assert small.rows("SELECT code FROM plain") == []


def test_json_is_json_alone(small: MigratedProject) -> None:
    small.sandbox.write("seeds/main/1-a.yaml", "plain: {key: [code], rows: [{code: a}]}")

    told = json.loads(small.db("seed", "--json").stdout)

    file = {"file": "1-a.yaml", "inserted": 1, "updated": 0, "unchanged": 0, "ran": None, "note": ""}
    assert told == [{"profile": "main", "error": None, "files": [file], "passed_over": ""}]


def test_without_seeds_that_is_told(small: MigratedProject) -> None:
    done = small.db("seed")

    assert done.returncode == 0
    assert done.stdout == "main: no seeds: there is nothing in seeds/main\n"


@pytest.mark.parametrize("kind", SERVERS)
def test_ddl_of_a_seed_is_no_way_around_the_one_transaction(
    project: Sandbox, request: pytest.FixtureRequest, kind: str
) -> None:
    with fresh_database(kind, request, project.path) as url:
        app = MigratedProject(project, {"main": url})
        app.init()
        app.revision("001", TABLE.strip())
        app.upgrade()
        project.write("app/models.py", MODELS)
        project.write("seeds/main/1-a.yaml", "plain: {key: [code], rows: [{code: a}]}")
        project.write("seeds/main/2-b.sql", "CREATE TABLE more (id INTEGER);\nINSERT INTO nowhere VALUES (1);")

        failed = app.db("seed")

        assert failed.returncode == 1
        assert "2-b.sql:1: all seeds" in failed.stderr if kind == "mysql" else "2-b.sql:2: " in failed.stderr
        assert app.rows("SELECT code FROM plain") == []
