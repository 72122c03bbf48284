"""Which names stand in the code of a function or class, also of one that something has wrapped."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from contextlib import suppress
from types import CodeType, FunctionType
from typing import Any

_MOST = 100
"""Functions that are looked at behind one: a wrapper's closure may lead anywhere."""


def names_in(owner: object) -> set[str]:
    """Every name and text in the code of a function, or of a class's own and inherited methods."""
    return {
        word for function in functions_of(owner) for code in _with_inner(function.__code__) for word in _words(code)
    }


def is_coroutine(function: object) -> bool:
    """Whether a function, or what it wraps, is a coroutine function."""
    return any(found.__code__.co_flags & inspect.CO_COROUTINE for found in functions_of(function))


def functions_of(owner: object) -> Iterator[FunctionType]:
    """A function and what it wraps, or the own and the inherited methods of a class; only those in Python.

    Tracing and error reporting put functions of theirs in the place of others, and mostly keep those in a closure.
    """
    if not isinstance(owner, type):
        yield from _behind(owner)
        return
    for base in owner.__mro__:
        for value in vars(base).values():
            if not isinstance(value, type):
                yield from _behind(value)


def _behind(value: Any) -> Iterator[FunctionType]:
    waiting, seen = [value], set[int]()
    while waiting and len(seen) < _MOST:
        found = waiting.pop(0)
        if id(found) in seen or not callable(found):
            continue
        seen.add(id(found))
        if type(found) is FunctionType:
            yield found
            waiting += [each for code in _with_inner(found.__code__) for each in code.co_consts]
        waiting += _wrapped(found)


def _wrapped(function: object) -> Iterator[object]:
    # By its type: a closure may hold a proxy, which makes what it stands for when it is asked for anything else.
    if issubclass(type(function), functools.partial):
        yield function.func  # type: ignore[attr-defined]  # of a partial: mypy narrows by isinstance only
    for name in ("__func__", "__wrapped__"):
        if inspect.getattr_static(function, name, None) is not None:
            with suppress(Exception):  # there is nothing yet that it stands for
                yield getattr(function, name)
    for cell in function.__closure__ or () if type(function) is FunctionType else ():
        with suppress(ValueError):  # not set yet
            yield cell.cell_contents


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


def _words(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        words = constant if isinstance(constant, tuple) else (constant,)
        yield from (word for word in words if isinstance(word, str))
