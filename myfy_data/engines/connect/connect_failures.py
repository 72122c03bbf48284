"""A profile's failures to connect, as the errors that its user gets."""

from __future__ import annotations

from abc import ABC, abstractmethod

from myfy_data.engines.connect.connect_errors import Failure, explain_network, login_failure, other_failure, target_of
from myfy_data.engines.connect.credentials import CredentialSource
from myfy_data.errors import ConnectTimeoutError, DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings


class ConnectFailures(ABC):
    """Words for what keeps an engine from its database.

    Attributes:
        profile: the profile's name.
        settings: the profile's settings.
        target: the server in words, without a password.
        credentials: what gives the password, where it is neither written nor in a file (contract C12.4).
        is_handed_passwords: whether `do_connect` listeners give the passwords.
    """

    is_handed_passwords = False

    def __init__(self, profile: str, settings: DatabaseSettings, credentials: CredentialSource | None) -> None:
        self.profile = profile
        self.settings: DatabaseSettings = settings
        self.target: str = target_of(settings.url)
        self.credentials: CredentialSource | None = credentials

    @property
    @abstractmethod
    def address(self) -> str:
        """Host and port, socket, or file in words."""

    @abstractmethod
    def explain_refusal(self, error: BaseException) -> Failure | None:
        """What the server itself refused; None when it was something else."""

    def connect_error(self, failure: Failure) -> DatabaseConnectionError:
        """The exception for a failure of this profile."""
        return DatabaseConnectionError(self.profile, self.target, failure.reason, failure.fix)

    def connect_timeout_error(self, error: TimeoutError) -> ConnectTimeoutError:
        """The exception for a server that did not answer within `connect_timeout`."""
        failure = self.explain(error) or other_failure(error, None)
        seconds = self.settings.connect_timeout
        return ConnectTimeoutError(self.profile, self.target, failure.reason, failure.fix, seconds=seconds)

    def explain(self, error: BaseException) -> Failure | None:
        """What went wrong and what to do; None when it is not known."""
        return self.explain_refusal(error) or explain_network(error, self.settings, self.address)

    def auth_failure(self) -> Failure:
        """The failure of a log-in."""
        return login_failure(self.settings, self.credentials, is_handed=self.is_handed_passwords)
