"""The command line: `myfy-data`, also `python -m myfy_data` (contract C7).

Each command calls a plain function, renders what it returned, and gives back an exit code. Importing this package
imports click and nothing that is slow: what a command needs is imported when it runs (contract C3.13).
"""

from __future__ import annotations

from myfy_data.cli.app import main

__all__ = ["main"]
