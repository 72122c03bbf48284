"""Fixes of errors that Python code meets: what is written in the program in place of what stood there."""

from __future__ import annotations

from tests.fixes.commands import MIGRATED, UNREVISED
from tests.fixes.trial import SQLITE, Trial, code, in_a_shell, line, part, program
from tests.migrating import MODELS

PRODUCTION = {"myfy.toml": f'[data]\nenvironment = "production"\n{SQLITE}', "app/models.py": MODELS}
WITH_MODELS = {"myfy.toml": SQLITE, "app/models.py": MODELS}
START = """\
from myfy_data import DataModule, DatabaseSettings
from app.models import Base
data = DataModule(auto_create_tables=True)
try:
    await data.start()
finally:
    await data.stop()
"""
MODULE = "DataModule(auto_create_tables=True)"


def session(body: str, opened: str = "data.session()") -> str:
    """A program that does something in a session of a module that was started."""
    lines = "".join(f"        {each}\n" for each in body.splitlines())
    return (
        "from sqlalchemy import text\nfrom myfy_data import DataModule\ndata = DataModule()\nawait data.start()\n"
        f"try:\n    async with {opened} as session:\n{lines}finally:\n    await data.stop()\n"
    )


COOKIE = """\
import os
from myfy_data import DataModule
os.environ["COOKIE_KEY"] = "0123456789abcdef"
data = DataModule(read_your_writes="cookie")
await data.start()
await data.stop()
"""

MODULES = (
    Trial(
        'read_your_writes="cookie"',
        program(COOKIE.replace('"cookie"', '"coockie", read_your_writes_key="x" * 32')),
        code('read_your_writes="coockie"'),
    ),
    Trial(
        'read_your_writes_key=os.environ["COOKIE_KEY"], the same in every process, of `openssl rand -hex 32`',
        program(COOKIE.replace('"cookie"', '"cookie", read_your_writes_key="short"')),
        part("(.*), the same", code('read_your_writes_key="short"')),
    ),
    Trial(
        "await data.start()",
        program("""\
from myfy_data import DataModule
data = DataModule()
#
try:
    await data.reload()
finally:
    await data.stop()
"""),
        code("#"),
    ),
    Trial(
        "get it anew from a module that was started: data.get_engine()",
        program("""\
from myfy_data import DataModule
data = DataModule()
await data.start()
engine = data.get_engine()
await data.stop()
await data.start()
try:
    async with engine.connect():
        pass
finally:
    await data.stop()
"""),
        part("(data.get_engine.*)", code("engine.connect()", "{}.connect()")),
    ),
    Trial(
        "start it again: await data.start()",
        program("""\
from myfy_data import DataModule
data = DataModule()
await data.start()
await data.stop()
#
try:
    async with data.session():
        pass
finally:
    await data.stop()
"""),
        part("(await .*)", code("#")),
    ),
    Trial("DataModule(auto_create_tables=False)", program(START), code(MODULE), PRODUCTION),
    Trial("DataModule(auto_create_tables=True, metadata=Base.metadata)", program(START), code(MODULE), WITH_MODELS),
    Trial(
        'migrations="{}"',
        program(START.replace("auto_create_tables=True", 'migrations="upgarde"')),
        code('migrations="upgarde"'),
        MIGRATED,
        UNREVISED,
    ),
    Trial(
        "DataModule(settings=...)",
        program("""\
from myfy_data import DataModule, DatabaseSettings
data = DataModule(DatabaseSettings(database_url="sqlite://"))
await data.start()
await data.stop()
"""),
        part(r"\((settings=)", code("DataModule(", "DataModule({}")),
    ),
    Trial(
        "dev=None",
        program("""\
from myfy_data import DataModule
data = DataModule(dev="/_myfy")
await data.start()
await data.stop()
"""),
        code('dev="/_myfy"'),
        PRODUCTION,
    ),
    Trial(
        "active = true",
        program(session("await session.execute(text('SELECT 1'))", 'data.session("main")')),
        line("active = false"),
        {
            "myfy.toml": f'{SQLITE}active = false\n[data.profiles.other]\ndatabase_url = "sqlite://"\n'.replace(
                "[data.profiles.main]", '[data]\ndefault = "other"\n[data.profiles.main]'
            )
        },
    ),
    Trial(
        "set MYFY_DATA_DATABASE_URL to it",
        program("""\
import os
#
from myfy.data.migrations import create_alembic_env_template
create_alembic_env_template("sqlite+aiosqlite:///other.db")
"""),
        part("(MYFY.*) to it", code("#", "os.environ['{}'] = 'sqlite+aiosqlite:///other.db'")),
    ),
)

