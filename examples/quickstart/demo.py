"""The first look, on SQLite: `make demo`; `make demo DEMO_ARGS=--open` leaves the page of development open.

Every step checks what it shows. The first that does not hold ends the demo with exit code 1.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import click

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".demo"
"""Where everything is made; git ignores it."""
SHOP = WORK / "shop"

WHAT_IT_IS = """myfy-data gives an async Python application its databases: declared in layered files,
opened as pools and sessions of SQLAlchemy, one transaction for each request."""

OVERLAY = """[data.profiles.main]
database_url = "sqlite:///main.db"
pool_size = 5

[data.profiles.analytics]
database_url = "sqlite:///analytics.db"
"""

SECRET = "swordfish"  # noqa: S105 - it opens nothing; the demo shows that it is not shown
_NO_PROXY = build_opener(ProxyHandler({}))


class ClaimError(Exception):
    """A step did not show what it says."""


def claim(holds: object, what: str) -> None:
    """Go on only if it holds."""
    if not holds:
        raise ClaimError(what)


def styled(text: str, **style: object) -> str:
    """The text with a colour, where it goes to a terminal."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, **style)  # type: ignore[arg-type] - click's own keywords


def heading(text: str) -> None:
    """Begin a step."""
    print(f"\n{styled(f'== {text} ==', bold=True)}\n")


def say(text: str) -> None:
    """Show the text of a step, indented; a fix and a secret stand out."""
    for line in text.splitlines():
        style = {"fg": "green"} if "fix:" in line else {"fg": "yellow"} if "***" in line else {}
        print(styled(f"    {line}".rstrip(), **style))


def command(*arguments: str, variables: dict[str, str] | None = None, code: int = 0) -> str:
    """Run `myfy-data` in the shop, show it as it would be typed, return what it prints; it must end with `code`."""
    variables = variables or {}
    typed = " ".join([*(f"{name}={value}" for name, value in variables.items()), "myfy-data", *arguments])
    print(styled(f"$ {typed}", fg="cyan"))
    said = run(*arguments, variables=variables, code=code, folder=SHOP)
    say(said)
    return said


def run(*arguments: str, variables: dict[str, str] | None = None, code: int = 0, folder: Path = ROOT) -> str:
    """Run `myfy-data`; it must end with `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "myfy_data", *arguments],
        cwd=folder,
        env={**clean_environment(), **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    claim(
        done.returncode == code,
        f"`{' '.join(arguments)}` ends with {code} (it ended with {done.returncode}):\n{done.stdout}",
    )
    return done.stdout


def clean_environment() -> dict[str, str]:
    """The environment without your own settings: the demo shows the shop's."""
    ours = {name: value for name, value in os.environ.items() if not name.upper().startswith("MYFY_DATA_")}
    return ours | {"PYTHONIOENCODING": "utf-8"}


def show_project() -> None:
    """What it is, and a project."""
    print(styled(WHAT_IT_IS, bold=True))
    heading("1. A project with two databases, and their migrations")
    print(styled("$ myfy-data new shop --host starlette", fg="cyan"))
    say(run("new", str(SHOP), "--host", "starlette").splitlines()[0].replace(str(SHOP), "shop"))
    (SHOP / "config" / "development.toml").write_text(OVERLAY, encoding="utf-8")
    say("(config/development.toml: here both databases are SQLite files, in .demo/shop)")
    upgraded = command("db", "upgrade", "--all")
    answers = command("ping")
    for profile in ("main", "analytics"):
        claim(re.search(rf"^{profile} +upgraded +base -> 0001", upgraded, re.MULTILINE), f"{profile} is at head")
        claim(re.search(rf"^{profile}\b.*SQLite", answers, re.MULTILINE), f"{profile} answers as SQLite")
    claim("3 inserted" in command("db", "seed"), "the seeds are stored")


