"""What type checkers see of the sessions that hosts give; mypy and pyright read it, it is not run."""

from __future__ import annotations

from typing import Annotated, assert_type

from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request

from myfy_data import AsyncSession, DataModule
from myfy_data.integrations.fastapi import Session, SessionDependency
from myfy_data.integrations.fastapi import setup as set_up_fastapi
from myfy_data.integrations.litestar import DataPlugin
from myfy_data.integrations.starlette import get_session
from myfy_data.integrations.starlette import setup as set_up_starlette

Analytics = Annotated[AsyncSession, Depends(SessionDependency("analytics"))]


async def fastapi_handler(session: Session, analytics: Analytics) -> None:
    """Parameters are plain sessions."""
    assert_type(session, AsyncSession)
    assert_type(analytics, AsyncSession)


async def starlette_endpoint(request: Request) -> None:
    """So is what `get_session` returns."""
    assert_type(get_session(request), AsyncSession)
    assert_type(get_session(request, "analytics"), AsyncSession)


def applications(data: DataModule) -> None:
    """Set-up takes each framework's own application."""
    set_up_fastapi(FastAPI(), data)
    set_up_starlette(Starlette(), data)
    DataPlugin(data, session_key="db")
