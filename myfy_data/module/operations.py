"""What operators ask a running module: is it healthy, is it ready, what are its pools doing (contract C4, C12)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Executable

from myfy_data.endpoints.dev.requests import RequestLog
from myfy_data.endpoints.http import Endpoints
from myfy_data.endpoints.paths import EndpointPaths, build_endpoints
from myfy_data.engines.cluster.engine import ask_position
from myfy_data.engines.cluster.position_asker import Answer
from myfy_data.engines.pool.status import PoolStatus
from myfy_data.errors import ConfigError, DataModuleNotConfiguredError, Problem
from myfy_data.health.readiness import ReadyReport
from myfy_data.health.report import HealthReport, check_health
from myfy_data.module.lifecycle import EngineLifecycle
from myfy_data.module.profiles import required_profiles
from myfy_data.sessions.noting_session import notes_commits
from myfy_data.sessions.token_cookie import TokenCookie
from myfy_data.sessions.token_key import GivenKey, check_given, derive_key
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import require_address
from myfy_data.telemetry.query_plan import explain_query
from myfy_data.telemetry.slow_queries import SlowQuery
from myfy_data.telemetry.telemetry import Telemetry


class Operations:
    """The part of `DataModule` that answers questions about itself.

    Attributes:
        endpoint_paths: where the hosts answer them.
    """

    _lifecycle: EngineLifecycle
    _endpoints: Endpoints | None = None
    _carries_tokens: bool = False
    _token_key: bytes | None = None
    _token_cookie: TokenCookie | None = None
    endpoint_paths: EndpointPaths

    @property
    @abstractmethod
    def settings(self) -> DataSettings:
        """The settings."""

    @property
    @abstractmethod
    def profiles(self) -> Mapping[str, DatabaseSettings]:
        """Every active profile by name."""

    @abstractmethod
    def _resolve(self, profile: str | None) -> str: ...

    @property
    @abstractmethod
    def telemetry(self) -> Telemetry:
        """Who listens to the module's engines."""

    @abstractmethod
    def slow_queries(self) -> tuple[SlowQuery, ...]:
        """The worst of what was slow."""

    @abstractmethod
    def look_again(self) -> Sequence[Problem]:
        """What a load of the configuration finds now."""

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """Whether the module has started, and was not stopped since."""

    @property
    def required(self) -> frozenset[str]:
        """The profiles whose failure makes the whole unhealthy, and stops a start.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        return required_profiles(self.settings, self._resolve(None))

    async def health(self) -> HealthReport:
        """Ask every active profile at once, each within its own `connect_timeout`.

        Raises:
            DataModuleNotConfiguredError: the module was stopped.
        """
        return await check_health(self._lifecycle.registry, self.profiles, self.required)

    async def ready(self) -> ReadyReport:
        """Whether this process should be sent requests, within 1 s (contract C12.1).

        Each required profile is asked at most once in a second, however often this is called, over a connection that is
        kept for it; three failures in a row make the process unready. A pool whose connections are all in use does not.
        Before `start()` and after `stop()` the answer is no, and nothing is asked.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        return await self._lifecycle.readiness.report(self.required, is_running=self.is_running)

    async def explain(self, statement: str | Executable, profile: str | None = None) -> tuple[str, ...]:
        """The lines of a statement's plan, by a connection of its own that cannot write; the statement is not run.

        Args:
            statement: one of SQLAlchemy's, planned for its values; or a text, planned for whatever its parameters
                are; or the fingerprint of one of `slow_queries()`. MySQL and MariaDB plan for values only.
            profile: the profile's name; the module's default when None.

        Raises:
            ConfigError: the profile has no address, the fingerprint is not known, or a text cannot be planned without
                values.
            UnknownProfileError: the profile cannot be opened.
            DataModuleError: the server refuses it, or cannot be reached.
        """
        name = self._resolve(profile)
        require_address(name, self.settings.profiles[name], None)
        return await explain_query(name, self.settings.profiles[name], statement, self.slow_queries())

    def pool_status(self, profile: str | None = None) -> PoolStatus:
        """The numbers of a profile's pool; never opens anything.

        Raises:
            UnknownProfileError: the profile cannot be opened.
            DataModuleNotConfiguredError: the module was stopped.
        """
        return self._lifecycle.registry.status(self._resolve(profile))

    def serve_at(self, paths: EndpointPaths) -> None:
        """Answer at these paths in every host that the module is part of; where one is None, as it was said before.

        Raises:
            ConfigError: a text is no path, or two of them are the same.
            MissingPackageError: a package that one of them needs is not installed.
        """
        together = paths.over(self.endpoint_paths)
        together.check()
        if together != self.endpoint_paths:
            made = build_endpoints(replace(together, dev=None), self)  # now: something may be missing
            self.endpoint_paths, self._endpoints = together, made if together.dev is None else None

    def carry_tokens(self, how: str | None, key: GivenKey | None = None) -> None:
        """Take what a client wrote to its next requests, in every host that the module is part of (contract C11.4).

        Args:
            how: `"cookie"`; None for as it was said before.
            key: signs the cookie; one of the profiles' passwords when None.

        Raises:
            ConfigError: another word, or a key that is too short or has nothing to sign.
        """
        if how is None and key is not None:
            raise _refused(
                "read_your_writes_key", "signs nothing without read_your_writes", 'read_your_writes="cookie"'
            )
        if how not in (None, "cookie"):
            raise _refused("read_your_writes", f"expected 'cookie', got {how!r}", 'read_your_writes="cookie"')
        if how is not None:
            self._token_key = check_given(key) if key is not None else None
            self._carries_tokens, self._token_cookie = True, None

    @property
    def token_cookie(self) -> TokenCookie | None:
        """The cookie, where there is one, and a profile that has use of it.

        Raises:
            ConfigError: the configuration cannot be used, or has no password of which a key could be made.
            DatabaseConnectionError: a password file cannot be read.
        """
        if self._carries_tokens and self._token_cookie is None:
            profiles = {name: one for name, one in self.profiles.items() if notes_commits(one)}
            self._carries_tokens = bool(profiles)
            if profiles:
                key = self._token_key or derive_key(profiles)
                self._token_cookie = TokenCookie(key, profiles, self._ask_position)
        return self._token_cookie

    def _ask_position(self, profile: str) -> Answer | None:
        """How far the primary has come; None where it is not needed, and when the module was stopped meanwhile."""
        try:
            return ask_position(self._lifecycle.registry.get(profile))
        except DataModuleNotConfiguredError:
            return None

    @property
    def endpoints(self) -> Endpoints:
        """What answers at the paths; the page of development only in that environment (contract C12.7).

        Raises:
            ConfigError: there is such a page, and the configuration cannot be used.
        """
        if self._endpoints is None:
            log = None
            if self.endpoint_paths.dev is not None and self.settings.environment == "development":
                log = RequestLog(lambda profile: self.settings.profiles[profile].url.backend)
                self.telemetry.listen(log)
            self._endpoints = build_endpoints(self.endpoint_paths, self, log)
        return self._endpoints

    def check_arguments(self) -> None:
        """Refuse what the configuration does not allow: the page of development, or a cookie without a key.

        Raises:
            ConfigError: the environment is production, or no profile has a password.
            DatabaseConnectionError: a password file cannot be read.
        """
        _ = self.token_cookie
        if self.endpoint_paths.dev is not None and self.settings.blocks_auto_create:
            message = f"the page of development is refused in environment {self.settings.environment!r}"
            raise _refused("dev", message, "dev=None")


def _refused(argument: str, message: str, fix: str) -> ConfigError:
    return ConfigError([Problem("argument", argument, message, fix=fix)])
