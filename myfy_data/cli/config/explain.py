"""`config explain`: which layers set one key, and what the key is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_keys
from myfy_data.cli.options import LoadOptions, load_options

if TYPE_CHECKING:
    from myfy_data.origins import KeyPath
    from myfy_data.settings.data_settings import DataSettings
    from myfy_data.settings.explain import Explanation
    from myfy_data.settings.schema.fields import Setting

_IN_VARIABLES = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything to tell about one key.

    Attributes:
        key: the key in full.
        value: the value in force, secrets masked; None for a table, or where nothing is set.
        said: what each layer said, the winner first, the default last.
        setting: what the key is.
        variables: the variables that would set it.
    """

    key: str
    value: Any
    said: Sequence[Explanation]
    setting: Setting
    variables: tuple[str, ...]


@click.command(cls=StrictCommand)
@click.argument("key", shell_complete=complete_keys)
@load_options
def explain(options: LoadOptions, *, key: str) -> int:
    """Tell who said what about KEY, and what KEY means.

    The winner comes first. KEY is written as config show prints it, such as profiles.main.pool_size; pool_size alone
    means the default profile.
    """
    output.write(render(answer(options.load(), key)))
    return 0


def answer(settings: DataSettings, key: str) -> Answer:
    """Everything to tell about a key.

    Raises:
        ConfigError: there is no such key.
    """
    from myfy_data.settings.effective import effective_rows, key_text
    from myfy_data.settings.schema.fields import find_setting

    path = settings.path_of(key)
    rows = effective_rows(settings, path[1] if path[0] == "profiles" else None)
    return Answer(
        key=key_text(path),
        value=next((row.value for row in rows if row.key == key_text(path)), None),
        said=settings.explain(key),
        setting=find_setting(path),
        variables=_variables(path, settings.default),
    )


def render(answer: Answer) -> Iterator[output.Line]:
    """The lines of an answer."""
    from myfy_data.settings.effective import written

    yield [(answer.key if answer.value is None else f"{answer.key} = {written(answer.value)}", "bold")]
    rows: list[list[output.Span]] = []
    for said in answer.said:
        place = str(said.origin) if said.key == answer.key else f"{said.origin} ({said.key})"
        text = written(said.value) if said.value is not None else "not set"
        if said.wins:
            rows.append([("  -> " + place, "green"), (text, "green")])
        else:
            rows.append(["     " + place, f"{text}  (covered)"])
    yield from output.columns(rows)
    yield from _about(answer)


def _about(answer: Answer) -> Iterator[output.Line]:
    setting = answer.setting
    unit = f", in {setting.unit}" if setting.unit else ""
    default = f"; default {setting.default}" if setting.default else "; no default"
    yield [f"  {setting.type}{unit}{default}"]
    yield [f"  {setting.meaning}"]
    if answer.variables:
        yield [f"  set by env: {', or '.join(answer.variables)}"]


def _variables(path: KeyPath, default: str | None) -> tuple[str, ...]:
    """The variables for a key; below a part that no variable can spell, the one for the whole table."""
    from myfy_data.layers.key_spec import variable_for

    inner = path[2:] if path[0] == "profiles" else path
    spelled = next((at for at, part in enumerate(inner) if not _IN_VARIABLES.fullmatch(part)), len(inner))
    note = "" if spelled == len(inner) else " (the whole table, as JSON)"
    inner = inner[:spelled]
    if path[0] != "profiles":
        return (variable_for(inner),)
    full = variable_for((*path[:2], *inner)) + note
    return (variable_for(inner) + note, full) if path[1] == default else (full,)
