"""What a dialect finds out when a server is first connected to, for the engine that has no connections (ADR 33)."""

from __future__ import annotations

from types import FunctionType, MethodType

from sqlalchemy import Dialect

_OWN = frozenset({"dispatch", "_has_events"})
"""Listeners stay with the dialect that they were attached to."""


def learn(dialect: Dialect, server: Dialect) -> None:
    """Take over what the dialect of a server that was connected to knows: version, schema, names' case.

    Inspection asks the engine's dialect, not the connection's; servers of a profile are of one kind. Functions stay:
    each dialect has those that its engine was given.

    Args:
        dialect: the one that was never connected.
        server: the one of the server's engine.
    """
    if getattr(dialect, "server_version_info", None) is None:
        known = {
            key: value
            for key, value in vars(server).items()
            if key not in _OWN and not isinstance(value, FunctionType | MethodType)
        }
        vars(dialect).update(known)
