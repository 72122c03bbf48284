"""`new`: a project to begin with, which passes its own tests: the shop of `examples/shop` on one host."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from myfy_data.cli import output
from myfy_data.cli.atomic_write import write_files
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.config.init import IGNORED, with_ignore_rules
from myfy_data.cli.config.schema import SCHEMA_FILE, schema_text
from myfy_data.errors import ConfigError, Problem

HOSTS = ("fastapi", "starlette", "litestar", "myfy")
TEMPLATE = Path("cli", "new_project")
"""Where the wheel has the shop, inside the package; a clone has it in `examples/shop`."""

_PACKAGE = Path(__file__).parents[1]
_SCHEMA_LINE = re.compile(r"^#:schema (?:\.\./){2}((?:\.\./)*)schemas", re.MULTILINE)
_LEFT_OUT = re.compile(r"(^|/)(\.|__pycache__|README\.md$)|\.db")
_TOOLS = "uvicorn httpx pytest pytest-asyncio"
_IGNORED = (*IGNORED, ".myfy/", ".venv/", "__pycache__/", ".pytest_cache/")


@click.command(cls=StrictCommand)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--host", type=click.Choice(HOSTS), default="fastapi", show_default=True, help="What serves it.")
def new(directory: Path, host: str) -> int:
    """Write a project that passes its own tests.

    A shop with two databases: models, migrations, seeds, a job, tests, and replicas in production. The directory must
    be new or empty.
    """
    refuse_what_is_there(directory)
    files = project_files(directory, host)
    write_files(files)
    output.write([[f"wrote {directory}: {len(files)} files, a shop on {host}"]])
    output.write(
        [
            [f'next: pip install "myfy-data[postgresql,embedded,{host}]" {_TOOLS}'],
            [f"      cd {shlex.quote(str(directory))}"],
            ["      pytest"],
            [f"      myfy-data dev -- uvicorn app_{host}:app"],
        ]
    )
    return 0


def refuse_what_is_there(directory: Path) -> None:
    """Refuse to write among files of others.

    Raises:
        ConfigError: something stands there.
    """
    if directory.is_dir() and not any(directory.iterdir()):
        return
    if directory.exists() or directory.is_symlink():
        raise ConfigError(
            [Problem(str(directory), "", "is there already", fix="name a directory that is new or empty")]
        )


def project_files(directory: Path, host: str) -> dict[Path, bytes]:
    """Every file of a new project with its content; `myfy.toml` refers to nothing that is written after it.

    Args:
        directory: where it will stand; its name becomes the project's.
        host: one of `HOSTS`.
    """
    files = {
        directory / SCHEMA_FILE: schema_text().encode(),
        directory / ".gitignore": with_ignore_rules(b"", _IGNORED),
    }
    for name, text in _template(host):
        files[directory / name] = _fitted(name, text, directory.resolve().name, host).encode()
    return files


def _template(host: str) -> Iterator[tuple[str, str]]:
    """The names and texts of the shop's files, without what belongs to other hosts."""
    packed = _PACKAGE / TEMPLATE
    root = packed if packed.is_dir() else _PACKAGE.parent / "examples" / "shop"
    others = {f"app_{other}.py" for other in HOSTS if other != host}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name not in others and not _LEFT_OUT.search(name):
            yield name, path.read_text(encoding="utf-8")


def _fitted(name: str, text: str, project: str, host: str) -> str:
    """A file as it is in a project of its own."""
    if name == "pyproject.toml":
        named = re.sub(r"[^A-Za-z0-9._-]+", "-", project).strip("-._") or "shop"
        text = text.replace('name = "shop"', f'name = "{named}"')
        return re.sub(r"myfy-data\[postgresql\](.*?) #.*", rf"myfy-data[postgresql,{host}]\1", text)
    return _SCHEMA_LINE.sub(lambda found: f"#:schema {found[1] or './'}schemas", text)
