"""The one `tls` setting, in the words of each driver (contract C2; a driver's own words do not verify)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.models import DatabaseSettings

_FILES = ("tls_ca", "tls_cert", "tls_key")
_VERIFYING = frozenset({"verify-ca", "verify-full"})


def tls_problems(settings: DatabaseSettings) -> Iterator[tuple[str, str, str]]:
    """What is wrong with the TLS settings: key, message, fix.

    A file that the mode would not look at is refused: whoever names an authority believes that it is checked.
    """
    mode = settings.tls_mode
    if settings.url.backend == "mysql" and mode == "prefer":
        yield "tls", "'prefer' cannot be done safely on MySQL: it would go on without TLS unseen", 'tls = "verify-full"'
    if settings.tls_ca is not None and mode not in _VERIFYING:
        yield "tls_ca", f"has no effect while tls is {mode!r}", 'tls = "verify-full"'
    if settings.tls_cert is not None and mode in ("disable", "prefer"):
        yield "tls_cert", f"has no effect while tls is {mode!r}", 'tls = "verify-full"'
    if settings.tls_key is not None and settings.tls_cert is None:
        yield "tls_key", "is given without tls_cert", 'tls_cert = "client.crt"'


def load_tls_context(profile: str, target: str, settings: DatabaseSettings) -> ssl.SSLContext | None:
    """The context for a mode that demands TLS; None for `disable` and `prefer`, which each driver does its own way.

    `require` encrypts without verifying, `verify-ca` verifies the signature, `verify-full` the host name as well.

    Raises:
        DatabaseConnectionError: a certificate file cannot be read.
    """
    mode = settings.tls_mode
    if mode in ("disable", "prefer"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # not every build of OpenSSL begins there
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode in _VERIFYING else ssl.CERT_NONE
    try:
        _load_files(context, settings)
    except (OSError, ssl.SSLError) as error:
        path = _unreadable(settings)
        reason = f"certificate file {path} cannot be read" if path else f"the certificate files do not fit: {error}"
        raise DatabaseConnectionError(profile, target, reason, f"correct {', '.join(_FILES)}") from error
    return context


def _load_files(context: ssl.SSLContext, settings: DatabaseSettings) -> None:
    if settings.tls_ca is not None:
        context.load_verify_locations(cafile=settings.tls_ca)
    elif context.verify_mode is ssl.CERT_REQUIRED:
        context.load_default_certs()
    if settings.tls_cert is not None:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)


def _unreadable(settings: DatabaseSettings) -> Path | None:
    paths: list[Path | None] = [getattr(settings, key) for key in _FILES]
    return next((path for path in paths if path is not None and not _readable(path)), None)


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False
