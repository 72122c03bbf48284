"""An attribute that was not loaded, asked for where nothing can be awaited: which one, and how to load it.

SQLAlchemy loads such an attribute when it is read. Reading is no call that can be awaited, so it raises
`MissingGreenlet`, which names neither class nor attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import currentframe
from types import FrameType

from sqlalchemy import inspect
from sqlalchemy.exc import MissingGreenlet, StatementError
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import QueryableAttribute, RelationshipProperty

from myfy_data.engines.pool.errors import LazyLoadError

_OUTSIDE = (
    "a statement was to run where nothing can be awaited\n"
    "  fix: await the same call of the AsyncSession; for code that is synchronous: await session.run_sync(function)"
)


def explain_lazy_load(profile: str, error: BaseException) -> LazyLoadError | None:
    """The error in words, with what to load; None when it is another one.

    Args:
        profile: the profile's name.
        error: what SQLAlchemy's session raised; to be called while it is handled.
    """
    if not (isinstance(error, MissingGreenlet) or _is_wrapped(error)):
        return None
    asked = next(_attributes_asked_for(currentframe()), None)
    return LazyLoadError(profile, _OUTSIDE if asked is None else _told(*asked))


def _is_wrapped(error: BaseException) -> bool:
    return isinstance(error, StatementError) and isinstance(error.orig, MissingGreenlet)


def _attributes_asked_for(frame: FrameType | None) -> Iterator[tuple[QueryableAttribute[object], object]]:
    """The attributes that are being read, and their objects, the innermost first: by the descriptors' frames."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__get__" and code.co_argcount == 3:
            attribute, instance = (frame.f_locals.get(name) for name in code.co_varnames[:2])
            if isinstance(attribute, QueryableAttribute):
                yield attribute, instance
        frame = frame.f_back


def _told(attribute: QueryableAttribute[object], instance: object) -> str:
    kind = type(instance)
    owner, key = kind.__name__, attribute.key
    name = owner.lower()
    expired = key in inspect(instance).expired_attributes
    if expired:
        why, load = "has expired", f'await session.refresh({name}, ["{key}"])'
    elif isinstance(attribute.property, RelationshipProperty):
        why, load = "was not loaded", f"select({owner}).options(selectinload({owner}.{key}))"
    else:
        why, load = "was not loaded", f"select({owner}).options(undefer({owner}.{key}))"
    await_it = f"await {name}.awaitable_attrs.{key}"
    if not issubclass(kind, AsyncAttrs):
        await_it += ", once its base is `class Base(AsyncAttrs, DeclarativeBase)`"
    return f"{owner}.{key} {why}, and where it was read nothing can be awaited\n  fix: {load}; or {await_it}"
