"""What must hold between the settings of one profile, beyond the type of each (contract C2, C3.5, C9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from myfy_data.errors import InvalidDatabaseURLError
from myfy_data.layers.fixes import assignment, beside, reference, removal
from myfy_data.layers.interpolation import has_references
from myfy_data.layers.layer import Findings, Layer, Tree
from myfy_data.origins import Blame, KeyPath, Origin
from myfy_data.redaction import DatabaseURL, brings_host, brings_password
from myfy_data.settings.models import PASSWORD_KEYS, ProfileSettings
from myfy_data.settings.url_query import TWICE
from myfy_data.settings.urls import ConnectionURL, URLError, parsed, resolve_driver
from myfy_data.settings.validation.clusters import cluster_doubts
from myfy_data.settings.validation.fault import Fault, fix_of
from myfy_data.settings.validation.pgbouncer import pooler_doubts
from myfy_data.settings.validation.rules import engine_faults, setting_faults
from myfy_data.settings.validation.source_wording import SourceWording
from myfy_data.settings.validation.timeouts import Doubt, deadline_doubts

PRODUCTION = frozenset({"production", "prod", "live"})
"""Environments in which auto-create is refused and a missing `tls` is told (contract C2, C3.3)."""

SAMPLE_URL = "sqlite+aiosqlite:///./app.db"


def check_said(layers: Iterable[Layer], findings: Findings) -> None:
    """Refuse what one layer says against itself: a password twice, and keys of inheritance of the wrong type."""
    for layer in layers:
        for name, table in layer.profiles.items():
            if "hosts" in table:
                _check_hosts(layer, name, table, findings)
            if "password" in table or "password_file" in table or "credentials" in table:
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


def _check_hosts(layer: Layer, name: str, table: Tree, findings: Findings) -> None:
    query = table.get("query")
    others = {
        "host": "host" in table,
        "database_url": brings_host(table.get("database_url")),
        "query": isinstance(query, dict) and "host" in query,
    }
    path: KeyPath = ("profiles", name)
    for key in (key for key, says_it in others.items() if says_it):
        origin, other = layer.origin((*path, "hosts")), layer.origin((*path, key))
        message = f"{TWICE}: here and by {key}"
        findings.problem(origin, (*path, "hosts"), message, facts=(f"other at {other}",), fix=removal(origin))


def _check_password(layer: Layer, name: str, table: Tree, findings: Findings) -> None:
    said = [key for key in PASSWORD_KEYS if key in table and table[key] is not None]
    if "database_url" in table and brings_password(table["database_url"]):
        said.append("database_url")
    if not said[1:]:
        return
    path = ("profiles", name)
    origin, other = layer.origin((*path, said[0])), layer.origin((*path, said[1]))
    message = f"the password is given twice: here and by {said[1]}"
    findings.problem(origin, (*path, said[0]), message, facts=(f"other at {other}",), fix=removal(origin))


def _remote(url: ConnectionURL) -> str:
    return next((host for host, _ in url.hosts if host and not replace(url, host=host, several=()).is_loopback), "")


def _joins(settings: ProfileSettings) -> bool:
    return settings.query is not None or settings.hosts is not None


@dataclass(frozen=True, slots=True)
class ProfileChecker:
    """Checks profiles; `blame` finds where a value is said and is called for messages only."""

    blame: Blame
    findings: Findings

    def check_address(self, name: str, table: Tree) -> bool:
        """Whether the table says which database it is, in a way that can be used."""
        url, driver = table.get("database_url"), table.get("driver")
        key = "database_url"
        try:
            if isinstance(url, DatabaseURL):
                parsed(url)
            key = "driver"
            if isinstance(driver, str):
                resolve_driver(driver)
        except URLError as error:
            path = ("profiles", name, key)
            fix = reference(*self.blame(path), error.variable) if error.variable else error.fix
            self._refuse_url(path, error.message, fix)
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

    def check_profile(self, name: str, settings: ProfileSettings, environment: str) -> None:
        """Check a validated profile as a whole."""
        address = self._address(name, settings)
        if address is None:
            return
        self._tell(name, settings, setting_faults(settings, address))
        for doubt in deadline_doubts(settings, address.backend):
            self._doubt_deadline(name, settings, doubt)
        for fault in self._doubts(settings, address):
            origin, said, fix = self._told(name, settings, fault)
            self.findings.warning(origin, said, fault.message, fix=fix)
        if environment in PRODUCTION:
            self._check_production(name, settings)

    @staticmethod
    def _doubts(settings: ProfileSettings, address: ConnectionURL) -> Iterator[Fault]:
        if settings.pooler != "none":
            yield from pooler_doubts(settings)
        if settings.hosts is not None:
            yield from cluster_doubts(settings, address)

    def check_engine(self, name: str, settings: ProfileSettings) -> None:
        """Check what an engine would refuse of a profile; one without an address has its own problem."""
        try:
            url = settings.url
        except InvalidDatabaseURLError:
            return
        self._tell(name, settings, engine_faults(settings, url))

    def _tell(self, name: str, settings: ProfileSettings, faults: Iterable[Fault]) -> None:
        for fault in faults:
            origin, said, fix = self._told(name, settings, fault)
            self.findings.problem(origin, said, fault.message, fix=fix)

    def _address(self, name: str, settings: ProfileSettings) -> ConnectionURL | None:
        """What the URL alone says, where no part can change what is judged: joining costs 8 microseconds."""
        if settings.database_url is not None and settings.driver is None and not _joins(settings):
            url = parsed(settings.database_url)
            if url.backend != "sqlite":
                return url
        try:
            return settings.url
        except InvalidDatabaseURLError as error:
            key = "database_url" if settings.database_url else "driver"
            if self._is_told(name, error):
                return None
            for problem in error.problems:
                self._refuse_url(("profiles", name, key), problem.message, problem.fix)
            return None

    def _is_told(self, name: str, error: InvalidDatabaseURLError) -> bool:
        """Whether the layer that says the servers twice was told already, at its place."""
        told = f"profiles.{name}.hosts"
        twice = all(problem.message.startswith(TWICE) for problem in error.problems)
        return twice and any(one.key == told and one.message.startswith(TWICE) for one in self.findings.problems)

    def _doubt_deadline(self, name: str, settings: ProfileSettings, doubt: Doubt) -> None:
        profile: KeyPath = ("profiles", name)
        said = doubt.said(settings)
        origin, path = self.blame((*profile, *said))
        target = (*profile, *doubt.keys[0])
        fix = (assignment if said == doubt.keys[0] else beside)(origin, target, doubt.value)
        self.findings.warning(origin, path, doubt.message, fix=fix)

    def _told(self, name: str, settings: ProfileSettings, fault: Fault) -> tuple[Origin, KeyPath, str]:
        """Where a fault is said, under which key, and its fix as that source writes it."""
        origin, said = self.blame(("profiles", name, *fault.path))
        return origin, said, fix_of(fault, SourceWording(name, settings, self.blame, origin, said))

    def _check_production(self, name: str, settings: ProfileSettings) -> None:
        url = settings.url
        if url.backend == "sqlite" or url.is_loopback or settings.tls or url.tls or not settings.active:
            return
        path = ("profiles", name, "tls")
        origin, _ = self.blame(path)
        message = f"is not set, so {settings.tls_mode!r} holds, and {_remote(url)} is not this machine"
        self.findings.warning(origin, path, message, fix=beside(origin, path, "verify-full"))
