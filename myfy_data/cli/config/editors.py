"""What an editor needs in a project: the schema for its files, and the check as a task that marks the lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

_SCHEMA = "schemas/myfy.schema.json"
_TOML = ("myfy.toml", "config/*.toml")
_YAML = ("myfy.yaml", "myfy.yml", "config/*.yaml", "config/*.yml")

_EXTENSIONS = {"recommendations": ["tamasfe.even-better-toml", "redhat.vscode-yaml"]}
_SETTINGS = {"yaml.schemas": {f"./{_SCHEMA}": list(_YAML)}}
_TASKS = {
    "version": "2.0.0",
    "tasks": [
        {
            "label": "myfy-data: check the configuration",
            "type": "shell",
            "command": "myfy-data config check --strict",
            "problemMatcher": {
                "owner": "myfy-data",
                "fileLocation": ["autoDetect", "${workspaceFolder}"],
                "pattern": {
                    "regexp": r"^(?:(warning): )?(.+?):(\d+):(\d+): (.*)$",
                    "severity": 1,
                    "file": 2,
                    "line": 3,
                    "column": 4,
                    "message": 5,
                },
            },
        }
    ],
}

_ITEM = """\
                  <Item>
                    <option name="pattern" value="true" />
                    <option name="path" value="{path}" />
                    <option name="mappingKind" value="Pattern" />
                  </Item>
"""
_MAPPINGS = """\
<?xml version="1.0" encoding="UTF-8"?>
<project version="4">
  <component name="JsonSchemaMappingsProjectConfiguration">
    <state>
      <map>
        <entry key="myfy-data">
          <value>
            <SchemaInfo>
              <option name="name" value="myfy-data" />
              <option name="relativePathToSchema" value="{schema}" />
              <option name="patterns">
                <list>
{items}\
                </list>
              </option>
            </SchemaInfo>
          </value>
        </entry>
      </map>
    </state>
  </component>
</project>
"""


def _vscode(root: Path) -> dict[Path, str]:
    """A TOML file names its schema in its first line; YAML's stands in the settings, and the check is a task."""
    folder = root / ".vscode"
    return {
        folder / "extensions.json": _json(_EXTENSIONS),
        folder / "settings.json": _json(_SETTINGS),
        folder / "tasks.json": _json(_TASKS),
    }


def _pycharm(root: Path) -> dict[Path, str]:
    items = "".join(_ITEM.format(path=path) for path in (*_TOML, *_YAML))
    return {root / ".idea" / "jsonSchemas.xml": _MAPPINGS.format(schema=_SCHEMA, items=items)}


EDITORS: Mapping[str, Callable[[Path], dict[Path, str]]] = {"vscode": _vscode, "pycharm": _pycharm}
"""The files of each editor, from the directory of `myfy.toml`."""


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
