"""What the fixture `data` is: the application's module, and what a test asks beside it (contract C13.1, C13.3)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Any

from myfy_data.module.module import DataModule
from myfy_data.testing.faults import Faults, check_faults, server_address
from myfy_data.testing.proxy import Proxy
from myfy_data.testing.refusals import Refusal, check_sqlstate
from myfy_data.testing.running import RunningTest
from myfy_data.testing.statements import SeenStatements


class IsolatedData:
    """A `DataModule` in a test: everything that the module has, and the helpers of the kit.

    Args:
        module: the application's.
        test: the test.
    """

    def __init__(self, module: DataModule, test: RunningTest) -> None:
        self._module = module
        self._test = test

    @property  # type: ignore[misc]  # for isinstance(), in callers that take a module
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]  # it need not be set
        return type(self._module)

    def __repr__(self) -> str:
        return f"<{self._module!r} in {self._test.name}>"

    def __getattr__(self, name: str) -> object:
        return getattr(self._module, name)

    async def __aenter__(self) -> IsolatedData:
        await self._module.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._module.stop()

    def queries(self, profile: str | None = None) -> AbstractContextManager[SeenStatements]:
        """Listen to the application's statements: `with data.queries() as seen:`, then `seen.count`.

        Args:
            profile: the profile that counts; every one when None.
        """
        return self._test.log.queries(profile)

    def assert_num_queries(self, number: int, profile: str | None = None) -> AbstractContextManager[SeenStatements]:
        """A block that must send exactly so many statements.

        Raises:
            AssertionError: it sent more or fewer; lists them, with their places.
        """
        return self._test.log.exactly(number, profile)

    def refuse(self, profile: str | None = None, *, sqlstate: str, times: int = 1) -> Refusal:
        """Have the next statements or COMMITs fail as the server would make them fail; as a call, or `with`.

        Args:
            profile: whose statements; the default profile's when None.
            sqlstate: the error's code, such as `40001`.
            times: how often.

        Raises:
            ConfigError: the database has no error of this code.
        """
        name = self._module.get_session_factory(profile).profile
        check_sqlstate(self._module.get_settings(name).url.backend, sqlstate)
        rule = Refusal(name, sqlstate, times, times)
        self._test.rules.append(rule)
        return rule

    def faults(self, profile: str | None = None) -> Faults:
        """Stand between a profile and its server: `with data.faults() as faults: faults.at("COMMIT", "lose_answer")`.

        Args:
            profile: the profile; the default one when None.

        Raises:
            ConfigError: the profile has no server, or the test no database of its own, or TLS is wanted.
        """
        name = self._module.get_session_factory(profile).profile
        settings = self._module.get_settings(name)
        check_faults(name, settings, self._test.isolation.get(name))
        registry: Any = self._module.engine_gate.registry
        proxy = Proxy(settings.url.backend, server_address(settings))
        return Faults(proxy, partial(registry.detour, name), partial(registry.detour, name, None))
