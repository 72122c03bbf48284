"""The one `tls` setting, in the words of each driver (contract C2; a driver's own words do not verify)."""

from __future__ import annotations

import ssl

from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.credential_files import FileFaultError, load_certificates
from myfy_data.settings.database_settings import DatabaseSettings

_VERIFYING = frozenset({"verify-ca", "verify-full"})


def load_tls_context(profile: str, target: str, settings: DatabaseSettings) -> ssl.SSLContext | None:
    """The context for a mode that demands TLS; None for `disable` and `prefer`, which each driver does its own way.

    `require` encrypts without verifying, `verify-ca` verifies the signature, `verify-full` the host name as well.

    Raises:
        DatabaseConnectionError: a certificate file cannot be used.
    """
    mode = settings.tls_mode
    if mode in ("disable", "prefer"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # not every build of OpenSSL begins there
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode in _VERIFYING else ssl.CERT_NONE
    try:
        load_certificates(context, settings)
    except FileFaultError as fault:
        raise DatabaseConnectionError(profile, target, fault.message, fault.advice) from None
    return context
