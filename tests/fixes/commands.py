"""Fixes of commands: what is typed next, and what is written into a file of the project."""

from __future__ import annotations

from tests.fixes.trial import (
    SQLITE,
    Trial,
    added,
    command,
    instead,
    line,
    part,
    renamed,
    shown,
    table,
    typed,
)
from tests.migrating import MODELS

IN_MEMORY = '[data.profiles.main]\ndatabase_url = "sqlite+aiosqlite://"\n'
NAMED = '[data.profiles.main.migrations]\nmetadata = "app.models:Base.metadata"\n'
MIGRATED = {"myfy.toml": SQLITE + NAMED, "app/models.py": MODELS}
REVISED = (("db", "init"), ("db", "revision", "-m", "users"), ("db", "upgrade"))
UNREVISED = (("db", "init"),)
SEEDED = MIGRATED | {"seeds/main/10-users.toml": '[[users]]\nkey = ["id"]\nrows = [{ id = 1, name = "Ada" }]\n'}


def seeds(text: str, name: str = "10-users.toml") -> dict[str, str]:
    """A migrated project with one file of seeds."""
    return MIGRATED | {f"seeds/main/{name}": text}


def named(path: str, **files: str) -> dict[str, str]:
    """A project whose profile names its models like this."""
    return MIGRATED | {"myfy.toml": f'{SQLITE}[data.profiles.main.migrations]\nmetadata = "{path}"\n', **files}


NAMED_LINE = "[data.profiles.main.migrations]"

MIGRATIONS = (
    Trial("myfy-data db init --profile {}", command("db", "upgrade"), typed, MIGRATED),
    Trial(
        "go on with it: myfy-data db revision --profile {} -m MESSAGE",
        command("db", "init"),
        part(": (.*)", instead),
        MIGRATED,
        UNREVISED,
    ),
    Trial("myfy-data db upgrade{}", command("db", "revision", "-m", "more"), typed, MIGRATED, REVISED[:2]),
    Trial("myfy-data db upgrade --profile {}", command("db", "check"), typed, MIGRATED, REVISED[:2]),
    Trial(
        "myfy-data db revision --profile {} -m MESSAGE",
        command("db", "check"),
        typed,
        MIGRATED,
        UNREVISED,
        "db upgrade",
    ),
    Trial("myfy-data db history{}", command("db", "upgrade", "nowhere"), instead, MIGRATED, REVISED),
    Trial("myfy-data db {} --sql{}", command("db", "upgrade", "base:head"), instead, MIGRATED, REVISED),
    Trial("--rev-id {}", command("db", "revision", "-m", "more", "--rev-id", "x" * 40), added, MIGRATED, REVISED),
    Trial(
        "name one, such as head, base or -1",
        command("db", "upgrade", ""),
        part("such as (head)", lambda _, run, fix: command(*run.words[:2], fix)),
        MIGRATED,
        REVISED,
    ),
    Trial(
        "--range FROM:TO",
        command("db", "history", "--range", "head"),
        lambda _, run, fix: command(*run.words[:3], "base:head"),
        MIGRATED,
        REVISED,
    ),
    Trial(
        "myfy-data db downgrade base --profile {} --yes-drop {}",
        command("db", "downgrade", "base", "--environment", "production"),
        lambda _, run, fix: added(_, run, "--" + fix.partition(" --")[2].partition(" --")[2]),
        MIGRATED,
        REVISED,
    ),
    Trial(
        'metadata = "{}.metadata"',
        command("db", "check"),
        line('metadata = "app.models:Base"'),
        named("app.models:Base"),
        UNREVISED,
        "db revision",
    ),
    Trial(
        'metadata = "{}:{}"',
        command("db", "check"),
        line('metadata = "app.models:Bse.metadata"'),
        named("app.models:Bse.metadata"),
        UNREVISED,
        "db revision",
    ),
    Trial(
        'metadata = "{}:{}"',
        command("db", "check"),
        line('metadata = "app.models"'),
        named("app.models"),
        UNREVISED,
        "db revision",
    ),
    Trial(
        "PYTHONPATH={} python -c 'import {}'",
        command("db", "check"),
        shown,
        named("app.models:Base.metadata", **{"app/models.py": "import nothing_of_the_kind\n"}),
        UNREVISED,
        "nothing_of_the_kind",
    ),
    Trial("add --yes-drop {}", command("db", "drop"), added, MIGRATED, (("db", "create"),)),
    Trial(
        "{}, if it belongs to {}",
        command("db", "drop", "--yes-drop", "app.db"),
        part("(.*), if", typed),
        MIGRATED,
        REVISED,
    ),
    Trial(
        "add --environment {}; or, if it is a copy: {}",
        command("db", "drop", "--yes-drop", "app.db", "--environment", "staging"),
        part("add (.*?);", added),
        MIGRATED | {"config/staging.toml": ""},
        (("db", "create"),),
    ),
)

SEEDS = (
    Trial(
        'key = ["id"], or what else is unique',
        command("db", "seed"),
        part("(.*), or", line('key = "id"', file="seeds/main/10-users.toml")),
        seeds('[[users]]\nkey = "id"\nrows = [{ id = 1, name = "Ada" }]\n'),
        REVISED,
    ),
    Trial(
        "rename it to {}",
        command("db", "seed"),
        renamed("nam ", file="seeds/main/10-users.toml"),
        seeds('[[users]]\nkey = ["id"]\nrows = [{ id = 1, nam = "Ada" }]\n'),
        REVISED,
    ),
    Trial(
        "async def seed(session): ...",
        command("db", "seed"),
        line("def sow(session): ...", file="seeds/main/10-users.py"),
        seeds("def sow(session): ...\n", "10-users.py"),
        REVISED,
    ),
    Trial(
        "[data.profiles.{}.seeds] environments = [{}]",
        command("db", "seed", "--environment", "production"),
        table,
        SEEDED | {"config/production.toml": ""},
        REVISED,
    ),
)

OTHERS = (
    Trial("myfy-data config schema --output {}", command("config", "schema", "--check", "--output", "a b.json"), typed),
    Trial("myfy-data db schema --profile {}", command("db", "schema", "--check"), typed, MIGRATED, REVISED),
    Trial(
        "myfy-data ping {} --set profiles.{}.active=true",
        command("ping", "main"),
        instead,
        {"myfy.toml": SQLITE + "active = false\n"},
    ),
    Trial("myfy-data config init", command("config", "migrate", ".env"), instead, {".env": "NAME=1\n"}),
    Trial(
        "python -m py_compile {}",
        command("config", "migrate", "my settings.py"),
        shown,
        {"my settings.py": "DATABASES = {\n"},
        (),
        "was never closed",
    ),
)

TRIALS = (*MIGRATIONS, *SEEDS, *OTHERS)
