"""`config init`: the first `myfy.toml`, its schema, and ignore rules for what belongs to one machine only."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

import click

from myfy_data.cli import output
from myfy_data.cli.atomic_write import write_files
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.config.editors import EDITORS
from myfy_data.cli.config.schema import SCHEMA_FILE, schema_text, stale
from myfy_data.cli.config.template import TEMPLATE_URL, template_text
from myfy_data.cli.options import LoadOptions, load_options
from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.fixes import set_aside

IGNORED = ("config/local.*", ".env", "*.db", "*.db-*")
"""What stays on one machine: local overlays, variables with secrets, the database that the first profile makes."""

_OTHER_FORMS = ("myfy.yaml", "myfy.yml")


@click.command(cls=StrictCommand)
@click.option("--force", is_flag=True, help="Write over a myfy.toml that is there.")
@click.option("--editor", type=click.Choice(tuple(EDITORS)), help="Write what this editor needs, in any project.")
@load_options
def init(options: LoadOptions, *, force: bool, editor: str | None) -> int:
    """Write a first myfy.toml, its schema and ignore rules.

    The schema is the one that the first line of myfy.toml names, for editors; the rules keep local files out of git.
    The file goes into the working directory, or where --config says. It refuses to write over one that is there.
    """
    base = _asked_file(options)
    if editor is not None and base.exists() and not force:
        return _write_for(editor, base)
    if not force:
        refuse_to_overwrite(base)
    files = new_files(base)
    write_files(files)
    output.write([[f"wrote {path}"] for path in files])
    output.write([[f"database: {sqlite_file(base)}"]])
    options.load()  # other layers may be wrong, and now is the time to hear of it
    output.write([["next: myfy-data config check"]])
    return 0 if editor is None else _write_for(editor, base)


def _write_for(editor: str, base: Path) -> int:
    """Write an editor's files, and the schema where there is none; a file that is there stays, and its text is told."""
    wanted = {base.parent / SCHEMA_FILE: schema_text(), **EDITORS[editor](base.parent)}
    there = {path: text for path, text in wanted.items() if path.exists()}
    new = {path: text.encode() for path, text in wanted.items() if path not in there}
    write_files(new)
    output.write([[f"wrote {path}"] for path in new])
    for path, text in there.items():
        if path.name != Path(SCHEMA_FILE).name and path.read_text(encoding="utf-8", errors="replace") != text:
            output.write_error(f"{path}: is there already, and stays as it is; add to it by hand:\n{text.rstrip()}")
    return 0


def new_files(base: Path) -> dict[Path, bytes]:
    """Every file to write with its content; `myfy.toml` last, so that nothing refers to what is not there yet."""
    ignore = base.parent / ".gitignore"
    before = ignore.read_bytes() if ignore.exists() else b""
    after = with_ignore_rules(before, IGNORED)
    files = {base.parent / SCHEMA_FILE: schema_text().encode()}
    if after != before:
        files[ignore] = after
    return files | {base: template_text().encode()}


def with_ignore_rules(content: bytes, rules: Iterable[str]) -> bytes:
    """A `.gitignore` that holds each rule once; what stood in it stays as it was."""
    present = {line.strip().lstrip(b"/") for line in content.splitlines()}
    missing = [rule.encode() for rule in rules if rule.encode() not in present]
    if not missing:
        return content
    if content and not content.endswith(b"\n"):
        content += b"\n"
    return content + b"\n".join(missing) + b"\n"


def sqlite_file(base: Path) -> str:
    """Where the database of the template will be (contract C3.12)."""
    from myfy_data.settings.urls import absolute_sqlite, parse_url

    return str(absolute_sqlite(parse_url(TEMPLATE_URL), base.parent.resolve()).database)


def refuse_to_overwrite(base: Path) -> None:
    """Refuse to replace what is there already.

    Raises:
        ConfigError: the file is there, or a schema that is another than ours.
    """
    schema = base.parent / SCHEMA_FILE
    there = [base] if base.exists() else []
    if schema.exists() and stale(schema, schema_text()):
        there.append(schema)
    option = "" if base == Path("myfy.toml") else f" --config {shlex.quote(str(base))}"
    fixes = {base: f"myfy-data config check{option}", schema: set_aside(schema)}
    if there:
        fact = "it stays as it is; --force writes over it"
        raise ConfigError([Problem(str(path), "", "is there already", (fact,), fixes[path]) for path in there])


def _asked_file(options: LoadOptions) -> Path:
    if len(options.config) > 1:
        raise click.UsageError("config init writes one file, so it takes one --config")
    base = Path(options.config[0] if options.config else "myfy.toml")
    others = [
        base.with_name(name) for name in _OTHER_FORMS if base.name == "myfy.toml" and base.with_name(name).exists()
    ]
    if others:
        message = "is there already, and one layer has one file"
        raise ConfigError([Problem(str(others[0]), "", message, (), set_aside(others[0]))])
    return base
