"""Fixes of connections and of what a unit of work may do, on SQLite and on a server."""

from __future__ import annotations

from tests.fixes.commands import IN_MEMORY, REVISED, seeds
from tests.fixes.programs import session
from tests.fixes.trial import SQLITE, Run, Trial, code, command, line, part, program
from tests.sandbox import Sandbox

SEED = "seeds/main/10-users.toml"
SELECT = "await session.execute(text('SELECT 1'))"
HEAD = '[data.profiles.main]\ndatabase_url = "<url>"\n'
ONE_CONNECTION = {"myfy.toml": HEAD + "pool_size = 1\nmax_overflow = 0\npool_timeout = 0.2\n"}
TWO_SESSIONS = session(f"{SELECT}\nasync with data.session() as session:\n    {SELECT}")
TABLE = "await session.execute(text('CREATE TABLE IF NOT EXISTS t (id INTEGER)'))"
LISTENER = """
from sqlalchemy import event, text
from myfy_data import DataModule
token = "x"
data = DataModule()
def give(dialect, record, arguments, parameters):
    return object()
engine = data.get_engine()
event.listen(engine.sync_engine, "do_connect", give)
try:
    async with engine.connect():
        pass
finally:
    await data.stop()
"""
PARENTS = "CREATE TABLE IF NOT EXISTS a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES a)"
OUT_OF_ORDER = "INSERT INTO a VALUES (1, 2)"


def piped(sandbox: Sandbox, run: Run, fix: str) -> Run:
    """The fix is a command that reads what is typed, in a process of its own."""
    done = sandbox.run(*fix.split()[1:], stdin="1 + 1\n")
    assert done.returncode == 0, done.stderr
    assert "2" in done.stdout
    return program("pass")


def for_the_user(sandbox: Sandbox, run: Run, fix: str) -> Run:
    """The fix is a command that runs one of the user's, in a process of its own."""
    done = sandbox.run(*fix.split()[1:], *run.words[-1:])
    return Run(program="pass" if done.returncode == 0 else f"raise Exception({done.stderr!r})")


FILES = (
    Trial("myfy-data shell {}", command("sql"), piped, {"myfy.toml": IN_MEMORY}),
    Trial(
        "myfy-data dev --environment development",
        command("dev", "--environment", "production", "true"),
        for_the_user,
        {"myfy.toml": IN_MEMORY},
    ),
    Trial(
        "myfy-data config diff {}",
        command("config", "diff", "prodction", "development"),
        lambda sandbox, run, fix: command(*fix.split()[1:]),
        {"myfy.toml": SQLITE, "config/production.toml": "", "config/development.toml": ""},
    ),
    Trial(
        "name a file, as in: {}",
        command("config", "migrate", "settings.env"),
        part(": (.*)", lambda sandbox, run, fix: command(*fix.split()[1:])),
        {".env": "DATABASE_URL=sqlite:///app.db\n"},
    ),
    Trial(
        'key = ["id"], or what is unique',
        command("db", "seed"),
        part("(.*), or", line('key = ["name"]', file=SEED)),
        seeds('[[users]]\nkey = ["name"]\nrows = [{ id = 3, name = "Ada" }]\n')
        | {"seeds/main/01-twins.sql": "INSERT INTO users VALUES (1, 'Ada'), (2, 'Ada');\n"},
        REVISED,
    ),
    Trial(
        "delete it",
        command("db", "seed"),
        lambda sandbox, run, fix: line(", colour = 1", file=SEED)(sandbox, run, ""),
        seeds('[[users]]\nkey = ["id"]\nrows = [{ id = 1, name = "Ada", colour = 1 }]\n'),
        REVISED,
    ),
)

SESSIONS = (
    Trial(
        'PRAGMA defer_foreign_keys = ON checks them at COMMIT; a connection with isolation_level="AUTOCOMMIT" takes the'
        " pragma; `[data.profiles.{}.sqlite] foreign_keys = false` holds for the whole profile",
        program(
            session(
                f"await session.execute(text('{PARENTS}'))\nawait session.execute(text('PRAGMA foreign_keys = OFF'))\n"
                f"await session.execute(text('{OUT_OF_ORDER}'))\n"
                "await session.execute(text('INSERT INTO a VALUES (2, NULL)'))"
            )
        ),
        part("(PRAGMA.*?) checks", code("PRAGMA foreign_keys = OFF")),
    ),
    Trial(
        "commit or close that session before, or do the work in it",
        program(
            session(
                f"{TABLE}\n#\nasync with data.session() as other:\n"
                "    await other.execute(text('CREATE TABLE IF NOT EXISTS u (id INTEGER)'))"
            )
        ),
        part("(commit)", code("#", "await session.{}()")),
    ),
)

ON_A_SERVER = (
    Trial(
        "close sessions sooner (do not open a second one while the first is in use), or raise pool_size in {}{}",
        program(TWO_SESSIONS),
        part("(pool_size)", lambda sandbox, run, fix: line("pool_size = 1")(sandbox, run, f"{fix} = 2")),
        ONE_CONNECTION,
    ),
    Trial(
        'change the parameters: parameters["password"] = token',
        program(LISTENER),
        part(": (.*)", code("return object()")),
        {"myfy.toml": HEAD},
    ),
    Trial(
        "leave {} as it is",
        program(LISTENER.replace("return object()", 'parameters["timeout"] = 7')),
        lambda _, run, __: code('parameters["timeout"] = 7', "pass")(_, run, ""),
        {"myfy.toml": HEAD},
    ),
)

TRIALS = (*FILES, *SESSIONS)
BY_FIX = {trial.fix: trial for trial in TRIALS}
