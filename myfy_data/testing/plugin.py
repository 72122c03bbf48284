"""The pytest plugin. It imports nothing but pytest until a test uses it (contract C13.1)."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from myfy_data.settings.data_settings import DataSettings
    from myfy_data.testing.data import IsolatedData
    from myfy_data.testing.kit import Kit
    from myfy_data.testing.running import RunningTest

_ISOLATION = "_myfy_data_isolation"
_ENVIRONMENT = "MYFY_DATA_ENVIRONMENT"
_SERVED = "_MYFY_DEV_SERVED"
"""Names the variables by which `myfy-data dev` gives its servers, which are those of development."""
_OPTIONS = {
    "myfy_data_app": ("string", "the application's DataModule, as `module:attribute`"),
    "myfy_data_profiles": ("args", "profiles that every test may use; a mark replaces them"),
    "myfy_data_schema": ("string", "`migrations`, `metadata:app.models:Base.metadata` or `none`"),
    "myfy_data_server": ("string", "`auto`, `url` or `embedded`"),
}
_MARK = (
    "data(*profiles, isolation=None, max_queries=None): profiles that the test may use; how they are taken back:"
    " 'transaction', 'delete' or 'database'; how many statements its body may send"
)
_NO_TRIO = (
    "this test runs on trio, and the drivers of databases need asyncio\n"
    "  fix: a fixture `anyio_backend` in conftest.py that returns 'asyncio'"
)

_KIT = pytest.StashKey["Kit"]()
_BEFORE = pytest.StashKey["dict[str, str | None]"]()
_TEST = pytest.StashKey["RunningTest"]()
_IS_ASKED_FOR = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the configuration file."""
    for name, (kind, text) in _OPTIONS.items():
        parser.addini(name, text, type=kind, default=[] if kind == "args" else "")  # type: ignore[arg-type]  # literals


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Choose environment test where the project uses the kit: a conftest.py may import the application."""
    if any(early_config.getini(name) for name in _OPTIONS):
        _choose_environment(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", _MARK)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the process its environment back."""
    for name, before in config.stash.get(_BEFORE, {}).items():
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def _choose_environment(config: pytest.Config) -> None:
    """Environment test, without the addresses that `dev -- pytest` gave for development."""
    if _BEFORE not in config.stash:
        served = os.environ.get(_SERVED, "").split()
        config.stash[_BEFORE] = {name: os.environ.get(name) for name in (_ENVIRONMENT, *served)}
        for name in served:
            os.environ.pop(name, None)
        os.environ[_ENVIRONMENT] = "test"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Isolate each test that uses the kit: by a fixture, by the mark, or by an application that is named."""
    has_app = bool(config.getini("myfy_data_app"))
    functions = [cast("pytest.Function", item) for item in items if hasattr(item, "fixturenames")]  # or doctests
    for item in functions:  # all, before the first list is changed: tests of one function share it
        is_used = _ISOLATION in item.fixturenames  # by a fixture of ours: one that has its name does not lead here
        item.stash[_IS_ASKED_FOR] = is_used or item.get_closest_marker("data") is not None
    for item in functions:
        if has_app or item.stash[_IS_ASKED_FOR]:
            item.fixturenames[:] = [_ISOLATION, *(name for name in item.fixturenames if name != _ISOLATION)]


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> object:
    """Tell the running test which fixture is set up that outlives it."""
    kit = request.config.stash.get(_KIT, None)
    test = None if kit is None else kit.running
    if test is None or fixturedef.scope == "function":
        return (yield)
    before, test.wider_fixture = test.wider_fixture, f"{fixturedef.argname!r} of scope {fixturedef.scope!r}"
    try:
        return (yield)
    finally:
        test.wider_fixture = before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test for what its application may have swallowed."""
    test = item.stash.get(_TEST, None)
    if test is None:
        return (yield)
    marker = item.get_closest_marker("data")
    most = marker.kwargs.get("max_queries") if marker is not None else None
    from myfy_data.testing.judging import judged  # noqa: PLC0415 - what the kit needs is imported when it is used

    with judged(test, most):
        return (yield)


@pytest.fixture(scope="session")
def _myfy_data_kit(request: pytest.FixtureRequest, data_settings: DataSettings) -> Iterator[Kit]:
    """What lives as long as the run; it drops what it made while the servers of `data_settings` still run."""
    kit = _kit(request.config)
    try:
        kit.use(data_settings)
        yield kit
    finally:
        kit.close()


@pytest.fixture
def _myfy_data_isolation(request: pytest.FixtureRequest, _myfy_data_kit: Kit) -> Iterator[RunningTest]:
    """One test, from before its other fixtures until after them."""
    from myfy_data.testing.kit import Wish  # noqa: PLC0415 - as above

    kit, marker = _myfy_data_kit, request.node.get_closest_marker("data")
    if request.node.stash[_IS_ASKED_FOR] and _is_on_trio(request):
        pytest.fail(_NO_TRIO, pytrace=False)
    wish = Wish(marker.args, marker.kwargs.get("isolation")) if marker is not None else Wish()
    test = kit.begin(request.node.name, wish)
    request.node.stash[_TEST] = test
    try:
        yield test
    finally:
        kit.end(test)
    if untold := test.failures[test.told :]:
        pytest.fail("\n".join(untold), pytrace=False)


def _is_on_trio(request: pytest.FixtureRequest) -> bool:
    """Whether anyio's or trio's own plugin runs the test on trio."""
    if request.node.get_closest_marker("trio") is not None:
        return True
    backend = request.getfixturevalue("anyio_backend") if "anyio_backend" in request.fixturenames else "asyncio"
    return (backend if isinstance(backend, str) else backend[0]) == "trio"


@pytest.fixture(scope="session")
def data_settings(request: pytest.FixtureRequest) -> DataSettings:
    """The settings of environment test; override it to load them otherwise."""
    return _kit(request.config).load()


@pytest.fixture
def data(_myfy_data_isolation: RunningTest, request: pytest.FixtureRequest) -> IsolatedData:
    """The application's module, every declared profile of it taken back after the test."""
    from myfy_data.testing.data import IsolatedData  # noqa: PLC0415 - as above

    return IsolatedData(_kit(request.config).module, _myfy_data_isolation)


@pytest.fixture
def session(_myfy_data_isolation: RunningTest) -> AsyncSession:
    """A session of the default profile, in the loop that uses it first."""
    from myfy_data.testing.factories import current_session  # noqa: PLC0415 - as above

    return current_session()


@pytest.fixture
def assert_num_queries(_myfy_data_isolation: RunningTest) -> object:
    """A block that must send exactly so many statements, as the method of `data`."""
    return _myfy_data_isolation.log.exactly


def _kit(config: pytest.Config) -> Kit:
    if _KIT not in config.stash:
        _choose_environment(config)
        from myfy_data.testing.kit import Kit, Options  # noqa: PLC0415 - as above

        config.stash[_KIT] = Kit(
            Options(
                root=config.rootpath,
                app=config.getini("myfy_data_app"),
                profiles=tuple(config.getini("myfy_data_profiles")),
                schema=config.getini("myfy_data_schema"),
                server=config.getini("myfy_data_server") or "auto",
                worker=getattr(config, "workerinput", {}).get("workerid", ""),  # pytest-xdist's
            )
        )
    return config.stash[_KIT]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what a person should know."""
    if _KIT in config.stash and config.stash[_KIT].notes:
        terminalreporter.section("myfy-data", red=True, bold=True)
        for note in config.stash[_KIT].notes:
            terminalreporter.write_line(note)
