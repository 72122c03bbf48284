"""The sound projects that cases are broken variations of."""

from __future__ import annotations

MAIN = '[data.profiles.main]\ndatabase_url = "sqlite+aiosqlite:///./app.db"\n'

TWO = MAIN + '\n[data.profiles.other]\ndatabase_url = "sqlite+aiosqlite:///./other.db"\n'

YAML = "data:\n  profiles:\n    main:\n      database_url: sqlite+aiosqlite:///./app.db\n"

SERVER = '[data.profiles.main]\ndriver = "postgresql"\nhost = "db.internal"\nusername = "app"\n'


def main(line: str) -> dict[str, str | bytes]:
    """A TOML file whose only profile ends with this line."""
    return {"myfy.toml": f"{MAIN}{line}\n"}


def yaml(line: str) -> dict[str, str | bytes]:
    """A YAML file whose only profile ends with this line."""
    return {"myfy.yaml": f"{YAML}      {line}\n"}


def server(line: str) -> dict[str, str | bytes]:
    """A TOML file whose only profile, on a server, ends with this line."""
    return {"myfy.toml": f"{SERVER}{line}\n"}


def url(text: str, more: str = "") -> dict[str, str | bytes]:
    """A TOML file whose only profile has this URL."""
    return {"myfy.toml": f'[data.profiles.main]\ndatabase_url = "{text}"\n{more}'}
