"""The JSON Schema of the configuration file, generated from the models (contract C7, C2).

Draft-07, for the widest choice of editors. It judges one file before interpolation, so every key also takes text
with a `${NAME}` in it. What needs more than one file, such as a profile with neither URL nor driver, is left to
the loader; so are `5.0` for a whole number (to JSON Schema they are one value), `inf`, `nan` and dates.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from myfy_data.layers.key_spec import MAX_NAME, PROFILE_NAME
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.key_spec import KEY_SPEC, ROOT_KEYS
from myfy_data.settings.models import FREE_TABLES, PASSWORD_KEYS, TABLE_MODELS
from myfy_data.settings.root_tables import ROOT_TABLE_MODELS
from myfy_data.settings.schema import url_patterns
from myfy_data.settings.schema.fields import STRUCTURE, describe
from myfy_data.settings.schema.hover import add_hover_texts

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

HAS_REFERENCE = r"(^|[^$])\$\{"
"""Text that holds a reference; what it stands for is only known after interpolation (contract C3.7)."""

REFERENCES = r"^([^$]|\$\$+\{|\$\{[A-Za-z_][A-Za-z0-9_]*(:[-?]([^}$]|\$(?!\{))*)?\}|\$(?!\$*\{))*$"
"""Text in which each `${` opens a whole reference or is escaped as `$${`."""

_SPELLED = {"url": "URL", "tls": "TLS", "ca": "CA", "sqlite": "SQLite"}
_WHOLE_REFERENCES = {"allOf": [{"$ref": "#/definitions/references"}]}
_PRIVATE = {"^x-": {"$ref": "#/definitions/private"}}
_ENVIRONMENT = rf"^[A-Za-z0-9][A-Za-z0-9_-]*$|{HAS_REFERENCE}"


def build_schema() -> Schema:
    """The schema of a whole file; other packages' tables beside `data` are left alone."""
    schema: Schema = {
        "$schema": DRAFT,
        "title": "myfy-data configuration",
        "description": "The table `data` of myfy.toml, myfy.yaml and the overlays in config/. Generated: do not edit.",
        "type": ["object", "null"],  # an empty YAML file is null
        "properties": {"data": _data()},
        "patternProperties": _outside(),
        "definitions": {
            "profile": _profile(),
            "value": _anything("value") | _WHOLE_REFERENCES,
            "private": _anything("private"),
            "references": {
                "description": "References are ${NAME}, ${NAME:-default} or ${NAME:?message}; $${ is the text ${.",
                "pattern": REFERENCES,
            },
        },
    }
    return add_hover_texts(schema)


def _data() -> Schema:
    flat = {key: {"$ref": f"#/definitions/profile/properties/{key}"} for key in (*KEY_SPEC.profile, "unset")}
    return {
        "title": "myfy-data",
        "description": "Settings of the databases; keys that belong to a profile mean the default profile here.",
        "type": "object",
        "properties": {**_root(), "profiles": _profiles(), **flat},
        "patternProperties": _PRIVATE,
        "additionalProperties": False,
        "dependencies": _once(),
    }


def _root() -> Schema:
    told = describe(DataSettings)
    root = {key: _property(key, told[key]) for key in ROOT_KEYS if key not in ROOT_TABLE_MODELS}
    for key, model in ROOT_TABLE_MODELS.items():
        head = {"title": _title(key), "description": told[key]["description"], "type": "object"}
        root[key] = _or_reference(head | _typed_table(model, head))
    root["environment"] |= {"pattern": _ENVIRONMENT, "not": {"const": "local"}}
    return root


def _profiles() -> Schema:
    return {
        "title": "Profiles",
        "description": "The named databases.",
        "type": "object",
        "propertyNames": {"pattern": f"^{PROFILE_NAME.pattern}$", "maxLength": MAX_NAME},
        "additionalProperties": {"$ref": "#/definitions/profile"},
    }


