"""aiomysql's log-in made safe: TLS that was asked for, and no password in clear text (contract C9).

Stock aiomysql goes on in clear text when the server does not offer TLS, and hands the password to any server that
asks for `mysql_clear_password`. Its private hooks refuse that early, in good words. Behind them stands a guard on each
packet that leaves before the log-in has ended: it looks at the bytes and the transport itself, so it holds also where a
later aiomysql goes another way (ADR 25).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Coroutine
from typing import Any

from aiomysql import OperationalError
from aiomysql.connection import Connection
from pymysql.constants import CR

from myfy_data.engines.mysql.error_codes import TLS_NOT_OFFERED, UNSAFE_LOGIN

_OFFERS_TLS = 0x800
"""The bit of the server's greeting that says so, and of the client's answer that asks for it."""

_NAMES_LOGINS = 0x80000
"""The bit of the greeting without which a server can only ask for the login of before 2003."""

_SCRAMBLED = frozenset({"", "mysql_native_password", "caching_sha2_password"})
"""Ways to log in that begin with a scrambled password."""

_REVEALING = frozenset({"mysql_clear_password", "sha256_password"})
"""Ways to log in whose very first packet gives the password away, or asks for a key to send it with."""

_ASKS_FOR_KEY = frozenset({b"\x01", b"\x02"})
"""What `sha256_password` and `caching_sha2_password` send to get the key that the password is encrypted with."""

_HEADER = 4
"""Bytes of a packet's length and number."""

_TLS_REQUEST = 32
"""Bytes of the request for TLS, with which an answer to the greeting begins as well; the user follows."""

_OLD_SCRAMBLE = 9
"""Bytes of a password scrambled as before 2003, which is as good as none: eight and a NUL."""


