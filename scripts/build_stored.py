"""Write the table in `docs/explanation/what-is-stored-when.md` from what the tests hold every host to.

Usage: `python scripts/build_stored.py [--check]`. With `--check` nothing is written, and the exit code is 1 when the
page is stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.hosts.outcomes import (  # noqa: E402 - the tests beside the script
    CLIENT_GONE,
    EVERY_DATABASE,
    HOSTS,
    ROWS,
    Row,
)

PAGE = ROOT / "docs" / "explanation" / "what-is-stored-when.md"
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL, MariaDB"}
SERVERS = {"uvicorn": "uvicorn", "hypercorn": "hypercorn"}

_PART = re.compile(r"(<!-- (outcomes|departures): made by scripts/build_stored\.py -->\n).*?(<!-- end -->)", re.DOTALL)


def outcomes() -> str:
    """The table of the matrix."""
    head = ["The handler ...", "answered", "stored", "on"]
    return _table(head, ([row.title, str(row.status), _stored(row), _where(row)] for row in ROWS))


def _stored(row: Row) -> str:
    if row.act in ("both", "second_raised", "second_fails_at_commit"):
        first, second = (("yes" if rows else "no") for rows in (row.stored, row.second))
        return f"first: {first}, second: {second}"
    if row.act.startswith("committed_then"):
        return "all of it" if row.stored == 2 else "what it committed itself"
    return "yes" if row.stored else "no"


def _where(row: Row) -> str:
    databases = [] if row.databases == EVERY_DATABASE else [NAMES[name] for name in row.databases]
    hosts = [name for host, name in HOSTS.items() if host not in row.without] if row.without else []
    return "; ".join(filter(None, (", ".join(databases), ", ".join(hosts)))) or "every host and database"


def departures() -> str:
    """The table of clients that leave."""
    rows = ([SERVERS[name], "goes on to its end", "yes" if stored else "no"] for name, stored in CLIENT_GONE.items())
    return _table(["server", "the handler", "stored"], rows)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(_lines(head, rows)) + "\n"


def _lines(head: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"


PARTS: dict[str, Callable[[], str]] = {"outcomes": outcomes, "departures": departures}


def renewed(page: str) -> str:
    """The page with its tables made anew."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", page)


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is stale."""
    page = PAGE.read_text(encoding="utf-8")
    text = renewed(page)
    if text == page:
        return 0
    if "--check" in arguments:
        print(f"{PAGE.relative_to(ROOT)}: is stale\n  fix: python scripts/build_stored.py")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
