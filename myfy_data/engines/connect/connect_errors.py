"""Why a connection failed, in plain words with a fix; and the driver's error without what it may give away."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from myfy_data.engines.connect.credentials import CredentialSource
from myfy_data.redaction import MASK, Secret
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.urls import ConnectionURL

T = TypeVar("T", bound=BaseException)

CORRECT_ADDRESS = "correct host and port in the profile's URL"
SWITCH_TLS_ON = f"switch TLS on in the server, or {CORRECT_ADDRESS}"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a connection failed.

    Attributes:
        reason: what went wrong, in one line.
        fix: what to do.
    """

    reason: str
    fix: str = ""


class UnsafeLoginError(Exception):
    """The server asks for a log-in that is refused.

    Attributes:
        failure: what it asks for, and what to do.
    """

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.reason)


def target_of(url: ConnectionURL) -> str:
    """The server in words, without a password: `postgresql+asyncpg://app@127.0.0.1:5432/main`."""
    return str(url).replace(f":{MASK}@", "@", 1) if url.password is not None else str(url)


def address_of(url: ConnectionURL, port: int) -> str:
    """Host and port in words; `port` is the one that the driver takes by default."""
    socket_path = url.query.get("unix_socket")
    return socket_path or ", ".join(f"{host or 'localhost'}:{own or port}" for host, own in url.hosts)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and those that it came from, each once."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        current = todo.pop(0)
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            yield current
            todo += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]


def harmless(error: BaseException, secret: Secret | None) -> BaseException | None:
    """The driver's error as a cause to show, or None when it holds the secret.

    It loses its frames: a driver's local variables hold the password.
    """
    errors = list(chain(error))
    if any(isinstance(item, UnicodeError) for item in errors) or (secret is not None and _tells(errors, secret)):
        return None
    return without_frames(error)


def without_frames(error: T) -> T:
    """An exception without its frames and those of all it came from: a driver's local variables hold the password."""
    for item in chain(error):
        item.__traceback__ = None
    return error


def _tells(errors: list[BaseException], secret: Secret) -> bool:
    return bool(secret.reveal()) and any(secret.reveal() in f"{item}{item.args!r}" for item in errors)


def explain_network(error: BaseException, settings: DatabaseSettings, address: str) -> Failure | None:
    """What the network, the resolver or TLS refused; None when it was none of them."""
    for item in chain(error):
        if found := _explain_tls(item, settings) or _explain_socket(item, address):
            return found
    if isinstance(error, TimeoutError):
        return Failure(
            f"no answer within {settings.connect_timeout:g} s",
            f"check that {address} is the database server and that no firewall drops the packets; "
            "a slow server needs a larger connect_timeout",
        )
    return None


def _explain_socket(error: BaseException, address: str) -> Failure | None:
    if isinstance(error, socket.gaierror):
        host = address.rpartition(":")[0]
        return Failure(f"the host name {host!r} is unknown", "correct the host in the profile's URL")
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in str(error):
        return Failure(f"nothing listens on {address}", f"start the server, or {CORRECT_ADDRESS}")
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return Failure(f"there is no route to {address}", CORRECT_ADDRESS)
    if error.errno == errno.ENOENT:
        return Failure(f"there is no socket for {address}", "start the server, or give a host in the profile's URL")
    return None


def _explain_tls(error: BaseException, settings: DatabaseSettings) -> Failure | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(error, settings)
    if isinstance(error, ssl.SSLError):
        return Failure(
            f"the TLS handshake failed: {getattr(error, 'reason', None) or 'no common ground'}",
            f"check that the server speaks TLS (tls is {settings.tls_mode!r})",
        )
    return None


def _explain_certificate(error: ssl.SSLCertVerificationError, settings: DatabaseSettings) -> Failure:
    words = error.verify_message
    if error.verify_code in _OTHER_NAME:
        fix = "connect by a name that stands in the certificate, or give the server one that has this name"
        return Failure(f"the server's certificate is another server's: {words}", fix)
    if error.verify_code in _OTHER_AUTHORITY:
        known = f"in {settings.tls_ca}" if settings.tls_ca else "that this machine trusts"
        reason = f"the server's certificate was not signed by an authority {known}: {words}"
        return Failure(reason, 'name the authority that signed it, tls_ca = "/path/to/ca.crt"')
    if error.verify_code in _OTHER_TIME:
        return Failure(f"the server's certificate cannot be used today: {words}", _TIME_FIX)
    return Failure(f"the server's certificate was refused: {words}", 'name its authority, tls_ca = "/path/to/ca.crt"')


_OTHER_NAME = frozenset({62, 63, 64})
_OTHER_AUTHORITY = frozenset({2, 18, 19, 20, 21})
_OTHER_TIME = frozenset({9, 10})
"""Numbers that OpenSSL gives to what is wrong with a certificate."""

_TIME_FIX = "renew the server's certificate, or set the clock of the machine that is wrong"


def other_failure(error: BaseException, secret: Secret | None) -> Failure:
    """Every other failure: the driver's own words, on one line, without the secret."""
    text = " ".join(str(error).split())
    if isinstance(error, UnicodeError) or (secret is not None and _tells([error], secret)):
        text = ""
    return Failure(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def login_failure(settings: DatabaseSettings, credentials: CredentialSource | None, *, is_handed: bool) -> Failure:
    """The failure of a log-in.

    Args:
        settings: the profile's settings.
        credentials: what gave the password, where it is neither written nor in a file.
        is_handed: whether `do_connect` listeners give the passwords.
    """
    user = settings.url.username
    if is_handed:
        given, fix = "with the password that a `do_connect` listener gave", "correct what that listener gives"
    elif credentials is not None:
        name, user = credentials.provider.name, credentials.username or user
        given, fix = f"with what the provider {name!r} gave when it was asked again", f"correct what {name} gives"
    elif settings.password_file is not None:
        given, fix = f"with the password in {settings.password_file}", "correct username or the password in that file"
    elif settings.url.password is not None:
        given = "with this password"
        fix = "correct username and password; in a URL, special characters are written %XX"
    else:
        given, fix = "without a password", 'password_file = "/path/to/a/file/with/the/password"'
    return Failure(f"the server refuses user {user!r} {given}", fix)
