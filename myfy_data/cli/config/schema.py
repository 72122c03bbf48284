"""`config schema`: the JSON Schema of the configuration file, printed, written, or compared."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.options import LoadOptions, load_options

SCHEMA_FILE = "schemas/myfy.schema.json"
"""Where the schema stands, seen from the directory of `myfy.toml`; its first line names this path."""


@click.command(cls=StrictCommand)
@click.option("--output", "target", metavar="FILE", help="Write the schema to FILE instead of printing it.")
@click.option(
    "--check", "compare", is_flag=True, help=f"Exit with 1 when FILE, or {SCHEMA_FILE}, is stale; write nothing."
)
@load_options
def schema(options: LoadOptions, *, target: str | None, compare: bool) -> int:
    """Print the JSON Schema of the configuration file.

    Draft-07, for editors and for CI. It judges one file as the loader does. It is the same for every project, so it
    reads no configuration.
    """
    text = schema_text()
    if compare:
        return _report(stale(Path(target) if target else _default_file(options), text))
    if target is None:
        output.answers().write(text)
        return 0
    from myfy_data.cli.atomic_write import write_files

    write_files({Path(target): text.encode()})
    output.write([[f"wrote {target}"]])
    return 0


def schema_text() -> str:
    """The schema as its file holds it; the same text on every machine."""
    from myfy_data.settings.schema.json_schema import build_schema

    return json.dumps(build_schema(), indent=2) + "\n"


def stale(path: Path, text: str) -> str:
    """What is wrong with the file that should hold the schema, with the line that renews it; empty when nothing is."""
    try:
        if path.read_text(encoding="utf-8") == text:
            return ""
        state = "is stale: the settings have changed since it was written"
    except FileNotFoundError:
        state = "does not exist"
    except (OSError, UnicodeDecodeError):
        state = "cannot be read"
    return f"{path}: {state}\n  fix: myfy-data config schema --output {shlex.quote(str(path))}"


def _report(message: str) -> int:
    if message:
        output.write_error(message)
    return 1 if message else 0


def _default_file(options: LoadOptions) -> Path:
    """The schema beside the configuration that the other commands would read."""
    from myfy_data.layers.files.discovery import Discovery
    from myfy_data.layers.layer import Findings

    if options.config:
        return Path(options.config[0]).parent / SCHEMA_FILE
    discovery = Discovery(None, Findings())
    root = discovery.search().root
    return Path(SCHEMA_FILE) if root is None or root == discovery.start else root / SCHEMA_FILE
