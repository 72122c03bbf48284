"""Copies of other packages with one name changed, as a later release may be: a refusal by the public API."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.sandbox import child_environment, package_parent

DRIVER = """
import asyncio
from myfy_data import DatabaseSettings, DataModule

async def main():
    async with DataModule(settings=DatabaseSettings(database_url={url!r})):
        pass

asyncio.run(main())
"""
SQLITE, POSTGRESQL, MYSQL = (
    DRIVER.format(url=url)
    for url in ("sqlite:///a.db", "postgresql://app@127.0.0.1:1/app", "mysql://app@127.0.0.1:1/app")
)
STARLETTE = """
from starlette.applications import Starlette
from myfy_data import DatabaseSettings, DataModule
from myfy_data.integrations.starlette import setup
setup(Starlette(), DataModule(settings=DatabaseSettings(database_url="sqlite://")))
"""
LITESTAR = """
from myfy_data import DatabaseSettings, DataModule
from myfy_data.integrations.litestar import DataPlugin
DataPlugin(DataModule(settings=DatabaseSettings(database_url="sqlite://")))
"""

RELEASES = [
    ("aiomysql", "_process_auth", MYSQL),
    ("aiomysql", "_request_authentication", MYSQL),
    ("aiomysql", "_write_bytes", MYSQL),
    ("aiomysql", "_writer", MYSQL),
    ("asyncpg", "_transport", POSTGRESQL),
    ("aiosqlite", "_tx", SQLITE),
    ("sqlalchemy", "_do_get", SQLITE),
    ("starlette", "starlette.exception_handlers", STARLETTE),
    ("starlette", "is_async_callable", STARLETTE),
    ("litestar", "resolve_dependencies", LITESTAR),
]


def later_release(package: str, name: str, folder: Path) -> None:
    """A copy of an installed package in which a name is another one, everywhere."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    copy = folder / package
    # What does not change is linked, with what Python has compiled of it.
    shutil.copytree(Path(spec.origin).parent, copy, copy_function=os.symlink)
    word = re.compile(rf"(?<![\w.]){re.escape(name)}\b" if "." in name else rf"\b{re.escape(name)}\b")
    for path in copy.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        changed = word.sub(f"{name}_of_later", text)
        if changed != text:
            path.unlink()
            path.write_text(changed, encoding="utf-8")


@pytest.mark.parametrize(
    ("package", "name", "program"), RELEASES, ids=lambda value: str(value).split("\n", maxsplit=1)[0]
)
def test_a_release_that_names_it_otherwise_is_refused_with_the_line_that_mends_it(
    package: str, name: str, program: str, tmp_path: Path
) -> None:
    later_release(package, name, tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=child_environment() | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{package_parent()}"},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 1
    told = done.stderr.rstrip().splitlines()
    assert told[-2].startswith("myfy_data.errors.UnsupportedPackageError: ")
    assert name in told[-2]
    assert re.fullmatch(rf'  fix: pip install "{package}\S*>=\S+,<\S+".*', told[-1])
