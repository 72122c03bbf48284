"""What an editor shows where a key is typed: meaning, unit, default, variable and examples."""

from __future__ import annotations

from typing import Any

from myfy_data.origins import parse_key
from myfy_data.settings.schema.examples import examples_of
from myfy_data.settings.schema.fields import Setting, profile_settings, root_settings, structure_settings


def add_hover_texts(schema: dict[str, Any]) -> dict[str, object]:
    """The schema with each key's texts for editors; it is changed, and returned.

    Taplo and PyCharm show `description`, VS Code's JSON and YAML `markdownDescription`.
    """
    for settings, table in (
        (root_settings(), schema["properties"]["data"]),
        (profile_settings(), schema["definitions"]["profile"]),
        (structure_settings(), schema["definitions"]["profile"]),
    ):
        for setting in settings:
            node = table
            for key in parse_key(setting.key):
                node = node["properties"][key]
            node["examples"] = examples_of(setting.key, node)
            node["description"] = hover_text(setting)
            node["markdownDescription"] = hover_text(setting, mark="`")
    return schema


def hover_text(setting: Setting, mark: str = "") -> str:
    """One setting in a few words; `mark` stands around what is typed."""
    facts = [f"Default: {mark}{setting.default}{mark}" if setting.default else "No default"]
    if setting.unit:
        facts.append(f"unit: {setting.unit}")
    if setting.variable:
        facts.append(f"variable: {mark}{setting.variable}{mark}")
    return f"{setting.meaning} {'; '.join(facts)}."