SESSIONS = (
    Trial(
        "async with data.session() as session: ...",
        program(
            session("", "data.session()").replace(
                "async with data.session() as session:\n", "await data.session().execute(text('SELECT 1'))\n"
            )
        ),
        part(
            "(async with .*) \\.",
            code("await data.session().execute(text('SELECT 1'))", "{} await session.execute(text('SELECT 1'))"),
        ),
    ),
    Trial(
        "read_only=True",
        program(session("await session.execute(text('SELECT 1'))", 'data.session(read_from="primary")')),
        code("data.session(", "data.session({}, "),
    ),
    Trial(
        'read_from="primary"',
        program(session("await session.execute(text('SELECT 1'))", 'data.session(read_only=True, read_from="primry")')),
        code('read_from="primry"'),
    ),
    Trial(
        "let the error leave the block, or `await session.rollback()`, and do the whole work again",
        program(
            session(
                "await session.execute(text('SELECT 1'))\nawait session.execute(text('COMMIT'))\n#\n"
                "await session.execute(text('SELECT 1'))"
            )
        ),
        part("`(.*)`", code("#")),
    ),
    Trial(
        "write in a session that is not: without `read_only=True`, of a profile without `read_only = true`",
        program(session("await session.execute(text('CREATE TABLE t (id INTEGER)'))", "data.session(read_only=True)")),
        part("`(read_only=True)`", lambda s, run, fix: code(fix, "")(s, run, fix)),
    ),
    Trial(
        "write in a session that is not: without `read_only=True`",
        program(
            session(
                "await session.execute(text('PRAGMA query_only = OFF'))\n"
                "await session.execute(text('CREATE TABLE t (id INTEGER)'))",
                "data.session(read_only=True)",
            )
        ),
        part("`(read_only=True)`", lambda s, run, fix: code(f"{fix}", "")(s, run, fix)),
    ),
    Trial(
        "ATTACH 'file:/path/to/other.db?mode=ro' AS other",
        program(
            "import sqlite3\nwith sqlite3.connect('other.db') as other:\n"
            "    other.execute('CREATE TABLE IF NOT EXISTS t (id INTEGER)')\nother.close()\n"
            + session("await session.execute(text(\"ATTACH 'other.db' AS other\"))", "data.session(read_only=True)")
        ),
        part("('file:).*( AS)", code("'other.db'", "'file:other.db?mode=ro'")),
    ),
    Trial(
        "copy in a session that only reads: `async with data.session(read_only=True) as session:`",
        program(
            session("""\
import contextlib, sqlite3
raw = (await (await session.connection()).get_raw_connection()).driver_connection
with contextlib.closing(sqlite3.connect("copy.db")) as copy:
    await raw.backup(copy)""")
        ),
        part("async with (data.*) as", code("data.session()")),
    ),
    Trial(
        "give each task a session of its own: `async with factory.session_context() as session:` inside the task",
        program(
            session(
                """\
import asyncio
factory = data.get_session_factory()
async def one():
    await session.execute(text("SELECT 1"))
for told in await asyncio.gather(one(), one(), return_exceptions=True):
    if told is not None:
        raise told""",
                "data.session(read_only=True)",
            )
        ),
        part("`(async with .*)`", code("    await session.execute", "    {} await session.execute")),
    ),
    Trial(
        "open a new one where it is needed: `async with factory.session_context() as session:`",
        program("""\
from sqlalchemy import text
from myfy_data import DataModule
data = DataModule()
await data.start()
try:
    factory = data.get_session_factory()
    async with factory.session_context() as old:
        pass
    await old.execute(text("SELECT 1"))
finally:
    await data.stop()
"""),
        part("`(async with .*)`", code("await old.execute", "{} await session.execute")),
    ),
)

ENGINES = (
    Trial(
        "mkdir -p {}",
        program(session("await session.execute(text('SELECT 1'))")),
        in_a_shell,
        {"myfy.toml": SQLITE.replace("./app", "./new/app")},
    ),
    Trial(
        "declare it: [data.profiles.{}]",
        program("from myfy_data import DataModule\nDataModule().get_engine('analytics')"),
        part(
            ": (.*)",
            lambda s, run, fix: (s.write("myfy.toml", SQLITE + f'{fix}\ndatabase_url = "sqlite://"\n'), run)[1],
        ),
    ),
    Trial(
        "use {}",
        program("from myfy_data import DataModule\nDataModule().get_engine('mian')"),
        part("use (.*)", code("'mian'")),
    ),
)

TRIALS = (*MODULES, *SESSIONS, *ENGINES)
