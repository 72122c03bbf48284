"""The version, at the place where upstream's package keeps it."""

from __future__ import annotations

from myfy_data import __version__

__all__ = ["__version__"]
