"""`db schema`: the live schema as SQL, the same for the same schema on every machine (contract C14.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from myfy_data.seeds.statements import split_statements
from tests.databases import PERSISTENT
from tests.migrating import MigratedProject, fresh_database, migrated
from tests.sandbox import Sandbox

COMMON = (
    "CREATE TABLE b_parents (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE)",
    (
        "CREATE TABLE a_children (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES b_parents (id),"
        " price NUMERIC(10, 2) DEFAULT 0, CHECK (price >= 0))"
    ),
    "CREATE INDEX a_by_price ON a_children (price)",
    "CREATE VIEW z_names AS SELECT id, name FROM b_parents",
    "CREATE VIEW a_names AS SELECT name FROM z_names WHERE name <> 'x;y'",
    "INSERT INTO b_parents (id, name) VALUES (41, 'a-row-of-data')",
)
OWN = {
    "sqlite": (
        "CREATE TRIGGER t AFTER INSERT ON a_children BEGIN UPDATE b_parents SET name = ''; SELECT 1; END",
        "CREATE VIRTUAL TABLE words USING fts5(body)",
    ),
    "mysql": (
        "CREATE TABLE counted (id INTEGER AUTO_INCREMENT PRIMARY KEY, note TEXT COMMENT 'what; it says')",
        "INSERT INTO counted (note) VALUES ('x'), ('y')",
        "CREATE TRIGGER t BEFORE INSERT ON counted FOR EACH ROW SET NEW.note = UPPER(NEW.note)",
        "CREATE FUNCTION twice(x INTEGER) RETURNS INTEGER DETERMINISTIC RETURN x * 2",
    ),
    "postgresql": (
        "CREATE SCHEMA sales",
        "CREATE TYPE mood AS ENUM ('sad', 'it''s ok')",
        "CREATE DOMAIN positive AS INTEGER CHECK (VALUE > 0)",
        "CREATE FUNCTION twice(x INTEGER) RETURNS INTEGER LANGUAGE sql AS $$ SELECT x * 2; $$",
        (
            'CREATE TABLE sales."Odd Name" (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, '
            " feels mood DEFAULT 'sad', n positive, doubled INTEGER GENERATED ALWAYS AS (id * 2) STORED, tags TEXT[])"
        ),
        "CREATE TABLE counted (id SERIAL PRIMARY KEY, at TIMESTAMPTZ DEFAULT now(), body JSONB)",
        "CREATE INDEX counted_body ON counted USING gin (body) WHERE id > 3",
        "CREATE TABLE events (id INTEGER, day DATE NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)",
        "CREATE TABLE a_events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM counted",
        "CREATE UNIQUE INDEX totals_n ON totals (n)",
        "COMMENT ON COLUMN counted.body IS 'what; it says'",
        "ALTER TABLE counted ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY readers ON counted FOR SELECT USING (id > 0)",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at = now(); RETURN NEW; END $$",
        "CREATE TRIGGER t BEFORE UPDATE ON counted FOR EACH ROW EXECUTE FUNCTION touch()",
        "INSERT INTO counted (body) VALUES ('{}'), ('{}')",
    ),
}


@pytest.fixture(params=PERSISTENT)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest, kind: str) -> Iterator[MigratedProject]:
    with migrated(project, request, main=kind) as app:
        app.change(*COMMON, *OWN[kind])
        yield app


def written(app: MigratedProject) -> str:
    done = app.db("schema")
    assert done.returncode == 0, done.stderr
    return Path("schemas/main.sql").read_text(encoding="utf-8")


def test_the_schema_makes_the_same_schema_again(
    app: MigratedProject, kind: str, request: pytest.FixtureRequest, project: Sandbox
) -> None:
    first = written(app)
    with fresh_database(kind, request, project.path, "other") as other:
        app.urls["other"] = other
        app.change(*(statement.text for statement in split_statements(first, kind)), profile="other")
        done = app.db("schema", "--check", "--set", f"database_url={other}")

    assert done.stdout == "main: schemas/main.sql is as the database is\n", done.stdout


def test_neither_row_nor_host_nor_path_nor_table_of_ours_is_in_it(app: MigratedProject) -> None:
    before = written(app)
    app.revision("001", "pass")
    app.upgrade()
    app.db("mark", "--as", "development")
    app.sandbox.write("seeds/main/1-a.sql", "INSERT INTO b_parents (id, name) VALUES (42, 'b')")
    assert app.db("seed").returncode == 0

    checked = app.db("schema", "--check")

    assert checked.returncode == 0, checked.stdout
    for word in ("a-row-of-data", str(app.sandbox.path), "127.0.0.1", "DEFINER=", "AUTO_INCREMENT=", "alembic_version"):
        assert word not in before


def test_the_order_of_making_plays_no_part(project: Sandbox, request: pytest.FixtureRequest, kind: str) -> None:
    tables = ["CREATE TABLE b (id INTEGER)", "CREATE TABLE a (id INTEGER)", "CREATE TABLE c (id INTEGER)"]
    with migrated(project, request, main=kind) as app:
        texts = [remade(app, order) for order in (tables, tables[::-1])]

    assert texts[0] == texts[1]
    assert texts[0].index(" a ") if kind == "sqlite" else texts[0].index("a")
    assert [line for line in texts[0].splitlines() if line.startswith("CREATE")] == sorted(
        line for line in texts[0].splitlines() if line.startswith("CREATE")
    )


def remade(app: MigratedProject, statements: Sequence[str]) -> str:
    app.change(*statements)
    text = written(app)
    app.change(*(f"DROP TABLE {statement.split()[2]}" for statement in statements))
    return text


def test_a_difference_is_shown_with_the_command_that_writes_it(app: MigratedProject) -> None:
    assert "schemas/main.sql is not there" in app.db("schema", "--check").stdout
    before = written(app)
    app.change("CREATE TABLE new_one (id INTEGER)")

    checked = app.db("schema", "--check")

    assert checked.returncode == 1
    assert "main: schemas/main.sql differs from the database" in checked.stdout
    assert any(line.strip().startswith("+CREATE TABLE") and "new_one" in line for line in checked.stdout.splitlines())
    assert "fix: myfy-data db schema --profile main" in checked.stdout
    assert Path("schemas/main.sql").read_text(encoding="utf-8") == before
    assert "wrote schemas/main.sql" in app.db("schema").stdout
    assert app.db("schema", "--check").returncode == 0
