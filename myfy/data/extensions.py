"""What other modules of myfy look for, at the place where upstream's package has it."""

from __future__ import annotations

from myfy_data import IDataProvider

__all__ = ["IDataProvider"]
