"""myfy applications that run in a process of their own."""

from __future__ import annotations

from tests.contract.seed.applications import application

__all__ = ["application"]