def _profile() -> Schema:
    told = describe(DatabaseSettings)
    properties = {key: _property(key, told[key]) for key in KEY_SPEC.profile}
    properties["database_url"] |= _address()
    properties["driver"] |= {"pattern": f"{url_patterns.DRIVER}|{HAS_REFERENCE}"}
    return _table("Profile", "One database.", {**properties, **_structure()}) | {"dependencies": _once()}


def _address() -> Schema:
    refused = [{"description": reason, "not": {"pattern": no}} for reason, no in url_patterns.REFUSED.items()]
    return {"pattern": f"{url_patterns.ADDRESS}|{HAS_REFERENCE}", "allOf": [*_WHOLE_REFERENCES["allOf"], *refused]}


def _table(title: str, description: str, properties: Schema) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties,
        "patternProperties": _PRIVATE,
        "additionalProperties": False,
    }


def _structure() -> Schema:
    keys = {key: {"title": _title(key), **told} for key, told in STRUCTURE.items()}
    keys["extends"] |= {"pattern": f"^{PROFILE_NAME.pattern}$"}
    return keys


def _property(key: str, told: Schema) -> Schema:
    """One key's schema, which takes references as well; pydantic's versions order its parts differently."""
    schema = {"title": _title(key)} | {part: told[part] for part in sorted(told)}
    if key in FREE_TABLES:
        return _or_reference(schema | {"additionalProperties": {"$ref": "#/definitions/value"}})
    if key in TABLE_MODELS:
        return _or_reference(schema | _typed_table(TABLE_MODELS[key], schema))
    if "enum" in schema:
        return _choice(schema)
    if schema["type"] == "string":
        return schema | _WHOLE_REFERENCES
    return _or_reference(schema)


def _title(key: str) -> str:
    words = (_SPELLED.get(word, word) for word in key.split("_"))
    text = " ".join(words)
    return text[0].upper() + text[1:]


def _or_reference(schema: Schema) -> Schema:
    """The same with text that holds a reference: `pattern` judges text only, `minimum` numbers only."""
    return schema | {"type": [schema["type"], "string"], "pattern": HAS_REFERENCE} | _WHOLE_REFERENCES


def _choice(schema: Schema) -> Schema:
    """Fixed words as a pattern, because `enum` beside a reference needs an `anyOf`, which no editor explains."""
    words = schema.pop("enum")
    return schema | {"pattern": f"^({'|'.join(words)})$|{HAS_REFERENCE}", "examples": words} | _WHOLE_REFERENCES


def _typed_table(model: type[BaseModel], told: Schema) -> Schema:
    properties = {key: _property(key, inner) for key, inner in describe(model).items()}
    return _table(told["title"], told["description"], properties)


def _anything(name: str) -> Schema:
    """Any value but YAML's null, at any depth: a null says nothing that a merge could use (contract C3.4)."""
    reference = {"$ref": f"#/definitions/{name}"}
    types = ["string", "number", "boolean", "array", "object"]
    return {"type": types, "items": reference, "additionalProperties": reference}


def _one_password() -> Schema:
    """A layer gives a password once: by one of its keys, or in its URL (contract C3.8, C12.4)."""
    no_second = {"database_url": {"not": {"pattern": url_patterns.FULL_USERINFO}}}
    return {
        key: {"properties": no_second} | ({"propertyNames": {"not": {"enum": list(PASSWORD_KEYS[:at])}}} if at else {})
        for at, key in enumerate(PASSWORD_KEYS)
    }


def _once() -> Schema:
    """What one layer says once: its password, and its servers (contract C3.8, C11.1)."""
    no_host = {
        "database_url": {"not": {"pattern": url_patterns.HAS_HOST}},
        "query": {"propertyNames": {"not": {"const": "host"}}},
    }
    return {**_one_password(), "hosts": {"properties": no_host, "propertyNames": {"not": {"const": "host"}}}}


def _outside() -> Schema:
    """Our own words beside `data`: there nothing would read them (patterns, so that no editor offers them)."""
    words = "|".join(["default", *KEY_SPEC.profile])
    return {
        "^profiles$": {"description": "Stands outside the table `data`, where nothing reads it.", "not": {}},
        f"^({words})$": {"description": "A setting belongs into the table `data`.", "type": "object"},
    }
