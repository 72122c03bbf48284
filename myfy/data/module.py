"""The module, at the place where upstream's package has it."""

from __future__ import annotations

from myfy_data import DataModule

__all__ = ["DataModule", "data_module"]

data_module = DataModule()
"""A module to add to one application; unlike upstream's, no application gets it unasked."""
