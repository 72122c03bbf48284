"""fastapi-sqla, which is configured by the environment alone."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from fastapi_sqla import async_sqla

from database_rows.common import POOL
from database_rows.mapped import MappedOperations


@asynccontextmanager
async def operations(url: str, pre_ping: bool) -> AsyncIterator[MappedOperations]:  # noqa: FBT001 - a row's setting
    """Open the pool; each has a key of its own, which is how the package tells databases apart."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    key = f"bench{len(async_sqla._async_session_factories)}"  # noqa: SLF001 - it offers no other count
    # A variable is a text, and SQLAlchemy takes any text but an empty one for a yes to `pool_pre_ping`.
    settings = {"url": url, "pool_pre_ping": "true" if pre_ping else "", **{k: str(v) for k, v in POOL.items()}}
    os.environ |= {f"fastapi_sqla__{key}__sqlalchemy_{name}": value for name, value in settings.items()}
    await async_sqla.startup(key)
    yield MappedOperations(partial(async_sqla.open_session, key))
    with suppress(KeyError):
        await async_sqla._async_session_factories.pop(key).kw["bind"].dispose()  # noqa: SLF001 - nor an end
