"""A draft as the text of a `myfy.toml`, each line with the place that it came from (contract C14.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from myfy_data.cli.migrate.draft import Draft, ProfileDraft
from myfy_data.origins import KeyPath
from myfy_data.settings.key_spec import KEY_SPEC

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(draft: Draft) -> str:
    """The text of the file."""
    lines = ["[data]", f"default = {json.dumps(next(iter(draft.profiles)))}"]
    for profile in draft.profiles.values():
        lines += ["", f"[data.profiles.{profile.name}]", *_lines(profile)]
    return "\n".join(lines) + "\n"


def _lines(profile: ProfileDraft) -> Iterator[str]:
    order = {key: number for number, key in enumerate(KEY_SPEC.profile)}
    for path, entry in sorted(profile.entries.items(), key=lambda item: order.get(item[0][0], len(order))):
        yield f"{_key(path)} = {_value(entry.value)}  # from: {entry.place}"


def _key(path: KeyPath) -> str:
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in path)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key((str(key),))} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
