"""`config migrate`: a `myfy.toml` made of another tool's configuration (contract C14.4)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.atomic_write import write_files
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.options import LoadOptions, load_options
from myfy_data.errors import ConfigError, Problem

if TYPE_CHECKING:
    from myfy_data.cli.migrate.draft import Draft


@click.command(cls=StrictCommand)
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--write", is_flag=True, help="Write myfy.toml, or what --config names; never over a file.")
@load_options
def migrate(options: LoadOptions, *, source: Path, write: bool) -> int:
    """Make a myfy.toml of another tool's configuration.

    SOURCE is a .env file, an alembic.ini, or Python: Django's settings, those of Flask-SQLAlchemy, advanced-alchemy's,
    or any module that makes an engine. None of it is run. The TOML is printed, each line with the place that it came
    from; passwords become references to variables. What could not be carried over is told on standard error.
    """
    from myfy_data.cli.migrate.source import read_source
    from myfy_data.cli.migrate.toml_text import toml_text

    target = _target(options)
    if write and target.exists():
        fix = f"myfy-data config migrate {shlex.quote(str(source))} > {shlex.quote(_free(target))}"
        raise ConfigError([Problem(str(target), "", "is there already, and stays as it is", fix=fix)])
    draft = read_source(source)
    text = toml_text(draft)
    if write:
        write_files({target: text.encode()})
        output.write([[f"wrote {target}"]])
    else:
        output.answers().write(text)
    _tell(draft)
    return 0


def _target(options: LoadOptions) -> Path:
    if len(options.config) > 1:
        raise click.UsageError("config migrate writes one file, so it takes one --config")
    return Path(options.config[0] if options.config else "myfy.toml")


def _free(target: Path) -> str:
    """A name beside the target that no file has."""
    number = 2
    while (path := target.with_name(f"{target.stem}.{number}{target.suffix}")).exists():
        number += 1
    return str(path)


def _tell(draft: Draft) -> None:
    for line in (*draft.notes, *draft.set_secrets()):
        output.write_error(line)
    output.write_error("next: myfy-data config check")
