"""The cookie that takes what a client wrote to its next requests (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio
import hmac
import json
import math
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from myfy_data.engines.cluster import own_writes
from myfy_data.engines.cluster.own_writes import OwnWrites, Written
from myfy_data.engines.cluster.position_asker import Answer
from myfy_data.engines.cluster.token import Token
from myfy_data.engines.pool.loop_affinity import running_loop
from myfy_data.settings.database_settings import DatabaseSettings

NAME = "myfy_data_token"

SHORTEST_LIFETIME = 60.0
"""Seconds for which a client's writes are remembered, at least: machines' clocks differ by some."""

_FORMAT = b"myfy_data_token 1 "
"""Signed with the content: a cookie of another format cannot be read."""

_LONGEST = 3500
"""Bytes; browsers drop a cookie of more than 4096, its attributes included."""

wall_clock: Callable[[], float] = time.time

Headers = Iterable[tuple[bytes, bytes]]


class TokenCookie:
    """Reads and writes the cookie.

    Args:
        key: signs it.
        profiles: those with several servers whose sessions read their own writes.
        ask_position: asks how far a profile's primary has come; None where it cannot be asked.

    Attributes:
        ask_position: as the argument.
    """

    def __init__(
        self,
        key: bytes,
        profiles: Mapping[str, DatabaseSettings],
        ask_position: Callable[[str], Answer | None] = lambda _: None,
    ) -> None:
        self._key = key
        self.ask_position = ask_position
        self._lifetimes = {
            name: max(SHORTEST_LIFETIME, own_writes.window(settings)) for name, settings in profiles.items()
        }
        own_writes.keep_requests_apart()

    def open(self, headers: Headers, *, is_secure: bool) -> CarriedTokens:
        """What one request brings, and what its response takes along.

        Args:
            headers: of the request, as ASGI has them.
            is_secure: whether the request came by https.
        """
        text = _find(headers)
        entries = {} if text is None else self._verified(text)
        return CarriedTokens(self, self._lifetimes, entries, is_secure=is_secure)

    def _verified(self, text: bytes) -> Mapping[str, object] | None:
        """The entries; None where the cookie is not one of ours."""
        content, _, signature = text.partition(b".")
        if not hmac.compare_digest(signature, self._signature(content)):
            return None
        found: Mapping[str, Any] = json.loads(_decoded(content))
        return found

    def signed(self, entries: Mapping[str, tuple[int, int, str]]) -> bytes:
        """The cookie's value; where there is no room for tokens, without them: then the primary serves."""
        content = _encoded(json.dumps(entries, separators=(",", ":")).encode())
        if len(content) > _LONGEST:
            content = _encoded(json.dumps({name: (until, 0, "") for name, (until, *_) in entries.items()}).encode())
        return content + b"." + self._signature(content)

    def _signature(self, content: bytes) -> bytes:
        return _encoded(hmac.digest(self._key, _FORMAT + content, sha256))


class CarriedTokens:
    """What one request's client wrote, before and with it.

    Args:
        cookie: whose this is.
        lifetimes: seconds by profile.
        entries: of the request's cookie; None where that cannot be read.
        is_secure: whether the request came by https.

    Attributes:
        brought: what was written before, by profile.
    """

    def __init__(
        self,
        cookie: TokenCookie,
        lifetimes: Mapping[str, float],
        entries: Mapping[str, object] | None,
        *,
        is_secure: bool,
    ) -> None:
        self._cookie = cookie
        self._lifetimes = lifetimes
        self._is_secure = is_secure
        self._is_unreadable = entries is None
        now = own_writes.monotonic()
        if entries is None:  # whatever it said, the primary has it
            self.brought: dict[str, Written] = {
                name: Written(until=now + seconds) for name, seconds in lifetimes.items()
            }
        else:
            self.brought = {name: self._written(name, entries[name], now) for name in entries if name in lifetimes}

    def _written(self, profile: str, entry: Any, now: float) -> Written:
        until, unknown_until, text = entry
        token = Token.parse(text)
        shift = now - wall_clock()
        latest = now + self._lifetimes[profile]  # the clock of the machine that wrote it may be ahead
        return Written(
            until=min(until + shift, latest),
            unknown_until=min(unknown_until + shift, latest),
            told=token.position if token is not None else None,
        )

    async def header(self, notes: OwnWrites | None) -> tuple[bytes, bytes] | None:
        """The header that a response needs; None where the client has written nothing.

        Waits for the primary to say where it is, one round trip, where the request has written.
        """
        changed = notes.changed if notes is not None else set()
        if notes is None or not (changed & self._lifetimes.keys() or self._is_unreadable):
            return None
        latest = {profile: self._latest(profile, notes.written(profile), changed) for profile in self._lifetimes}
        await _settle(written.answer for written in latest.values())
        now, entries = own_writes.monotonic(), {}
        for profile, lifetime in self._lifetimes.items():
            written = latest[profile]
            if written.seconds_left > 0:
                is_new = profile in changed or written.answer is not None
                entries[profile] = _entry(written, now, lifetime if is_new else None)
        seconds = max((until for until, *_ in entries.values()), default=0) - math.floor(wall_clock())
        secure = b"; Secure" if self._is_secure else b""
        value = b"%s=%s; Max-Age=%d; Path=/; HttpOnly; SameSite=Lax" % (
            NAME.encode(),
            self._cookie.signed(entries),
            seconds,
        )
        return b"set-cookie", value + secure

    def _latest(self, profile: str, written: Written, changed: Collection[str]) -> Written:
        """What was written, with a position that is asked now.

        One that is older may be behind the cookie of another response, which left meanwhile and which this one
        replaces: a position of now is in front of it.
        """
        is_known = written.position is not None and written.seconds_left > 0
        answer = self._cookie.ask_position(profile) if changed and is_known else None
        return written if answer is None else replace(written, answer=answer)


def _entry(written: Written, now: float, lifetime: float | None) -> tuple[int, int, str]:
    """Until when, until when some of it may be stored yet, and the token: in seconds of the wall's clock.

    Args:
        written: what was written.
        now: monotonic seconds.
        lifetime: seconds from now, where it was written with this request or asked with it; None where it was brought.
    """
    shift = wall_clock() - now
    until = written.until if lifetime is None else now + lifetime
    unknown = 0.0
    if written.is_unknown:
        unknown = (written.unknown_until if lifetime is None else now + lifetime) + shift
    return math.ceil(max(until + shift, unknown)), math.ceil(unknown), Token(written.position).text


async def _settle(answers: Iterable[Answer | None]) -> None:
    here = running_loop()
    pending = [one for one in answers if one is not None and not one.done() and one.get_loop() is here]
    if pending:
        await asyncio.wait(pending)


def _find(headers: Headers) -> bytes | None:
    prefix = NAME.encode() + b"="
    for name, value in headers:
        if name == b"cookie" and prefix in value:
            for pair in value.split(b";"):
                if pair.strip().startswith(prefix):
                    return pair.strip()[len(prefix) :]
    return None


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    return urlsafe_b64decode(text + b"=" * (-len(text) % 4))
