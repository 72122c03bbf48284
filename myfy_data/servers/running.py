"""A server that tests and `dev` may use."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from myfy_data.servers.keeper import Kept


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server in which we may create databases.

    Attributes:
        backend: `postgresql` or `mysql`.
        template: the URL of a database, `{}` in the place of its name.
        name: the server in words, such as `PostgreSQL 18.6`.
        kept: its process when we started it; None for one that runs by itself.
    """

    backend: str
    template: str
    name: str
    kept: Kept | None = None

    def url(self, database: str) -> str:
        """The URL of a database; its name must be one that stands in a URL as it is."""
        return self.template.format(database)

    def stop(self) -> None:
        """Stop the server, if we started it."""
        if self.kept is not None:
            self.kept.stop()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
