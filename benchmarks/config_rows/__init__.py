"""One module for each way to load the same configuration; `load` is what the clock runs for.

Each `load(directory)` reads both files and the variable, and returns a function that gives the value of one key of
one profile, so that the caller can see that nothing was left for later or forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Read = Callable[[str, str], Any]
"""Gives the value of a key: of which profile, which key."""

Load = Callable[[Path], Read]
