"""What a check came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from myfy_data.cli.output import split_fix
from myfy_data.errors import DataModuleError

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one profile.

    Attributes:
        check: what was looked at, in one word.
        profile: the profile's name; None for what concerns all.
        status: `ok`, `warn` or `fail`.
        message: what was found, in one line; no secret.
        fix: what to do, works when pasted; empty when nothing is to be done.
    """

    check: str
    profile: str | None
    status: Status
    message: str
    fix: str = ""

    def as_json(self) -> dict[str, object]:
        """The finding as `--json` gives it (contract C12.6)."""
        return asdict(self)


def failed(check: str, profile: str | None, error: DataModuleError) -> Finding:
    """A check that ended in an error of ours, which has its fix in its text."""
    message, fix = split_fix(str(error))
    prefix = f"profile {profile!r}: "
    return Finding(
        check, profile, "fail", message.removeprefix(prefix).splitlines()[0], fix.splitlines()[0] if fix else ""
    )


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when all is well, 1 with warnings only, 2 with a failure."""
    found = {finding.status for finding in findings}
    return 2 if "fail" in found else 1 if "warn" in found else 0
