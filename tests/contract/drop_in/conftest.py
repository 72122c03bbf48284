"""myfy applications that run in a process of their own."""

from __future__ import annotations

from tests.contract.snippets.applications import application

__all__ = ["application"]