class SafeLogin(Connection):  # type: ignore[misc]  # aiomysql ships no types
    """A connection that gives nothing away while it logs in.

    Args:
        password: the password.
        is_local: whether the server is this machine, so that a key it hands over is its own.
        arguments: aiomysql's own.

    Attributes:
        unproven: hooks of the log-in that aiomysql has not called; empty before the connection is handed out.
    """

    def __init__(self, *, password: str, is_local: bool, **arguments: Any) -> None:
        # aiomysql encodes the password as latin-1; MySQL's own clients send the bytes of UTF-8.
        super().__init__(**arguments, password=password.encode().decode("latin-1"))
        self._secret = password.encode()
        self._is_local = is_local
        self._logged_in = False
        self.unproven: set[str] = {"_request_authentication", "_write_bytes"}

    async def log_in(self) -> None:
        """Connect and log in; the caller bounds it."""
        self._write_bytes = self.write_guarded  # of the object: once it is logged in, no packet pays for it
        try:
            await super()._connect()
        finally:
            del self._write_bytes
            self._secret = b""
        self._logged_in = True

    async def _connect(self) -> None:
        """Refuse to connect anew, which aiomysql's `ping()` does unless it is told not to.

        What the session has said to the server would be lost unseen, its transaction and its read-only rule included.
        """
        raise OperationalError(CR.CR_SERVER_GONE_ERROR, "the connection was lost; it is not made anew under a session")

    # -- early, in good words --------------------------------------------------------------------------------------

    async def _request_authentication(self) -> None:
        self.unproven.discard("_request_authentication")
        self._refuse_plain_line()
        plugin = self._client_auth_plugin or self._server_auth_plugin
        if plugin in _REVEALING and not self._will_be_private:  # to any other, aiomysql begins with nothing
            self._refuse_unsafe(plugin)
        await super()._request_authentication()

    def _refuse_plain_line(self) -> None:
        if self._ssl_context is not None and not self.server_capabilities & _OFFERS_TLS:
            raise OperationalError(TLS_NOT_OFFERED, "the server offers no TLS, so nothing was sent")

    @property
    def _will_be_private(self) -> bool:
        """Whether nothing on the way can listen: TLS, or a socket of this machine."""
        return self._secure or isinstance(self._ssl_context, ssl.SSLContext)

    def _refuse_unsafe(self, plugin: str) -> None:
        if plugin not in _SCRAMBLED and not (plugin == "sha256_password" and self.knows_key):
            raise OperationalError(UNSAFE_LOGIN, f"the server asks for a login by {plugin!r} on a line without TLS")

    @property
    def knows_key(self) -> bool:
        """Whether the password needs no key that the server sends over a line without TLS."""
        return self._is_local or self.server_public_key is not None

    async def _process_auth(self, plugin_name: bytes, auth_packet: object) -> object:
        if not self._secure:
            self._refuse_unsafe(plugin_name.decode("ascii", "replace"))
        return await super()._process_auth(plugin_name, auth_packet)

    async def _check_login(self, reading: Coroutine[object, None, object]) -> object:
        packet = await reading
        if not self._secure and self._is_old_login(packet):
            self._refuse_unsafe("mysql_old_password")
        return packet

    def _is_old_login(self, packet: Any) -> bool:
        # A switch that names no plugin means the login of before 2003, whose scrambling is as good as none.
        if not packet.is_auth_switch_request():
            return False
        return not (self.server_capabilities & _NAMES_LOGINS and b"\0" in packet.get_all_data())

    # -- at the transport ------------------------------------------------------------------------------------------

    def write_guarded(self, data: bytes) -> None:
        """Send a packet of the log-in, unless it would give something away on this transport."""
        self.unproven.discard("_write_bytes")
        writer: Any = self._writer
        if not is_private(writer.transport):
            self._refuse_without_tls(data[_HEADER:])
            self._refuse_revealing(data[_HEADER:])
        Connection._write_bytes(self, data)  # noqa: SLF001 - the method that this one stands before

    def _refuse_without_tls(self, payload: bytes) -> None:
        if self._ssl_context is None or is_tls_request(payload):
            return
        raise OperationalError(TLS_NOT_OFFERED, "the line has no TLS, so no log-in was sent")

    def _refuse_revealing(self, payload: bytes) -> None:
        if payload in _ASKS_FOR_KEY and not self.knows_key:
            raise OperationalError(UNSAFE_LOGIN, "the server would hand over a key that nobody can check without TLS")
        is_old = len(payload) == _OLD_SCRAMBLE and payload.endswith(b"\0")
        if is_old or reveals(payload, self._secret):
            raise OperationalError(
                UNSAFE_LOGIN, "the server asks for the password in clear text, on a line without TLS"
            )


def is_private(transport: Any) -> bool:
    """Whether nothing on the way can listen to a connection: it is TLS, or a socket of this machine."""
    if transport.get_extra_info("ssl_object") is not None:
        return True
    line = transport.get_extra_info("socket")
    return line is not None and line.family == getattr(socket, "AF_UNIX", None)


def is_tls_request(payload: bytes) -> bool:
    """Whether a packet asks for TLS and holds nothing else."""
    return len(payload) == _TLS_REQUEST and bool(int.from_bytes(payload[:4], "little") & _OFFERS_TLS)


def reveals(payload: bytes, password: bytes) -> bool:
    """Whether a packet of the log-in holds the password where the protocol has room for it.

    That is a whole packet, or what follows the user in the answer to the greeting: behind its length, or up to a NUL.
    The name of the user or of the database may be the same as the password.
    """
    if not password:
        return False
    if payload in (password, password + b"\0"):
        return True
    if any(payload[9:_TLS_REQUEST]) or len(payload) <= _TLS_REQUEST:
        return False
    answer = payload[_TLS_REQUEST:].partition(b"\0")[2]
    size = answer[0] if answer else 0
    if size == 0xFC:  # a length of two bytes follows
        return answer[3:].startswith(password)
    lengths = (len(password), len(password) + 1)
    return (size in lengths and answer[1:].startswith(password)) or answer.startswith(password + b"\0")
