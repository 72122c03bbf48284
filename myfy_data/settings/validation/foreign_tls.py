"""TLS in the words of other tools: libpq, JDBC, Prisma, Node, Go, MySQL's own clients, PyMySQL.

`foreign_options` holds what is not about TLS. An option's meaning is never guessed from its spelling, and a value that
is not known is taken for the strictest, so that a fix is never less safe than was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from myfy_data.origins import KeyPath
from myfy_data.settings.types import is_content

STRENGTH = ("disable", "prefer", "require", "verify-ca", "verify-full")
"""The modes of `tls`, each promising more than the one before."""


@dataclass(frozen=True, slots=True)
class TLSAsk:
    """What an option asks for.

    Attributes:
        mode: the mode of `tls` that gives it; None when it asks for nothing of its own.
        write: what stands in other keys of the profile, below it.
        cannot: why it cannot be had by keys.
    """

    mode: str | None = None
    write: tuple[tuple[KeyPath, object], ...] = ()
    cannot: str = ""


_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("disable", "disabled", "false", "0", "off", "no", "none", "never"), "disable"),
    **dict.fromkeys(("prefer", "preferred", "allow"), "prefer"),
    **dict.fromkeys(("require", "required", "noverify", "skipverify", "acceptinvalidcerts"), "require"),
    "verifyca": "verify-ca",
}
_NO = frozenset({"false", "0", "off", "no", "disable", "disabled", "none"})


def plain(name: str) -> str:
    """A name without what tools spell differently: case, `-`, `_` and `.`."""
    return re.sub(r"[-_.\s]", "", name).lower()


def tls_mode_of(word: object) -> str:
    """The mode of `tls` that a word of any tool means; the strictest for one that is not known."""
    return _WORDS.get(plain(str(word)), "verify-full")


def asked_tls(name: str, value: object) -> TLSAsk | None:
    """What an option of another tool asks of TLS; None when it is about something else."""
    read = _OPTIONS.get(plain(name))
    return read(value) if read is not None else None


def _says_no(value: object) -> bool:
    return plain(str(value)) in _NO


def _by_word(value: object) -> TLSAsk:
    table = _table(value)
    return TLSAsk(tls_mode_of(value)) if table is None else _by_table(table)


def _table(value: object) -> Mapping[str, object] | None:
    """The table that Node's `ssl={"rejectUnauthorized":true}` and PyMySQL's `ssl={"ca": ...}` hold."""
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, Mapping) else None


def _by_table(table: Mapping[str, object]) -> TLSAsk:
    said = {plain(key): value for key, value in table.items()}
    files = (("tls_ca", "ca"), ("tls_cert", "cert"), ("tls_key", "key"))
    write = tuple(((key,), said[name]) for key, name in files if _is_path(said.get(name)))
    if any(_says_no(said.get(name)) for name in ("rejectunauthorized", "verifymode", "verifycert") if name in said):
        mode = "verify-ca" if "ca" in said else "require"
    elif any(_says_no(said.get(name)) for name in ("checkhostname", "verifyidentity") if name in said):
        mode = "verify-ca"
    else:
        mode = "verify-full"
    return TLSAsk(mode, write)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not is_content(value)


def _when(yes: str | None, no: str | None) -> Callable[[object], TLSAsk]:
    return lambda value: TLSAsk(no if _says_no(value) else yes)


def _authority(value: object) -> TLSAsk:
    if value == "system":  # libpq: what the machine itself trusts
        return TLSAsk("verify-full")
    return TLSAsk("verify-ca", ((("tls_ca",), value),) if _is_path(value) else ())


def _file(key: str) -> Callable[[object], TLSAsk]:
    return lambda value: TLSAsk("require", (((key,), value),) if _is_path(value) else ())


def _negotiation(value: object) -> TLSAsk:
    if plain(str(value)) != "direct":
        return TLSAsk()
    return TLSAsk("require", ((("connect_args", "direct_tls"), True),))


def _channel_binding(value: object) -> TLSAsk:
    """No driver of ours can do it; a verified host name keeps the same third party out."""
    return TLSAsk("verify-full" if plain(str(value)) == "require" else None)


def _version(value: object) -> TLSAsk:
    """We speak TLS 1.2 and later only."""
    return TLSAsk(cannot="asks for more than TLS 1.2, which no key says") if "1.3" in str(value) else TLSAsk()


def _impossible(why: str) -> Callable[[object], TLSAsk]:
    return lambda _: TLSAsk(cannot=why)


_OPTIONS: Mapping[str, Callable[[object], TLSAsk]] = {
    **dict.fromkeys(("ssl", "sslmode", "sslaccept", "tls", "tlsmode"), _by_word),
    **dict.fromkeys(("usessl", "sslenabled", "encrypt", "usetls"), _when("require", "disable")),
    "requiressl": _when("require", None),
    **dict.fromkeys(
        ("verifyservercertificate", "sslverifycert", "sslverifyservercert", "sslverify"), _when("verify-ca", None)
    ),
    **dict.fromkeys(("sslverifyidentity", "sslcheckhostname", "verifyidentity"), _when("verify-full", None)),
    **dict.fromkeys(("rejectunauthorized", "sslrejectunauthorized"), _when("verify-full", "require")),
    **dict.fromkeys(("trustservercertificate", "tlsinsecure"), _when("require", "verify-full")),
    "ssldisabled": _when("disable", "require"),
    "channelbinding": _channel_binding,
    **dict.fromkeys(("sslrootcert", "sslca", "tlsca", "serversslcert"), _authority),
    **dict.fromkeys(("sslcert", "tlscert", "sslclientcert"), _file("tls_cert")),
    **dict.fromkeys(("sslkey", "tlskey"), _file("tls_key")),
    "sslnegotiation": _negotiation,
    **dict.fromkeys(("sslminprotocolversion", "tlsversion", "minversion", "tlsversions"), _version),
    **dict.fromkeys(("sslcrl", "sslcrldir"), _impossible("names certificates that are revoked, which no key reads")),
    "sslcapath": _impossible("is a directory of authorities, and tls_ca takes one file"),
    **dict.fromkeys(("sslcipher", "tlsciphersuites", "sslciphers"), _impossible("chooses ciphers, which no key does")),
    "sslidentity": _impossible("is a certificate with its key in one file, which no key reads"),
}
