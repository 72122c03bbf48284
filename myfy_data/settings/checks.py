"""What must hold between the settings of one profile, beyond the type of each (contract C2, C3.5, C9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from myfy_data.errors import InvalidDatabaseURLError
from myfy_data.layers.advice import assignment, beside, removal
from myfy_data.layers.interpolation import has_references
from myfy_data.layers.layer import Findings, Layer, Tree
from myfy_data.origins import KeyPath, Origin
from myfy_data.redaction import DatabaseURL, brings_password
from myfy_data.settings.deadlines import Doubt, deadline_doubts
from myfy_data.settings.engine_options import option_faults
from myfy_data.settings.models import DatabaseSettings
from myfy_data.settings.pooling import pooler_conflicts, pooler_doubts
from myfy_data.settings.urls import ConnectionURL, URLError, parsed, resolve_driver

PRODUCTION = frozenset({"production", "prod", "live"})
"""Environments in which auto-create is refused and a missing `tls` is told (contract C2, C3.3)."""

SAMPLE_URL = "sqlite+aiosqlite:///./app.db"

_SSLMODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


def check_said(layer: Layer, findings: Findings) -> None:
    """Refuse what one layer says against itself: a password twice, and keys of inheritance of the wrong type."""
    for name, table in layer.profiles.items():
        if "password" in table or "password_file" in table:
            _check_password(layer, name, table, findings)
        if "extends" in table or "abstract" in table or "unset" in table:
            _check_structure(layer, name, table, findings)


def _check_structure(layer: Layer, name: str, table: Tree, findings: Findings) -> None:
    for key, expected, sample in _STRUCTURE:
        if key in table and not _fits(table[key], expected):
            path = ("profiles", name, key)
            origin = layer.origin(path)
            message = f"expected {_WORDS[key]}"
            findings.problem(origin, path, message, fix=assignment(origin, path, sample))


_STRUCTURE: tuple[tuple[str, type, object], ...] = (
    ("extends", str, "main"),
    ("abstract", bool, True),
    ("unset", list, ["pool_recycle"]),
)
_WORDS = {
    "extends": "the name of one profile, written out",
    "abstract": "true or false",
    "unset": "a list of key names",
}


def _fits(value: object, expected: type) -> bool:
    if isinstance(value, list):
        return expected is list and all(isinstance(item, str) for item in value)
    # A reference is resolved after the merge, and this is what the merge goes by.
    return isinstance(value, expected) and not (isinstance(value, str) and has_references(value))


def _check_password(layer: Layer, name: str, table: Tree, findings: Findings) -> None:
    by_url = brings_password(table.get("database_url"))
    if not by_url and not ("password" in table and "password_file" in table):
        return
    said = [key for key in ("password", "password_file") if table.get(key) is not None]
    if by_url:
        said.append("database_url")
    if len(said) < 2:
        return
    path = ("profiles", name)
    origin, other = layer.origin((*path, said[0])), layer.origin((*path, said[1]))
    message = f"the password is given twice: here and by {said[1]}"
    findings.problem(origin, (*path, said[0]), message, facts=(f"other at {other}",), fix=removal(origin))


@dataclass(frozen=True, slots=True)
class ProfileChecker:
    """Checks profiles; `blame` finds where a value is said and is called for messages only."""

    blame: Callable[[KeyPath], tuple[Origin, KeyPath]]
    findings: Findings

    def check_address(self, name: str, table: Tree) -> bool:
        """Whether the table says which database it is, in a way that can be used."""
        url, driver = table.get("database_url"), table.get("driver")
        key = "database_url"
        try:
            if isinstance(url, DatabaseURL):
                _judge_url(url)
            key = "driver"
            if isinstance(driver, str):
                resolve_driver(driver)
        except URLError as error:
            self._refuse_url(("profiles", name, key), error.message, error.fix)
            return False
        return url is not None or driver is not None

    def miss_address(self, name: str) -> None:
        """Note that a profile does not say which database it is."""
        path = ("profiles", name)
        origin, _ = self.blame(path)
        self.findings.problem(
            origin,
            path,
            "has neither database_url nor driver",
            facts=("a template says abstract = true",),
            fix=beside(origin, (*path, "database_url"), SAMPLE_URL),
        )

    def _refuse_url(self, path: KeyPath, message: str, fix: str) -> None:
        origin, said = self.blame(path)
        self.findings.problem(origin, said, message, fix=fix, kind="invalid_url")

    def check_profile(self, name: str, settings: DatabaseSettings, environment: str) -> None:
        """Check a validated profile as a whole."""
        address = self._address(name, settings)
        if address is None:
            return
        for key, message, fix in _conflicts(settings, address):
            origin, said = self.blame(("profiles", name, key))
            self.findings.problem(origin, said, message, fix=fix(origin, said))
        for option, message, repair in option_faults(settings.engine_options) if settings.engine_options else ():
            origin, said = self.blame(("profiles", name, "engine_options", option))
            self.findings.problem(origin, said, message, fix=repair)
        for doubt in deadline_doubts(settings, address.backend):
            self._doubt_deadline(name, settings, doubt)
        if settings.pooler != "none":
            self._check_pooler(name, settings)
        if environment in PRODUCTION:
            self._check_production(name, settings)

    def _address(self, name: str, settings: DatabaseSettings) -> ConnectionURL | None:
        """What the URL alone says, where no part can change the kind of database: joining costs 8 microseconds."""
        if settings.database_url is not None and settings.driver is None:
            url = parsed(settings.database_url)
            if url.backend != "sqlite":
                return url
        try:
            return settings.url
        except InvalidDatabaseURLError as error:
            key = "database_url" if settings.database_url else "driver"
            for problem in error.problems:
                self._refuse_url(("profiles", name, key), problem.message, problem.fix)
            return None

    def _doubt_deadline(self, name: str, settings: DatabaseSettings, doubt: Doubt) -> None:
        profile: KeyPath = ("profiles", name)
        said = doubt.said(settings)
        origin, path = self.blame((*profile, *said))
        target = (*profile, *doubt.keys[0])
        fix = (assignment if said == doubt.keys[0] else beside)(origin, target, doubt.value)
        self.findings.warning(origin, path, doubt.message, fix=fix)

    def _check_pooler(self, name: str, settings: DatabaseSettings) -> None:
        for path, message, fix in (*pooler_conflicts(settings), *pooler_doubts(settings)):
            origin, said = self.blame(("profiles", name, *path))
            self.findings.warning(origin, said, message, fix=fix)

    def _check_production(self, name: str, settings: DatabaseSettings) -> None:
        url = settings.url
        if url.backend == "sqlite" or url.is_loopback or settings.tls or url.tls or not settings.active:
            return
        path = ("profiles", name, "tls")
        origin, _ = self.blame(path)
        message = f"is not set, so {settings.tls_mode!r} holds, and {url.host} is not this machine"
        self.findings.warning(origin, path, message, fix=beside(origin, path, "verify-full"))


def _judge_url(text: DatabaseURL) -> None:
    url = parsed(text)
    if url.tls is not None and url.tls not in _SSLMODES:
        message = f"the query asks for TLS with {url.tls[:20]!r}, which is none of {', '.join(_SSLMODES)}"
        raise URLError(message, "write sslmode=require in its place")


Fix = Callable[[Origin, KeyPath], str]
Conflict = tuple[str, str, Fix]


def _write(value: str) -> Fix:
    return lambda origin, path: assignment(origin, path, value)


def _write_beside(key: str, value: str) -> Fix:
    return lambda origin, path: beside(origin, (*path[:-1], key), value)


def _delete(origin: Origin, path: KeyPath) -> str:  # noqa: ARG001 - one signature for every fix
    return removal(origin)


def _conflicts(settings: DatabaseSettings, url: ConnectionURL) -> Iterator[Conflict]:
    backend = url.backend
    if url.tls or settings.tls_key or backend == "mysql":
        yield from _tls_conflicts(settings, url)
    if backend == "sqlite":
        yield from _part_conflicts(settings)


def _tls_conflicts(settings: DatabaseSettings, url: ConnectionURL) -> Iterator[Conflict]:
    if url.tls and settings.tls and url.tls != settings.tls:
        yield "tls", f"says {settings.tls!r}, but the URL's query says {url.tls!r}", _write(url.tls)
    elif url.backend == "mysql" and (settings.tls or url.tls) == "prefer":
        message = "'prefer' cannot be done safely on MySQL: the driver would fall back without a word"
        if settings.tls:
            yield "tls", message, _write("require")
        else:
            yield "database_url", message, lambda origin, path: "write sslmode=require in the URL's query"
    if settings.tls_key and not settings.tls_cert:
        yield "tls_key", "is given without tls_cert", _write_beside("tls_cert", "client.crt")


def _part_conflicts(settings: DatabaseSettings) -> Iterator[Conflict]:
    for key in ("host", "port", "username"):
        if getattr(settings, key) is not None:
            yield key, "means nothing to SQLite, which is a file", _delete
