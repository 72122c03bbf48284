"""Users of a database server who need a password."""

from __future__ import annotations

from dataclasses import dataclass

from myfy_data.settings.database_settings import DatabaseSettings
from tests.servers import POSTGRESQL, Server


@dataclass
class Account:
    """A database user who needs a password.

    Attributes:
        url: the address without user and password.
        user: the user's name.
    """

    server: Server
    url: str
    user: str

    def set_password(self, password: str) -> None:
        """Give the user this password."""
        literal = password.replace("\\", "\\\\").replace("'", "''")
        if self.server.kind is POSTGRESQL:
            self.server.execute(f"ALTER ROLE {self.user} PASSWORD '{literal}'")
        else:
            self.server.execute(f"ALTER USER {self.user} IDENTIFIED BY '{literal}'")

    def settings(self, **settings: object) -> DatabaseSettings:
        """Settings of a profile that connects as this user."""
        return DatabaseSettings(**{"database_url": self.url, "username": self.user, **settings})
