"""Write `docs/reference/errors.md` from the golden files, so that each message stands where a search finds it.

Usage: `python scripts/build_errors.py [--check]`. With `--check` nothing is written, and the exit code is 1 when the
page is stale.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from myfy_data import errors  # noqa: E402 - the package under the script's own root
from tests.golden import cases  # noqa: E402 - the tests beside the script
from tests.golden.project import golden_file  # noqa: E402 - as above

PAGE = ROOT / "docs" / "reference" / "errors.md"
PLACE = "/home/you/shop"

INTRO = """\
<!-- Made by scripts/build_errors.py: do not edit. -->
# Errors

## Exceptions

All of them come from `myfy_data`. `PoolExhausted` (no connection became free in time) belongs to the tree as well; it
is also SQLAlchemy's `TimeoutError`.
"""

CONFIGURATION = """\
What is wrong with the configuration is told at once, in one `ConfigError`: for each problem its place, the key, what
is wrong, and a fix. On the command line `myfy-data config check` prints the same and ends with 2. These are the
messages of the tests, which also follow each fix.
"""

NAMES = {name.lower(): name for name in ("SQLite", "YAML", "URL", "TLS", "MySQL", "UTF-8", "UTF-16", "NUL", "JSON")}


def page() -> str:
    """The whole page."""
    lines = [INTRO, *_block(exception_tree()), "## Configuration", "", CONFIGURATION]
    for module in _groups():
        name = module.__name__.rpartition(".")[2]
        lines += [f"### {name.capitalize()}", "", (module.__doc__ or "").strip(), ""]
        lines += _entries(getattr(module, name.upper()))
    return "\n".join(lines).rstrip("\n") + "\n"


def exception_tree() -> str:
    """The tree of exceptions, as the module's docstring draws it."""
    tree = re.search(r"(?:^ {4}.*\n)+", errors.__doc__ or "", re.MULTILINE)
    return textwrap.dedent(tree[0]) if tree else ""


def _groups() -> Iterator[ModuleType]:
    """The modules of cases: each has them in a mapping of its own name."""
    for found in pkgutil.iter_modules(cases.__path__, f"{cases.__name__}."):
        module = importlib.import_module(found.name)
        if hasattr(module, found.name.rpartition(".")[2].upper()):
            yield module


def _entries(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        title = " ".join(NAMES.get(word, word) for word in name.split())
        yield f"{title[0].upper()}{title[1:]}:"
        yield ""
        yield from _block(golden_file(name).read_text(encoding="utf-8").replace("<project>", PLACE))


def _block(text: str) -> list[str]:
    return ["```text", text.rstrip("\n"), "```", ""]


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is stale."""
    text = page()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in arguments:
        print(f"{PAGE.relative_to(ROOT)}: is stale\n  fix: python scripts/build_errors.py")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
