"""What came of the seeds of one profile: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class FileReport:
    """What came of one file.

    Attributes:
        file: its name.
        inserted: rows that were not there.
        updated: rows that held something else.
        unchanged: rows that were so already.
        ran: whether SQL or Python of it ran now; None for a file of rows.
        note: what else the user should know.
    """

    file: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ran: bool | None = None
    note: str = ""

    def __str__(self) -> str:
        if self.ran is None:
            return f"{self.inserted} inserted, {self.updated} updated, {self.unchanged} unchanged"
        return "ran" if self.ran else f"ran before{f'; {self.note}' if self.note else ''}"

    def as_json(self) -> dict[str, object]:
        """The report as `--json` gives it."""
        told = {"file": self.file, "inserted": self.inserted, "updated": self.updated, "unchanged": self.unchanged}
        return {**told, "ran": self.ran, "note": self.note}


@dataclass(slots=True)
class SeedReport:
    """What came of the seeds of one profile.

    Attributes:
        profile: its name.
        files: each file, in order.
        passed_over: why nothing was stored; empty when the seeds were.
    """

    profile: str
    files: list[FileReport] = field(default_factory=list)
    passed_over: str = ""

    def as_json(self) -> dict[str, object]:
        """The report as `--json` gives it."""
        files = [file.as_json() for file in self.files]
        return {"profile": self.profile, "files": files, "passed_over": self.passed_over}
