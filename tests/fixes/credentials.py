"""Fixes of what gives a connection its password: a function, a command or a file."""

from __future__ import annotations

from tests.fixes.trial import Trial, command, line, part, shown

HEAD = '[data.profiles.main]\ndatabase_url = "<url>"\n'
OPTIONS = "[data.profiles.main.credentials_options]"
IMPORTS = "from datetime import UTC, datetime, timedelta\nfrom myfy_data import Credentials\n\n\n"
GIVE = f"{IMPORTS}def give(request):\n    name = request.username\n    token = 'x'\n    return "
PING = command("ping")


def asks(credentials: str, *options: str, **files: str) -> dict[str, str]:
    """A project whose profile asks for its password like this."""
    table = "\n".join([OPTIONS, *options]) if options else ""
    return {"myfy.toml": f'{HEAD}credentials = "{credentials}"\n{table}\n', **files}


def gives(answer: str) -> dict[str, str]:
    """A project whose own function gives this."""
    return asks("app.tokens:give", **{"app/tokens.py": f"{GIVE}{answer}\n"})


def said(text: str, *options: str) -> dict[str, str]:
    """A project whose password stands in a file with this text."""
    return asks("file", 'path = "db.json"', *options, **{"db.json": text})


TOKENS = "app/tokens.py"

FUNCTIONS = (
    Trial(
        "return Credentials(password=token) of myfy_data",
        PING,
        part("(return .*) of", line("return 'x'", file=TOKENS)),
        gives("'x'"),
    ),
    Trial(
        "Credentials(password=token)",
        PING,
        line("Credentials(password='')", file=TOKENS),
        gives("Credentials(password='')"),
    ),
    Trial(
        "Credentials(password=token, username=name)",
        PING,
        line("Credentials(password=token, username=7)", file=TOKENS),
        gives("Credentials(password=token, username=7)"),
    ),
    Trial(
        "expires_at=datetime.now(UTC) + timedelta(minutes=15)",
        PING,
        line("expires_at=15", file=TOKENS),
        gives("Credentials(password=token, expires_at=15)"),
    ),
    Trial(
        "max_connection_age=3600.0",
        PING,
        line("max_connection_age='1 h'", file=TOKENS),
        gives("Credentials(password=token, max_connection_age='1 h')"),
    ),
    Trial("python -c 'import {}'", PING, shown, asks("tokens_of_nobody:give"), leads_to="tokens_of_nobody"),
    Trial(
        'credentials = "{}:{}"',
        PING,
        line('credentials = "app.tokens:gife"'),
        asks("app.tokens:gife", **{TOKENS: f"{GIVE}Credentials(password=token)\n"}),
    ),
    Trial('credentials = "{}"', PING, line('credentials = "comand"'), asks("comand", 'command = ["echo", "x"]')),
    Trial(
        'install the package that provides it, or credentials = "{}"',
        PING,
        part("or (.*)", line('credentials = "vault-of-nobody"')),
        asks("vault-of-nobody"),
        leads_to="cannot import",
    ),
)

TEXTS = (
    Trial(
        'path = "/run/secrets/db.json"',
        PING,
        line(below=OPTIONS),
        asks("file", 'format = "json"'),
        leads_to="/run/secrets/db.json",
    ),
    Trial("ls -l {}", PING, shown, asks("file", 'path = "db.json"', **{"db.json/a file": ""}), leads_to="a file"),
    Trial(
        "write the credentials to {}",
        PING,
        part("to (.*)", lambda sandbox, run, fix: (sandbox.write(fix, "x"), run)[1]),
        said(""),
    ),
    Trial(
        '{"password": "..."}',
        PING,
        lambda sandbox, run, fix: (sandbox.write("db.json", fix), run)[1],
        said("x", 'format = "json"'),
    ),
    Trial(
        '"expires_at": "2030-01-31T12:00:00Z"',
        PING,
        line('"expires_at": "soon"', file="db.json"),
        said('{"password": "x", "expires_at": "soon"}', 'format = "json"'),
    ),
    Trial('format = "json"', PING, line('format = "yaml"'), said('{"password": "x"}', 'format = "yaml"')),
    Trial("lifetime = 900.0", PING, line("lifetime = -1"), said("x", "lifetime = -1")),
    Trial(
        "delete {}",
        PING,
        part("delete (.*)", lambda sandbox, run, fix: line(f"{fix} = 1\n")(sandbox, run, "")),
        said("x", "colour = 1"),
    ),
    Trial(
        "install {}, or name it with its path",
        PING,
        lambda sandbox, run, _: line("programm")(sandbox, run, "/bin/echo"),
        asks("command", 'command = ["programm", "x"]'),
    ),
)

TRIALS = (*FUNCTIONS, *TEXTS)