@contextmanager
def served() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The shop, served by uvicorn at a port that is free."""
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "app_starlette:app", "--port", "0", "--no-use-colors"],
        cwd=SHOP,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        lines = iter(process.stderr or ())
        address = next((found[1] for line in lines if (found := re.search(r"running on (http://\S+)", line))), "")
        claim(address, "the shop is served")
        yield address, process
    finally:
        process.terminate()
        process.communicate()


def ask(url: str, body: dict[str, object] | None = None) -> tuple[int, str]:
    """Send a request: a POST where it has a body."""
    content = None if body is None else json.dumps(body).encode()
    try:
        with _NO_PROXY.open(Request(url, content)) as answer:  # noqa: S310 - an address of this machine
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def stored() -> dict[str, int]:
    """What a connection of its own finds in both databases."""
    questions = {
        "orders": ("main.db", "SELECT count(*) FROM orders"),
        "apples left": ("main.db", "SELECT stock FROM items WHERE name = 'apple'"),
        "sales": ("analytics.db", "SELECT count(*) FROM sales"),
    }
    found = {}
    for name, (file, statement) in questions.items():
        with closing(sqlite3.connect(SHOP / file)) as connection:
            found[name] = connection.execute(statement).fetchone()[0]
    return found


def show_requests(address: str) -> None:
    """A request that is stored in two databases, and one that fails."""
    heading("2. A request that fails stores nothing, in either database")
    for quantity, status in ((2, 201), (500, 409)):
        print(styled(f"POST /orders: {quantity} apples", fg="cyan"))
        code, answer = ask(f"{address}/orders", {"item": "apple", "quantity": quantity, "email": "ada@example.org"})
        say(f"{code}  {answer}")
        now = stored()
        say(", ".join(f"{name}: {number}" for name, number in now.items()))
        claim(code == status, f"{quantity} apples are answered {status}")
        claim(now == {"orders": 1, "apples left": 98, "sales": 1}, "one order is stored, and nothing of the other")
    say("(both had sent their INSERTs when the second was refused; no handler says commit or rollback)")


def show_origins() -> None:
    """Where values come from, who wins, and what is not shown."""
    heading("3. Every value knows where it comes from; a secret is never shown")
    secret = {"DB_PASSWORD": SECRET}
    production = ("--environment", "production", "--profile", "main")
    said = command("config", "show", "--origin", "--no-defaults", *production, variables=secret)
    claim(re.search(r"^config/production\.toml:5:1 +profiles\.main\.password = \*\*\*$", said, re.M), "the origin")
    claim(SECRET not in said, "the password is not shown")
    print()
    said = command("config", "explain", "pool_size", variables={"MYFY_DATA_POOL_SIZE": "7"})
    claim(re.search(r"-> env MYFY_DATA_POOL_SIZE +7$", said, re.MULTILINE), "the variable is the winner")
    claim(re.search(r"development\.toml:3:1 +5 +\(covered\)$", said, re.MULTILINE), "the file is covered")


def show_mistake() -> None:
    """A misspelt key, its message, and its fix."""
    heading("4. A misspelt key: the message, and its fix")
    overlay = SHOP / "config" / "development.toml"
    overlay.write_text(OVERLAY.replace("pool_size = 5", "pool_sise = 5"), encoding="utf-8")
    message = command("config", "check", code=2)
    claim("config/development.toml:3:1: profiles.main.pool_sise" in message, "the message names file, line and key")
    fix = re.search(r"fix: rename it to (\w+)", message)
    claim(fix, "the message holds the fix")
    overlay.write_text(OVERLAY.replace("pool_size", fix[1] if fix else ""), encoding="utf-8")
    print("\nThe fix, done as it says:\n")
    command("config", "check")


def show_page(address: str, process: subprocess.Popen[str], *, opens: bool) -> None:
    """The page of development: what the requests above did."""
    heading("5. What the databases are doing, on a page")
    code, answer = ask(f"{address}/_data?json")
    claim(code == 200, "the page is there")
    requests = json.loads(answer)["requests"]
    for request in requests:
        say(f"{request['method']} {request['path']}: {request['status']}, {request['count']} statements")
    claim(sorted(request["status"] for request in requests) == [201, 409], "the page has both requests")
    if not opens:
        say("(to look at it yourself: make demo DEMO_ARGS=--open)")
        return
    print(f"\n{address}/_data    Ctrl-C ends it")
    webbrowser.open(f"{address}/_data")
    with suppress(KeyboardInterrupt):
        process.wait()


def main(arguments: list[str]) -> int:
    """Run the demo."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    try:
        show_project()
        with served() as (address, process):
            show_requests(address)
            show_origins()
            show_mistake()
            show_page(address, process, opens="--open" in arguments)
    except ClaimError as error:
        print(f"\nThe demo failed. This does not hold: {error}", file=sys.stderr)
        return 1
    heading("All of this was checked while it ran")
    print("The shop is in .demo/shop. Next: docs/tutorial/tested-application.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
