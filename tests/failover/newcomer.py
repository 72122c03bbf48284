"""Follow the page "Failover with Patroni" as a newcomer does, on this machine, from nothing to a survived kill.

Usage: `python -m tests.failover.newcomer`. Exit code 1 when it did not go as the page says.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.clusters.packages import SYSTEM_PYTHON, program, python_packages
from tests.own_servers import Workspace, workspace
from tests.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "failover-with-patroni.md"
REQUIREMENTS = ("patroni[etcd3]", "psycopg[binary]", f"{ROOT}[postgresql]")
LIMIT = 600.0
"""Seconds for the whole page; it says a quarter of an hour, with reading."""

STORES = re.compile(r"^row \d+: (\d+) stores$", re.MULTILINE)


def steps(page: str) -> Iterator[str]:
    """The commands of a page that a newcomer types, in order; what installs is done for them."""
    for block in blocks(page):
        if block.argument("shown only") == "run by make failover":
            yield block.text


def prepare(work: Workspace) -> list[str]:
    """Put the page's files and programs into a directory; the words that run a command with them."""
    for name in ("nodes.sh", "writer.py"):
        work.write(name, (ROOT / "examples" / "failover" / name).read_text(encoding="utf-8"))
    [settings] = [one for one in blocks(PAGE.read_text(encoding="utf-8")) if one.argument("file") == "myfy.toml"]
    work.write("myfy.toml", settings.text)
    packages = python_packages("newcomer", *REQUIREMENTS)
    etcd, _ = program("etcd", "etcd-server")
    work.run("mkdir", "bin", "failover")
    work.run("cp", "-r", packages, work.path / "packages")
    work.run("cp", "-r", ROOT / "myfy_data", work.path / "packages")  # those are kept, and this one changes
    work.run("cp", etcd, work.path / "bin" / "etcd")
    work.run("ln", "-s", SYSTEM_PYTHON, work.path / "bin" / "python")
    work.run("cp", "nodes.sh", "writer.py", "myfy.toml", "failover")
    path = f"{work.path}/bin:{work.path}/packages/bin:/usr/bin:/bin"
    return ["env", f"PATH={path}", f"PYTHONPATH={work.path}/packages"]


def follow() -> str:
    """What the page's commands print."""
    with workspace("postgres") as work:
        words = prepare(work)
        script = "\n".join(["set -ex", "cd failover", *steps(PAGE.read_text(encoding="utf-8"))])
        said = work.path / "said"
        process = work.spawn([*words, "timeout", f"{LIMIT:g}", "bash", "-c", script], said)
        try:
            code = process.wait(LIMIT + 60)
        finally:
            end_what_stays(work.path)
        text = said.read_text(encoding="utf-8", errors="replace")
        return text if code == 0 else f"{text}\nexit code {code}"


def end_what_stays(place: Path) -> None:
    """End what the page started and did not stop; it is known by its working directory."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _stands_in(entry, place):
            subprocess.run(["kill", "-9", entry.name], check=False, capture_output=True)


def _stands_in(entry: Path, place: Path) -> bool:
    try:
        return (entry / "cwd").readlink().is_relative_to(place)
    except OSError:
        return False


def judge(text: str) -> list[str]:
    """What did not go as the page says."""
    found = {
        "a command failed": re.search(r"^exit code", text, re.MULTILINE) is not None,
        "one server alone stored rows": len(set(STORES.findall(text))) < 2,
        "no primary at the end": re.search(r"rows tried; 127\.0\.0\.1:\d+ is the primary", text) is None,
        "the killed server did not come back as a replica": len(re.findall(r"  replica, ", text)) < 4,
    }
    return [what for what, is_so in found.items() if is_so]


def main() -> int:
    """Run it."""
    text = follow()
    sys.stdout.write(text)
    wrong = judge(text)
    sys.stderr.write(f"{'; '.join(wrong) or 'it went as the page says'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
