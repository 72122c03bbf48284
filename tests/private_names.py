"""Takes private names of other packages away, as a later release of these packages could (contract C16.1)."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import pytest

import myfy_data
from myfy_data import DataModule, package_contract
from myfy_data.engines.connect import sqlalchemy_contract
from myfy_data.engines.connect.driver_contract import DRIVERS
from myfy_data.engines.connect.drivers import load_driver
from myfy_data.function_code import functions_of
from myfy_data.package_contract import PackageContract, PrivateName
from myfy_data.settings.database_settings import DatabaseSettings

GONE = "_gone_in_a_later_release"

MYFY = ("myfy-core", "myfy-web")


def contracts() -> list[PackageContract]:
    """Every declaration of private names, each once."""
    found = pkgutil.walk_packages(myfy_data.__path__, "myfy_data.")
    modules = [importlib.import_module(each.name) for each in found if each.name.endswith("contract")]
    values = [value for module in modules for value in vars(module).values()]
    return list({id(each): each for each in values if isinstance(each, PackageContract) and each.distribution}.values())


# -- taking away -----------------------------------------------------------------------------------------------------


def resolve(path: str) -> Any:
    """What stands at `package.module:name`."""
    module, _, names = path.partition(":")
    found: Any = importlib.import_module(module)
    for name in filter(None, names.split(".")):
        found = getattr(found, name)
    return found


def remove(monkeypatch: pytest.MonkeyPatch, name: PrivateName) -> None:
    """Take a name away from its owner: from the class or module, and from the code that sets it."""
    owner = resolve(name.owner)
    for holder in getattr(owner, "__mro__", (owner,)):
        if name.name in vars(holder):
            monkeypatch.delattr(holder, name.name)
    if name.kind in ("instance attribute", "word"):
        for function in list(functions_of(owner)):
            replace(monkeypatch, function, name.name)


def stop_using(monkeypatch: pytest.MonkeyPatch, name: PrivateName, caller: str) -> None:
    """Let a function of the package go another way than by the name."""
    for function in list(functions_of(resolve(caller))):
        replace(monkeypatch, function, name.name)


def wrap(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Put a function in the place of another one as Sentry does: the other stands in its closure, and nowhere else."""
    holder, _, name = path.rpartition("." if "." in path.partition(":")[2] else ":")
    owner = resolve(holder)
    stock = vars(owner).get(name)
    if not isinstance(stock, FunctionType):  # a class, what is inherited, or not Python's
        return

    def wrapper(*arguments: Any, **named: Any) -> Any:
        return stock(*arguments, **named)

    monkeypatch.setattr(owner, name, wrapper)


def replace(monkeypatch: pytest.MonkeyPatch, function: Any, name: str) -> None:
    """Let a function's code use another name."""
    monkeypatch.setattr(function, "__code__", _without(function.__code__, name))


def _without(code: CodeType, name: str) -> CodeType:
    names = tuple(GONE if each == name else each for each in code.co_names)
    return code.replace(co_names=names, co_consts=tuple(_other(constant, name) for constant in code.co_consts))


def _other(constant: Any, name: str) -> Any:
    if isinstance(constant, CodeType):
        return _without(constant, name)
    if isinstance(constant, tuple):
        return tuple(_other(each, name) for each in constant)
    return GONE if constant == name and isinstance(constant, str) else constant


# -- the ways by which each package is loaded --------------------------------------------------------------------------


def load(contract: PackageContract) -> None:
    """Use a package by the library's own API, as an application would."""
    package_contract.verified.clear()
    _loaders(contract)()


def _loaders(contract: PackageContract) -> Callable[[], Any]:
    if contract in (*DRIVERS.values(), *vars(sqlalchemy_contract).values()):
        return _load_drivers
    return {
        "starlette": _set_up_starlette,
        "fastapi": _set_up_fastapi,
        "litestar": _set_up_litestar,
        "myfy-core": _configure_myfy,
        "myfy-web": _extend_myfy,
        "alembic": _configure_alembic,
    }[contract.distribution]


def _load_drivers() -> None:
    for backend, driver in (("sqlite", "aiosqlite"), ("postgresql", "asyncpg"), ("mysql", "aiomysql")):
        load_driver("main", backend, f"{backend}+{driver}")


def _data() -> DataModule:
    return DataModule(settings=DatabaseSettings(database_url="sqlite://"))


def _set_up_starlette() -> None:
    from starlette.applications import Starlette  # noqa: PLC0415 - by this way only

    from myfy_data.integrations.starlette import setup  # noqa: PLC0415 - as above

    setup(Starlette(), _data())


def _set_up_fastapi() -> None:
    from fastapi import FastAPI  # noqa: PLC0415 - by this way only

    from myfy_data.integrations.fastapi import setup  # noqa: PLC0415 - as above

    setup(FastAPI(), _data())


def _set_up_litestar() -> None:
    from myfy_data.integrations.litestar import DataPlugin  # noqa: PLC0415 - by this way only

    DataPlugin(_data())


def _configure_myfy() -> None:
    from myfy.core.di import Container  # noqa: PLC0415 - not there on Python 3.11

    _data().configure(Container())


def _extend_myfy() -> None:
    from myfy.core.di import Container  # noqa: PLC0415 - as above
    from myfy.web import routing  # noqa: F401, PLC0415 - an application with a web module

    data, container = _data(), Container()
    data.configure(container)
    data.extend(container)


def _configure_alembic() -> None:
    from pathlib import Path  # noqa: PLC0415 - by this way only

    from myfy_data.migrations.env import build_config  # noqa: PLC0415 - as above
    from myfy_data.migrations.target import Target  # noqa: PLC0415 - as above

    settings = DatabaseSettings(database_url="sqlite://")
    build_config(Target("main", settings, Path("migrations"), Path(), "", frozenset()))
