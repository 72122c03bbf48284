"""What JSON Schema can say about a database URL before interpolation: the rules of `urls`, as patterns.

Each pattern leaves alone what a `${NAME}` in the URL makes uncertain. A test compares them with `parse_url`.
"""

from __future__ import annotations

import re

from myfy_data.redaction import SECRET_NAME
from myfy_data.settings.urls import DRIVERS, SUPPORTED


def _any_case(pattern: str) -> str:
    """The same pattern for a dialect that has no flag for it."""
    return re.sub("[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", pattern)


_NAMES = tuple(dict.fromkeys((*DRIVERS, *SUPPORTED)))
_SERVER = "|".join(name.replace("+", r"\+") for name in _NAMES if not name.startswith("sqlite"))
_USER = r"([^:/?@$]|\$(?!\{))*(:([^@$]|\$(?!\{))*)?@"
_HOST = r"(\[[^\]/?@$]*\]|[^:/?@$\[]*)"
_OVER_65535 = "[0-9]{6,}|[7-9][0-9]{4}|6[6-9][0-9]{3}|65[6-9][0-9]{2}|655[4-9][0-9]|6553[6-9]"
_NO_PORT = rf"([^,/?@$]*[^,0-9/?@$][^,/?@$]*|0+|{_OVER_65535})"
_BEFORE = "([^/?@$]*,)?"
_END = r"([,/?]|\s*$)"
_SECRET = _any_case(SECRET_NAME.pattern)
_NO_FILE = r"(?![^=&]*_[fF][iI][lL][eE](=|&|$))"
_TLS_WORD = r"(disable|allow|prefer|require|verify-ca|verify-full)(&|\s*$)"

DRIVER = f"^({'|'.join(_NAMES)})$".replace("+", r"\+")
"""The drivers that we know, and their short names."""

ADDRESS = rf"^\s*(sqlite(\+aiosqlite)?://(/(?!file:)|\?|\s*$)|({_SERVER})://)"
"""A URL that begins as one of ours; SQLite's has its third slash."""

FULL_USERINFO = r"://([^:@$]|\$(?!\{)|\$\{[^}]*\})*:[^@]*@"
"""A URL that brings a password of its own."""

HAS_HOST = r"^[^:]*://([^@]*@|(?![^@]*@))([^/?@]|[^@?]*\?([^@]*&)?host=)"
"""A URL that names a server."""

REFUSED = {
    "The password holds an '@': write %40 for it.": rf"^\s*[a-z+]+://{_USER}([^?@$]|\$(?!\{{))*@",
    "The port is no number from 1 to 65535.": (
        rf"^\s*({_SERVER})://({_USER}{_BEFORE}{_HOST}:{_NO_PORT}{_END}"
        rf"|{_BEFORE}{_HOST}:{_NO_PORT}([,/?][^@]*$|\s*$))"
    ),
    "A secret in the query would end up in logs.": rf"\?([^@]*&)?{_NO_FILE}[^=&@]*({_SECRET})[^@]*$",
    "The query's sslmode is none that we know.": rf"[?&](ssl|sslmode)(&|\s*$|=(?!{_TLS_WORD}|[^&]*\$))",
}
"""What no URL may be, with the reason."""
