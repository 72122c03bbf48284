"""Which names stand in a function's code, also behind what wraps it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from myfy_data.function_code import is_coroutine, names_in


class Client:
    """What others wrap."""

    async def send(self, packet: Any) -> Any:
        return packet.seal()

    @classmethod
    def make(cls, packet: Any) -> Any:
        return packet.seal()


def in_a_closure(function: Any) -> Any:
    def wrapper(*arguments: Any) -> Any:
        return function(*arguments)

    return wrapper


def by_wraps(function: Any) -> Any:
    return functools.wraps(function)(lambda *_: None)


def as_a_constant(function: Any) -> Any:
    def wrapper() -> str:
        return "wrapped"

    code = wrapper.__code__
    constants = tuple(function if constant == "wrapped" else constant for constant in code.co_consts)
    wrapper.__code__ = code.replace(co_consts=constants)
    return wrapper


WRAPPERS: list[Callable[[Any], Any]] = [
    lambda function: function,
    in_a_closure,
    by_wraps,
    as_a_constant,
    functools.partial,
    lambda function: in_a_closure(by_wraps(in_a_closure(function))),
    lambda function: function.__get__(Client()),
]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_a_wrapped_function_stands_for_what_it_wraps(wrap: Callable[[Any], Any]) -> None:
    wrapped = wrap(Client.send)

    assert "seal" in names_in(wrapped)
    assert is_coroutine(wrapped)


def test_the_methods_of_a_class_are_looked_at_with_those_that_it_inherits() -> None:
    class Other(Client):
        def look(self, packet: Any) -> Any:
            return packet.window, packet["key"]

    assert {"seal", "window", "key"} <= names_in(Other)


def test_a_class_method_and_a_function_inside_are_looked_at() -> None:
    def outer() -> Any:
        return lambda packet: packet.seal()

    assert "seal" in names_in(Client.make)
    assert "seal" in names_in(outer)


@pytest.mark.parametrize("owner", [len, 1, None, "seal", {}.get])
def test_what_is_not_written_in_python_has_no_names(owner: object) -> None:
    assert names_in(owner) == set()
    assert not is_coroutine(owner)


def test_functions_that_lead_to_each_other_come_to_an_end() -> None:
    def first() -> Any:
        return second

    def second() -> Any:
        return first

    assert names_in(first) == set()
