"""Write the pages of `docs/reference/` that are made of the code, so that nothing is typed twice.

Usage: `python scripts/build_reference.py [--check]`. With `--check` nothing is written, and the exit code is 1 when a
page is stale.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import click  # noqa: E402 - the package under the script's own root is the one to describe

from myfy_data.cli.app import PROGRAM, app  # noqa: E402 - needs the path above
from myfy_data.settings.schema.fields import (  # noqa: E402 - as above
    Setting,
    profile_settings,
    root_settings,
    structure_settings,
)

GENERATED = "<!-- Made by scripts/build_reference.py: do not edit. -->"
HEAD = ("key", "type", "unit", "default", "meaning", "variable")

SETTINGS_INTRO = """\
The keys of the table `data` in `myfy.toml`, `myfy.yaml` and the overlays in `config/`. A key of a profile that stands
directly in `[data]`, or in a variable without a profile's name, means the default profile. For another profile the
variable is `MYFY_DATA_PROFILES__<NAME>__<KEY>`: `MYFY_DATA_PROFILES__READ_REPLICA__POOL_SIZE` sets `pool_size` of
`read-replica`. Tables whose keys are not ours (`query`, `execution_options`, `connect_args`, `engine_options`) come as
JSON from a variable. Keys that begin with `x-` are yours.
"""

COMMANDS_INTRO = """\
Exit codes: 0 when all is well, 1 when a check or a connection failed, 2 when the configuration or the command line
cannot be used, 130 after Ctrl-C. Every command takes, after its name:
"""

SHARED = ("--config", "--environment", "--set")


def pages() -> dict[Path, str]:
    """Each page with its text."""
    reference = ROOT / "docs" / "reference"
    return {reference / "settings.md": settings_page(), reference / "commands.md": commands_page()}


def settings_page() -> str:
    """The settings, table by table."""
    sections = (
        ("Beside the profiles", root_settings()),
        ("In a profile", profile_settings()),
        ("Inheritance and removal", structure_settings()),
    )
    text = [GENERATED, "# Settings", "", SETTINGS_INTRO]
    for title, settings in sections:
        text += [f"## {title}", "", *_table(settings), ""]
    return "\n".join(text)


def commands_page() -> str:
    """Every command with its help."""
    commands = list(_commands((PROGRAM,), app))
    text = [GENERATED, "# Commands", "", COMMANDS_INTRO, *_options(commands[0][1], shared=True), ""]
    for path, command in commands:
        text += [f"## {' '.join(path)}", "", *_command(path, command)]
    return "\n".join(text)


def _table(settings: Iterable[Setting]) -> Iterator[str]:
    yield _row(HEAD)
    yield _row(["---"] * len(HEAD))
    for setting in settings:
        default = f"`{setting.default}`" if setting.default else ""
        variable = f"`{setting.variable}`" if setting.variable else ""
        yield _row([f"`{setting.key}`", setting.type, setting.unit, default, setting.meaning, variable])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _commands(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, inner in sorted(command.commands.items()):
        yield from _commands((*path, name), inner)


def _command(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    arguments = [str(item.metavar or item.name).upper() for item in command.params if isinstance(item, click.Argument)]
    yield from ("```console", " ".join((*path, "[OPTIONS]", *arguments)), "```", "")
    yield inspect.cleandoc(command.help or "")
    yield ""
    if own := _options(command, shared=False):
        yield from (*own, "")


def _options(command: click.Command, *, shared: bool) -> list[str]:
    options = [item for item in command.params if isinstance(item, click.Option)]
    return [f"- `{_spelling(item)}`: {item.help}" for item in options if (item.opts[0] in SHARED) is shared]


def _spelling(option: click.Option) -> str:
    names = ", ".join(option.opts)
    return f"{names} {option.metavar}" if option.metavar else names


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are stale."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)}: is stale\n  fix: python scripts/build_reference.py")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pages()[path], encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
