"""asyncpg's log-in, which gives no password away (contract C9).

asyncpg answers whatever the server asks for: with the password in clear text when a man in the middle says "no TLS"
and asks for it so, and with any number of rounds of SCRAM, computed in the event loop. Here each request of the server
is read first, and the password is told only in answer to one that was read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from typing import Any

from asyncpg.protocol import Protocol

from myfy_data.engines.connect.connect_errors import Failure, UnsafeLoginError
from myfy_data.redaction import Secret

_REQUEST = ord("R")
_ACCEPTED, _CLEAR_TEXT, _MD5, _SCRAM_ROUNDS = 0, 3, 5, 11
"""Kinds of a server's requests that end the log-in, or that are answered with the password or what is made of it."""

_HEAD = 5
"""Bytes of a message's kind and length."""

_LONGEST = 65_536
"""Bytes that a message of the log-in may have; then it is none, and the password is not told any more."""

_MOST_ROUNDS = 1_000_000
"""Rounds of SCRAM; PostgreSQL's default is 4,096, and a million takes half a second."""


_UNREADABLE = Failure("the server asks for a log-in that cannot be judged", "check that it is PostgreSQL")
_IN_CLEAR_TEXT = Failure(
    "the server asks for the password in clear text, on a line without TLS",
    'tls = "verify-full", or have the server ask for scram-sha-256 (pg_hba.conf)',
)
_TOO_MANY_ROUNDS = Failure(
    f"the server asks for more than {_MOST_ROUNDS:,} rounds of SCRAM, which would stop this process",
    "check that it is your server, and store the password anew with fewer (scram_iterations)",
)


class GuardedLogin(Protocol):  # type: ignore[misc]  # asyncpg ships no types
    """asyncpg's protocol until the server has let us in.

    Args:
        secret: the password; None for the one that asyncpg finds itself.
        arguments: asyncpg's own.

    Attributes:
        is_logged_in: whether the server has accepted the log-in, read by us.
    """

    def __init__(self, secret: Secret | None, *arguments: Any) -> None:
        self.is_logged_in: bool = False
        self._secret = secret
        self._found: str | None = None
        self._request: int | None = None
        self._is_refused = False
        self._unread = b""
        self._line: asyncio.Transport | None = None
        self._connected: asyncio.Future[Any] = arguments[1]
        super().__init__(*arguments)

    @property
    def password(self) -> str | None:
        """What asyncpg answers the server's request with.

        Raises:
            UnsafeLoginError: the request was not read, or must not be answered with a password.
        """
        if self._request not in (_CLEAR_TEXT, _MD5, _SCRAM_ROUNDS):
            raise UnsafeLoginError(_UNREADABLE)
        return self._secret.reveal() if self._secret is not None else self._found

    @password.setter
    def password(self, found: str | None) -> None:
        self._found = found

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # asyncpg's says object
        """Begin to log in."""
        self._line = transport
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        """Read what the server asks for before asyncpg answers it."""
        if self.is_logged_in:
            super().data_received(data)
        else:
            self._unread += data
            self._read()

    def _read(self) -> None:
        while self._unread:
            size = len(self._unread) if self.is_logged_in else self._size_of_next()
            if len(self._unread) < size or self._is_refused:
                return
            message, self._unread = self._unread[:size], self._unread[size:]
            self._pass_on(message)

    def _size_of_next(self) -> int:
        """Bytes of the next message; all there are where it cannot be one, which asyncpg then says."""
        if len(self._unread) < _HEAD:
            return _HEAD
        size = 1 + int.from_bytes(self._unread[1:_HEAD], "big")
        return size if _HEAD <= size <= _LONGEST else len(self._unread)

    def _pass_on(self, message: bytes) -> None:
        if self.is_logged_in:
            super().data_received(message)
            return
        self._request = int.from_bytes(message[_HEAD : _HEAD + 4], "big") if message[0] == _REQUEST else None
        refusal = self._refuse(message)
        if refusal is not None:
            self._request, self._is_refused = None, True
            if not self._connected.done():
                self._connected.set_exception(refusal)
            return
        super().data_received(message)
        if self._request == _ACCEPTED:
            self.is_logged_in = True
            self._secret = self._found = None
            self.data_received = super().data_received  # type: ignore[method-assign]  # nothing is left to be read
        self._request = None

    def _refuse(self, message: bytes) -> UnsafeLoginError | None:
        if self._request == _CLEAR_TEXT and not is_private(self._line):
            return UnsafeLoginError(_IN_CLEAR_TEXT)
        rounds = re.search(rb",i=(\d+)", message) if self._request == _SCRAM_ROUNDS else None
        if rounds is not None and (len(rounds[1]) > len(str(_MOST_ROUNDS)) or int(rounds[1]) > _MOST_ROUNDS):
            return UnsafeLoginError(_TOO_MANY_ROUNDS)
        return None


def is_private(transport: asyncio.Transport | None) -> bool:
    """Whether what is sent cannot be read on the way: TLS, a socket of this machine, or its loopback."""
    if transport is None:
        return False
    if transport.get_extra_info("ssl_object") is not None:
        return True
    line = transport.get_extra_info("socket")
    if line is None:
        return False
    if line.family == getattr(socket, "AF_UNIX", None):
        return True
    try:
        address = ipaddress.ip_address(str(line.getpeername()[0]).partition("%")[0])
    except (OSError, ValueError):
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
