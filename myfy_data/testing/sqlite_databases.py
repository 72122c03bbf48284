"""SQLite: each test has a copy of the file, which costs no more than a roll back."""

# The kit's own loop has nothing else to do meanwhile.
# ruff: noqa: ASYNC240

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from myfy_data.redaction import DatabaseURL
from myfy_data.settings.models import IDENTITY_KEYS
from myfy_data.testing.databases import TestDatabase
from myfy_data.testing.leftovers import is_leftover, mark
from myfy_data.testing.running import Isolation

_PREFIX = "myfy-data-test-"
_OWNER = "owner"


class SQLiteDatabase(TestDatabase):
    """A file, or a database in memory, in whose place each test gets a file of its own."""

    default: Isolation = "database"
    keeps_configured = True
    """Whether the configured file is brought to its schema; one that is not configured stays as it is."""

    _directory: Path | None = None

    async def prepare(self) -> None:
        """Make the file that each test gets a copy of."""
        _sweep()
        self._directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
        (self._directory / _OWNER).write_text(mark("run"), encoding="utf-8")
        url = self.configured.url
        configured = None if url.is_memory or url.database is None else Path(url.database)
        is_kept = configured is not None and self.keeps_configured and not self.worker
        if is_kept and self.schema.is_ours:
            await self.schema.apply(self.profile, self.configured)
        if configured is not None and configured.exists() and self.keeps_configured:
            _copy_database(configured, self._template)
        if not is_kept:
            await self.schema.apply(self.profile, self.configured.model_copy(update=self._at(self._template)))
        self._template.touch()  # an empty schema is a database, too

    @property
    def _template(self) -> Path:
        assert self._directory is not None  # noqa: S101 - prepared before anything begins
        return self._directory / "template.db"

    async def begin(self, isolation: Isolation) -> Mapping[str, object]:  # noqa: ARG002 - every way is a copy
        """A copy of the file."""
        path = self._template.with_name(f"test-{next(self._numbers)}.db")
        shutil.copyfile(self._template, path)
        self._own = path
        return self._at(path)

    async def end(self, isolation: Isolation, *, is_altered: bool) -> None:  # noqa: ARG002 - as above
        """Delete the copy."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._own}{suffix}").unlink(missing_ok=True)

    async def close(self) -> None:
        """Delete the directory."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _at(self, path: Path) -> dict[str, object]:
        changed: dict[str, Any] = dict.fromkeys(IDENTITY_KEYS)
        changed["database_url"] = DatabaseURL(f"sqlite+aiosqlite:///{path}")
        changed["sqlite"] = self.configured.sqlite.model_copy(update={"synchronous": "off"})
        return changed


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as connection, closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)


def _sweep() -> None:
    """Delete what a run that was killed has left."""
    for owner in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_OWNER}"):
        with suppress(OSError):
            if is_leftover(owner.read_text(encoding="utf-8")):
                shutil.rmtree(owner.parent, ignore_errors=True)
