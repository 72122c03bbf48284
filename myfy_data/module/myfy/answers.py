"""What handlers return of mapped classes, as JSON can say it (contract C15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pydantic_core import to_jsonable_python
from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState

from myfy_data.errors import DataModuleError

Response = TypeVar("Response")


async def answer_with(result: object, respond: Callable[[object], Response]) -> Response:
    """The response to what a handler returned; a mapped object in it is answered as its loaded columns.

    What holds none costs nothing: only what JSON cannot say is looked through.

    Args:
        result: what the handler returned.
        respond: makes myfy's response.

    Raises:
        TypeError: the result holds something else that JSON cannot say.
        DataModuleError: an object of the database has no loaded column.
    """
    if not isinstance(result, dict | list):
        holds_objects = isinstance(result, tuple) or _state(result) is not None
        return respond(await _plain(result) if holds_objects else result)
    try:
        return respond(result)
    except TypeError:  # as json says it
        return respond(await _plain(result))


async def _plain(value: object) -> object:
    # An object that was added is inserted now, so that its key is in the answer; the end of the request would do it.
    for state in _states(value):
        if state.pending and (session := state.async_session) is not None:
            await session.flush()
    return _as_columns(value)


def _states(value: object) -> Iterator[InstanceState[object]]:
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _states(item)
    elif (state := _state(value)) is not None:
        yield state


def _as_columns(value: object) -> object:
    if isinstance(value, dict):
        return {key: _as_columns(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_columns(item) for item in value]
    state = _state(value)
    return value if state is None else _loaded_columns(state)


def _loaded_columns(state: InstanceState[object]) -> dict[str, object]:
    """Attributes by name, as pydantic writes their values; one that is not loaded is left out, and never loaded."""
    loaded = state.dict
    if state.has_identity and not loaded.keys() & set(state.mapper.column_attrs.keys()):
        name = state.class_.__name__
        raise DataModuleError(f"no column of this {name} is loaded\n  fix: await session.refresh({name.lower()})")
    columns = {key: loaded[key] for key in state.mapper.column_attrs.keys() if key in loaded}  # noqa: SIM118 - no dict
    plain: dict[str, Any] = to_jsonable_python(columns, bytes_mode="base64")
    return plain


def _state(value: object) -> InstanceState[object] | None:
    state = inspect(value, raiseerr=False)
    return state if isinstance(state, InstanceState) else None
