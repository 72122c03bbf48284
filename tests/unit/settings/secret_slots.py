"""Every place of a configuration that can hold a secret, and mistakes that people make around them."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myfy_data import DataSettings
from myfy_data.layers.loader import LoadRequest
from tests.unit.settings.spelling import in_dotenv


@dataclass
class Project:
    """A configuration with canaries in it.

    Attributes:
        files: text by path, relative to the project root.
        environ: variables.
        overrides: arguments.
    """

    files: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)

    def request(self, root: Path) -> LoadRequest:
        for path, text in self.files.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(text.encode())
        return LoadRequest(root, environ=self.environ, overrides=self.overrides)


def text(value: str) -> str:
    """A string as TOML, YAML and JSON alike write it."""
    return json.dumps(value, ensure_ascii=False)


def filed(value: str) -> str:
    """A string of a file, where `${` is a reference."""
    return text(value.replace("${", "$${"))


def quoted(value: str) -> str:
    return urllib.parse.quote(value, safe="")


BASE = '[data]\nsecrets_dir = "secrets"\n[data.profiles.main]\n'
SERVER = 'database_url = "postgresql://app@db.internal/main"\n'
Slot = tuple[Callable[[str], Project], Callable[[DataSettings], object]]


def in_file(lines: str, **more: str) -> Project:
    return Project({"myfy.toml": f"{BASE}{lines}", "secrets/.keep": "", **more})


def _dotenv(value: str) -> Project:
    said = in_dotenv(value)
    return in_file(SERVER, **{".env": f"MYFY_DATA_PASSWORD={said}\nDB_PASSWORD={said}\n"})


def _environ(lines: str, **environ: str) -> Project:
    project = in_file(lines)
    project.environ.update(environ)
    return project


def _override(**overrides: Any) -> Project:
    project = in_file(SERVER)
    project.overrides.update(overrides)
    return project


def _url(value: str) -> str:
    return f"postgresql://app:{quoted(value)}@db.internal/main"


def _table(*way: str) -> Callable[[DataSettings], object]:
    def found(loaded: DataSettings) -> object:
        value: Any = getattr(loaded.profile(), way[0])
        for key in way[1:]:
            value = value[key]
        return value

    return found


def _password(loaded: DataSettings) -> object:
    secret = loaded.profile().password
    return secret and secret.reveal()


def _address(loaded: DataSettings) -> object:
    secret = loaded.profile().url.password
    return secret and secret.reveal()


SLOTS: Mapping[str, Slot] = {
    "password": (lambda it: in_file(f"{SERVER}password = {filed(it)}\n"), _password),
    "overlay": (lambda it: in_file(SERVER, **{"config/local.yaml": f"data: {{password: {filed(it)}}}\n"}), _password),
    "URL": (lambda it: in_file(f"database_url = {text(_url(it))}\n"), _address),
    "parts": (lambda it: in_file(f'driver = "mysql"\nhost = "h"\npassword = {filed(it)}\n'), _address),
    "reference": (lambda it: _environ(f'{SERVER}password = "${{PW}}"\n', PW=it), _password),
    "connect_args": (
        lambda it: in_file(f"{SERVER}connect_args = {{ password = {filed(it)} }}\n"),
        _table("connect_args", "password"),
    ),
    "nested options": (
        lambda it: in_file(f"{SERVER}execution_options = {{ deep = {{ api_key = {filed(it)} }} }}\n"),
        _table("execution_options", "deep", "api_key"),
    ),
    "below a secret name": (
        lambda it: in_file(f"{SERVER}execution_options = {{ secrets = {{ a = {filed(it)} }} }}\n"),
        _table("execution_options", "secrets", "a"),
    ),
    "query": (
        lambda it: in_file(f"{SERVER}query = {{ sslpassword = {filed(it)} }}\n"),
        _table("query", "sslpassword"),
    ),
    "dotenv": (_dotenv, _password),
    "environment": (lambda it: _environ(SERVER, MYFY_DATA_PASSWORD=it), _password),
    "environment of a profile": (
        lambda it: _environ(SERVER, MYFY_DATA_PROFILES__MAIN__PASSWORD=it),
        _password,
    ),
    "URL in the environment": (lambda it: _environ("", MYFY_DATA_DATABASE_URL=_url(it)), _address),
    "JSON": (
        lambda it: _environ(SERVER, MYFY_DATA_CONNECT_ARGS=json.dumps({"password": it})),
        _table("connect_args", "password"),
    ),
    "override": (lambda it: _override(password=it), _password),
    "nested override": (
        lambda it: _override(profiles={"main": {"connect_args": {"x": [{"token": it}]}}}),
        lambda loaded: loaded.profile().connect_args["x"][0]["token"],
    ),
    "URL override": (lambda it: _override(database_url=_url(it)), _address),
    "secrets_dir": (lambda it: in_file(SERVER, **{"secrets/password": f"{it}\n"}), _password),
    "long secret name": (lambda it: in_file(SERVER, **{"secrets/MYFY_DATA_PASSWORD": it}), _password),
}
FILES_ONLY = frozenset({"secrets_dir", "long secret name"})

MISTAKES: Mapping[str, Callable[[str, Project], None]] = {
    "nothing": lambda it, project: None,
    "misspelt key": lambda it, project: _append(project, f"passwort = {filed(it)}\n"),
    "misspelt secret in a table": lambda it, project: _append(project, f"sqlite = {{ passwort = {filed(it)} }}\n"),
    "wrong type": lambda it, project: _append(project, 'pool_size = "many"\n'),
    "canary where a number belongs": lambda it, project: _append(project, f"tls_ca = {{ password = {filed(it)} }}\n"),
    "password as a list": lambda it, project: _append(project, f"[data.profiles.two]\npassword = [{filed(it)}]\n"),
    "password as a table": lambda it, project: _append(
        project, f"[data.profiles.two]\npassword = {{ a = {filed(it)} }}\n"
    ),
    "misspelt variable": lambda it, project: project.environ.update(MYFY_DATA_PASSWORT=it),
    "variable of nobody": lambda it, project: project.environ.update(MYFY_DATA_PROFILES__NOBODY__PASSWORD=it),
    "broken JSON": lambda it, project: project.environ.update(MYFY_DATA_ENGINE_OPTIONS=f'{{"password": {text(it)}'),
    "password twice": lambda it, project: _append(project, f"[data.profiles.main.extra]\npassword = {filed(it)}\n"),
    "misspelt override": lambda it, project: project.overrides.update(passwort=it),
    "override of the wrong type": lambda it, project: project.overrides.update(password=[it]),
    "misspelt secret file": lambda it, project: project.files.update({"secrets/MYFY_DATA_PASSWORT": it}),
    "half a reference": lambda it, project: _append(project, f"[data.profiles.two]\npassword = {text(it + '${')}\n"),
    "unset variable": lambda it, project: _append(
        project, f"[data.profiles.two]\npassword = {text(it.replace('$', '') + '${NOBODY}')}\n"
    ),
    "default of a reference": lambda it, project: _append(
        project, f"[data.profiles.two]\nport = {text('${NOBODY:-' + it.translate(_NO_BRACES) + '}')}\n"
    ),
    "password and file": lambda it, project: _append(
        project, f'[data.profiles.two]\ndriver = "mysql"\npassword = {filed(it)}\npassword_file = "p"\n'
    ),
}
_NO_BRACES = str.maketrans("", "", "{}")


def _append(project: Project, lines: str) -> None:
    project.files["myfy.toml"] += lines


BROKEN_URLS = (
    "postgresql://app:{}@db@two/main",
    "postgresql://app:{}@db/main?x=@y",
    "app:{}@db/main",
    "postgresql:/app:{}@db/main",
    "//app:{}@db/main",
    "{}",
    "oracle://app:{}@db/main",
    "{}://app@db/main",
    "postgresql://app:{}@db:port/main",
    "postgresql://app:{}@db:99999/main",
    "postgresql://app:{}@[::1/main",
    "postgresql://app:{}",
    "postgresql://app@db/main?password={}",
    "postgresql://app@db/main?pass%77ord={}",
    "postgresql://app@db/main?sslpassword={}&x=1",
    "sqlite://app:{}@db/main",
    "mysql://app:{}@db/main?ssl=prefer",
)
WAYS: Mapping[str, Callable[[str], Project]] = {
    "file": lambda url: in_file(f"database_url = {filed(url)}\n"),
    "environment": lambda url: _environ("", MYFY_DATA_DATABASE_URL=url),
    "override": lambda url: _override(database_url=url),
    "driver": lambda url: in_file(f"driver = {filed(url)}\n"),
    "port": lambda url: in_file(f"{SERVER}port = {filed(url)}\n"),
    "pool_size in the environment": lambda url: _environ(SERVER, MYFY_DATA_POOL_SIZE=url),
    "profile": lambda url: Project({"myfy.toml": f"[data.profiles]\nmain = {filed(url)}\n"}),
}
