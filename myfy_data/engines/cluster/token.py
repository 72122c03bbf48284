"""A token: what a session wrote, as a text that others can read after (contract C11.4)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b

from myfy_data.engines.connect.position import Position

_CHECK = 6
"""Bytes by which a token that lost its end is told: a shorter position would be one that was written before."""

_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """That something was written.

    Attributes:
        position: where its server had come to; None where that is not known, or where it is not needed: then it is
            what the primary has when the token is used.
    """

    position: Position | None = None

    @property
    def text(self) -> str:
        """The token as sessions give it: letters, digits, `-` and `_`."""
        at = self.position
        fields = [] if at is None else [at.text, at.system, at.branch]
        content = json.dumps(fields, separators=(",", ":")).encode()
        return urlsafe_b64encode(_check(content) + content).decode().rstrip("=")

    @staticmethod
    def parse(text: object) -> Token | None:
        """The token that a text is; None when it is none."""
        if not isinstance(text, str) or len(text) > _LONGEST:
            return None
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            check, content = raw[:_CHECK], raw[_CHECK:]
            fields = json.loads(content) if check == _check(content) else None
        except ValueError:
            return None
        match fields:
            case []:
                return Token()
            case [str() as at, str() | None as system, str() | None as branch]:
                return Token(Position(at, system, branch))
        return None


def _check(content: bytes) -> bytes:
    return blake2b(content, digest_size=_CHECK).digest()
