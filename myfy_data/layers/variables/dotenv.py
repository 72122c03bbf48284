"""`.env` beside `myfy.*`, read by python-dotenv's own parser and never written to the process (contract C3.2)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from myfy_data.layers.files.document import LayerSyntaxError, read_text_file
from myfy_data.layers.key_spec import PREFIX
from myfy_data.layers.layer import Findings
from myfy_data.layers.variables.fitting import is_ours
from myfy_data.layers.variables.reader import Variable
from myfy_data.origins import Origin


@dataclass(frozen=True, slots=True)
class DotenvFile:
    """What `.env` holds.

    Attributes:
        ours: the `MYFY_DATA_` variables, in the order of their lines.
        values: every variable, for interpolation; never printed.
        places: where each stands.
    """

    ours: tuple[Variable, ...] = ()
    values: dict[str, str] = field(default_factory=dict, repr=False)
    places: dict[str, Origin] = field(default_factory=dict)


def read_dotenv(path: Path | str, name: str, findings: Findings) -> DotenvFile | None:
    """Read `.env`; None when there is none. A broken line is a problem only when it is ours."""
    try:
        text = read_text_file(path, name)
    except LayerSyntaxError as error:
        findings.add(*error.problems)
        return DotenvFile()
    if text is None:
        return None
    ours, values, places = [], {}, {}
    for variable in _bindings(text, name, findings):
        values[variable.name] = variable.value
        places[variable.name] = variable.origin
        if is_ours(variable.name):
            ours.append(variable)
    return DotenvFile(tuple(ours), values, places)


def _bindings(text: str, name: str, findings: Findings) -> Iterator[Variable]:
    from dotenv.parser import parse_stream  # noqa: PLC0415 - costs 25 ms, and most projects have no .env

    for binding in parse_stream(io.StringIO(text)):
        if binding.key is None and not binding.error:
            continue  # a comment
        source = binding.original.string
        blank = source[: len(source) - len(source.lstrip())]
        line = binding.original.line + blank.count("\n")
        if binding.error or binding.key is None or binding.value is None:
            if PREFIX in source.upper():
                named = re.match(r"\s*(?:export\s+)?(\w+)", source)
                fix = f"write it as {named[1] if named else 'NAME'}='value'"
                findings.problem(f"{name}:{line}:1", (), "cannot be read as NAME=value", fix=fix)
            continue
        column = source[len(blank) :].find(binding.key) + len(blank.rpartition("\n")[2]) + 1
        yield Variable(binding.key, binding.value, Origin(name, line, column, binding.key))
