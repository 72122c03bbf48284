"""The files that a profile names to connect with: password, authority, certificate and key (contract C3.8, C16.3).

`config check` and the engine read them by the same functions, so that what one accepts, the other does.
"""

from __future__ import annotations

import shlex
import ssl
from collections.abc import Iterator
from pathlib import Path

from myfy_data.errors import InvalidDatabaseURLError
from myfy_data.layers.files.regular_file import open_regular
from myfy_data.layers.fixes import assignment
from myfy_data.layers.layer import Findings
from myfy_data.layers.variables.secrets_dir import (
    SecretError,
    aside_command,
    file_state,
    is_public,
    kept,
    read_secret,
    rewrite_command,
    write_command,
)
from myfy_data.origins import Blame
from myfy_data.settings.database_settings import DatabaseSettings


class FileFaultError(Exception):
    """A file that a profile names and that cannot be used.

    Attributes:
        key: the setting that names it.
        message: what is wrong; nothing of the content.
        fix: a command.
        better: a path that the setting probably means, in place of a command; None when there is none.
    """

    def __init__(self, key: str, message: str, fix: str, better: Path | None = None) -> None:
        self.key = key
        self.message = message
        self.fix = fix
        self.better = better
        super().__init__(message)

    @property
    def advice(self) -> str:
        """The fix where no file's spelling is known."""
        return f'{self.key} = "{self.better}"' if self.better else self.fix


def read_password(path: Path) -> str:
    """The password in a file.

    Raises:
        FileFaultError: the file cannot be used, or it is empty.
    """
    try:
        text = read_secret(path)
        if not text:
            raise SecretError(f"the secret file {path} is empty", write_command(path))
    except SecretError as error:
        raise FileFaultError("password_file", error.message, error.fix, error.better) from None
    return text


def load_certificates(context: ssl.SSLContext, settings: DatabaseSettings) -> None:
    """Load the profile's authority, certificate and key into a context.

    Raises:
        FileFaultError: one of the files cannot be used, or key and certificate do not belong together.
    """
    for key in ("tls_ca", "tls_cert", "tls_key"):
        if (path := getattr(settings, key)) is not None:
            _require_content(key, path)
    if settings.tls_ca is not None:
        _load_authority(context, "tls_ca", settings.tls_ca)
    elif context.verify_mode is ssl.CERT_REQUIRED:
        context.load_default_certs()
    if settings.tls_cert is not None:
        _load_chain(context, settings.tls_cert, settings.tls_key)


def _require_content(key: str, path: Path) -> None:
    state, better = file_state(path)
    if state:
        raise FileFaultError(key, f"the file {path} {state}", write_command(path), better)
    try:
        with open_regular(path) as file:
            is_empty = not file.read(4096).strip()
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        fix = f"chmod u+r {shlex.quote(str(path))}"
        raise FileFaultError(key, f"the file {path} cannot be read: {reason}", fix) from None
    if is_empty:
        raise FileFaultError(key, f"the file {path} is empty", write_command(path))


def _load_authority(context: ssl.SSLContext, key: str, path: Path) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError):
        raise FileFaultError(key, f"the file {path} holds no certificate as PEM text", rewrite_command(path)) from None


def _load_chain(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    asked: list[str] = []

    def no_passphrase() -> str:  # without it, OpenSSL would ask on the terminal
        asked.append("passphrase")
        return ""

    try:
        context.load_cert_chain(cert, key, password=no_passphrase)
    except (OSError, ssl.SSLError) as error:
        name, path = ("tls_cert", cert) if key is None else ("tls_key", key)
        if asked:
            message = f"the key in {path} is protected by a passphrase, which nobody could type"
            raise FileFaultError(name, message, _decrypted(path)) from None
        _load_authority(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "tls_cert", cert)
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            message = f"the key in {path} is not the one of the certificate {cert}"
        else:
            message = f"the file {path} holds no private key as PEM text"
        raise FileFaultError(name, message, rewrite_command(path)) from None


def _decrypted(path: Path) -> str:
    before, after = shlex.quote(str(kept(path))), shlex.quote(str(path))
    return f"{aside_command(path)} && (umask 077 && openssl pkey -in {before} -out {after})"


def check_files(name: str, settings: DatabaseSettings, blame: Blame, findings: Findings) -> None:
    """Tell of every file of a profile that the engine would refuse, and of secrets that every user may read.

    Args:
        name: the profile's name.
        settings: the profile's settings.
        blame: finds where a value is said.
        findings: where problems and warnings go.
    """
    try:
        if not settings.active or settings.url.backend == "sqlite":
            return  # they are not read
    except InvalidDatabaseURLError:
        return  # told already
    for fault in file_faults(settings):
        origin, said = blame(("profiles", name, fault.key))
        fix = assignment(origin, said, str(fault.better)) if fault.better else fault.fix
        findings.problem(origin, said, fault.message, fix=fix)
    for key, message, fix in file_doubts(settings):
        origin, said = blame(("profiles", name, key))
        findings.warning(origin, said, message, fix=fix)


def file_faults(settings: DatabaseSettings) -> Iterator[FileFaultError]:
    """What the engine would refuse of a profile's files."""
    try:
        if settings.password_file is not None:
            read_password(settings.password_file)
    except FileFaultError as fault:
        yield fault
    if settings.tls_mode in ("disable", "prefer") or settings.tls_ca is settings.tls_cert is settings.tls_key is None:
        return
    try:
        load_certificates(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), settings)
    except FileFaultError as fault:
        yield fault


def file_doubts(settings: DatabaseSettings) -> Iterator[tuple[str, str, str]]:
    """Secrets that every user of this machine may read: key, message, fix."""
    for key in ("password_file", "tls_key"):
        path = getattr(settings, key)
        if path is not None and is_public(path):
            yield key, f"the file {path} may be read by everybody", f"chmod o-r {shlex.quote(str(path))}"
