"""Why seeds were not stored."""

from __future__ import annotations

import traceback

from myfy_data.errors import DataModuleError
from myfy_data.seeds.files import SeedFile


class SeedError(DataModuleError):
    """A seed failed; nothing of the profile's seeds was stored.

    Attributes:
        profile: the profile's name.
        place: the file, and the line where that is known.
        reason: what went wrong, in one line.
        fix: what to do.
    """

    def __init__(self, profile: str, place: str, reason: str, fix: str) -> None:
        self.profile = profile
        self.place = place
        self.reason = reason
        self.fix = fix
        super().__init__(f"profile {profile!r}: {place}: {reason}\n    nothing of its seeds was stored\n  fix: {fix}")


def first_line(error: BaseException | None) -> str:
    """An error in one line."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text.partition(": ")[2] if text.startswith("<class") else text


def place_in(error: BaseException, file: SeedFile) -> str:
    """Where in a file an error arose: the last of its lines that ran."""
    if isinstance(error, SyntaxError) and error.filename == str(file.path):
        return f"{file.place}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file.path)]
    return f"{file.place}:{lines[-1]}" if lines else file.place
