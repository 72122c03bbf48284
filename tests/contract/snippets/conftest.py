"""The seed's rows run on the real myfy."""

from __future__ import annotations

from tests.contract.snippets.applications import application

__all__ = ["application"]
