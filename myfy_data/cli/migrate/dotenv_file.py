"""A file of variables, such as `.env`: whole URLs, parts of an address, and settings of the upstream package."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from myfy_data.cli.migrate.addresses import async_driver, put_url
from myfy_data.cli.migrate.draft import MAIN, Draft, ProfileDraft, is_secret
from myfy_data.layers.key_spec import PREFIX, Kind
from myfy_data.layers.variables.coercion import TextError, read_text
from myfy_data.settings.key_spec import KEY_SPEC

_URL = re.compile(r"(?:(\w+?)_)??(?:DATABASE|DB|SQLALCHEMY_DATABASE|POSTGRES|POSTGRESQL|MYSQL|MARIADB)_(?:URL|URI|DSN)")
_GROUPS = {
    "DB": "",
    "DATABASE": "",
    "POSTGRES": "postgresql",
    "POSTGRESQL": "postgresql",
    "PG": "postgresql",
    "MYSQL": "mysql",
    "MARIADB": "mysql",
}
_PARTS = {
    "HOST": "host",
    "SERVER": "host",
    "HOSTNAME": "host",
    "PORT": "port",
    "NAME": "database",
    "DB": "database",
    "DATABASE": "database",
    "USER": "username",
    "USERNAME": "username",
    "PASSWORD": "password",
    "PASS": "password",
    "PASSWD": "password",
    "ENGINE": "driver",
    "DRIVER": "driver",
    "DIALECT": "driver",
    "CONNECTION": "driver",
    "TYPE": "driver",
    "SSLMODE": "tls",
    "SSL_MODE": "tls",
    "SSLROOTCERT": "tls_ca",
    "POOL_SIZE": "pool_size",
    "MAX_OVERFLOW": "max_overflow",
    "POOL_TIMEOUT": "pool_timeout",
    "POOL_RECYCLE": "pool_recycle",
    "POOL_PRE_PING": "pool_pre_ping",
    "ECHO": "echo",
    "APPNAME": "application_name",
}
_PART = re.compile(
    rf"({'|'.join(sorted(_GROUPS, key=len, reverse=True))})_?({'|'.join(sorted(_PARTS, key=len, reverse=True))})"
)
_TUNING = re.compile(r"SQLALCHEMY_(POOL_SIZE|MAX_OVERFLOW|POOL_TIMEOUT|POOL_RECYCLE|POOL_PRE_PING|ECHO)")
_ADDRESS = re.compile(r"(postgres|mysql|mariadb|sqlite)[\w+]*://")
_OF_SERVERS = re.compile(r"(POSTGRES|MYSQL|MARIADB)_(INITDB|ROOT|RANDOM|ALLOW|HOST_AUTH).*")


@dataclass(frozen=True, slots=True)
class Line:
    """One variable of a file."""

    name: str
    value: str
    place: str


def read_dotenv_file(draft: Draft, text: str, file: str) -> None:
    """Carry over what a file of variables says about databases."""
    lines = list(_bindings(text, file))
    for line in lines:
        _put_whole_url(draft, line)
        if line.name.startswith(PREFIX):
            _put_ours(draft, line)
    groups: dict[str, list[tuple[str, Line]]] = {}
    for line in lines:
        if found := _PART.fullmatch(line.name):
            groups.setdefault(found[1], []).append((_PARTS[found[2]], line))
        elif found := _TUNING.fullmatch(line.name):
            groups.setdefault("", []).append((_PARTS[found[1]], line))
        else:
            _tell_unused(draft, line)
    for group, parts in sorted(groups.items(), key=lambda item: item[0] == ""):
        _put_group(draft, group, parts)


def _tell_unused(draft: Draft, line: Line) -> None:
    """Tell of a variable that is about a database, and is read by nothing here."""
    if _OF_SERVERS.fullmatch(line.name):
        draft.note(line.place, f"{line.name} is the server's own setting, and was left out")
    elif _ADDRESS.match(line.value) and not _URL.fullmatch(line.name) and not line.name.startswith(PREFIX):
        draft.note(line.place, f"{line.name} holds the address of a database, and was left out")


def _bindings(text: str, file: str) -> Iterator[Line]:
    from dotenv.parser import parse_stream

    for binding in parse_stream(io.StringIO(text)):
        if binding.key and binding.value:
            source = binding.original.string
            blank = source[: len(source) - len(source.lstrip())]
            yield Line(binding.key, binding.value, f"{file}:{binding.original.line + blank.count(chr(10))}")


def _put_whole_url(draft: Draft, line: Line) -> None:
    found = _URL.fullmatch(line.name)
    if found is None or line.name.startswith(PREFIX):
        return
    profile = draft.profile(found[1] or MAIN)
    if ("database_url",) in profile.entries:
        draft.note(line.place, f"{line.name} is left out: another variable gives {profile.name} its address")
    elif not put_url(draft, profile, line.value, line.place) and not profile.entries:
        del draft.profiles[profile.name]


def _put_group(draft: Draft, group: str, parts: list[tuple[str, Line]]) -> None:
    """Variables that are parts of one address, such as `DB_HOST` and `DB_NAME`."""
    profile = draft.profile(MAIN)
    has_address = {("database_url",), ("driver",)} & profile.entries.keys()
    address = [(key, line) for key, line in parts if key in KEY_SPEC.identity]
    if has_address and address:
        draft.note(address[0][1].place, f"{group}_... is left out: another variable gives {MAIN} its address")
    elif address and not _put_driver(draft, profile, group, dict(address)):
        draft.profiles.pop(MAIN)
        return
    for key, line in parts:
        if key != "driver" and not (has_address and key in KEY_SPEC.identity):
            _put_part(draft, profile, key, line)
    if not {("database_url",), ("driver",)} & profile.entries.keys():
        draft.profiles.pop(MAIN)
        draft.note(parts[0][1].place, "tuning of a database that no variable names, and was left out")


def _put_driver(draft: Draft, profile: ProfileDraft, group: str, address: Mapping[str, Line]) -> bool:
    line = address.get("driver")
    said = line.value.rpartition(".")[2].replace("_psycopg2", "").replace("sqlite3", "sqlite") if line else ""
    place = (line or next(iter(address.values()))).place
    port = address["port"].value if "port" in address else ""
    guessed = said or _GROUPS[group] or {"5432": "postgresql", "3306": "mysql"}.get(port, "")
    driver = async_driver(guessed.replace("pgsql", "postgresql")) if guessed else None
    if driver is None:
        draft.note(place, f"{group}_... names no database that is supported: to be carried over by hand")
        return False
    profile.put("driver", driver, place)
    return True


def _put_part(draft: Draft, profile: ProfileDraft, key: str, line: Line) -> None:
    if is_secret((key,)):
        # The variable itself stays where it is, and is referred to.
        profile.put(key, f"${{{line.name}}}", line.place)
    else:
        put_text(draft, profile, (key,), line)


def put_text(draft: Draft, profile: ProfileDraft, path: tuple[str, ...], line: Line) -> None:
    """A key whose value is text, read by the type that the key takes."""
    kind = KEY_SPEC.kind(path) or Kind.TEXT
    if "${" in line.value:
        profile.put(path, line.value, line.place)
        return
    try:
        profile.put(path, read_text(kind, line.value), line.place)
    except TextError as error:
        draft.note(line.place, f"{line.name} is to be carried over by hand: expected {error.expected}")


def _put_ours(draft: Draft, line: Line) -> None:
    """A variable of this package or of the one upstream: flat, or of a profile."""
    words = line.name[len(PREFIX) :].lower().split("__")
    name, path = (words[1], tuple(words[2:])) if words[0] == "profiles" and len(words) > 2 else (MAIN, tuple(words))
    if path == ("environment",):
        draft.note(line.place, f"{line.name} stays a variable: it says which overlay is read")
        return
    if KEY_SPEC.kind(path) is None:
        draft.note(line.place, f"{line.name} is no setting, and was left out")
        return
    profile = draft.profile(name)
    if path == ("database_url",):
        if not put_url(draft, profile, line.value, line.place) and not profile.entries:
            del draft.profiles[profile.name]
    elif is_secret(path):
        draft.put_secret(profile, path, line.value, line.place)
    else:
        put_text(draft, profile, path, line)
