"""Sessions, at the place where upstream's package has them."""

from __future__ import annotations

from myfy_data import AsyncSession, SessionFactory

__all__ = ["SessionFactory", "get_session_for_request"]


def get_session_for_request(session_factory: SessionFactory) -> AsyncSession:
    """A session that the caller ends; those of requests are ended by `DataModule`, which does not call this."""
    return session_factory.create_session()
