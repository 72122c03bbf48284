"""Credentials of a provider: asked for when a connection is made, kept while they are fresh (contract C12.4).

Connections that are open have logged in already: a rotation is nothing to them, and none is closed for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, TypeVar

from myfy_data.credentials.provider import Answer, Provider
from myfy_data.credentials.types import CredentialRequest, Credentials, ProviderError, Reason
from myfy_data.redaction import Secret

logger: logging.Logger = logging.getLogger("myfy_data.credentials")

FRESH = 0.8
"""The part of their life for which credentials are used unasked."""


@dataclass(frozen=True, slots=True)
class Issued:
    """Credentials that a provider gave.

    Attributes:
        credentials: what it gave.
        number: which of the provider's answers this is.
        born: seconds of the clock at which it gave them.
        fresh_until: seconds of the clock until which they are used unasked; infinite where they name no end.
        valid_until: until which they are taken.
    """

    credentials: Credentials
    number: int
    born: float
    fresh_until: float
    valid_until: float


T = TypeVar("T")

Opens = Callable[[Secret | None, Mapping[str, object]], Awaitable[T]]
"""Opens a driver's connection with a password and the driver's other arguments."""


@dataclass(slots=True)
class Attempt:
    """One connect.

    Attributes:
        arguments: what the driver is told, password excepted.
        secret: the password that was used last; None where there is none, or none yet.
        is_asking: whether a provider is asked just now.
        max_age: seconds after which the connection is replaced; None for as long as others.
    """

    arguments: Mapping[str, Any]
    secret: Secret | None
    is_asking: bool = False
    max_age: float | None = None

    def use(self, issued: Issued, now: float) -> Mapping[str, object]:
        """Note that these are used; what the driver is told with them."""
        credentials = issued.credentials
        self.is_asking, self.secret = False, credentials.password
        if credentials.max_connection_age is not None:  # from the answer on, as the lease that it stands for
            self.max_age = credentials.max_connection_age - (now - issued.born)
        return self.arguments if credentials.username is None else {**self.arguments, "user": credentials.username}


class NoAnswerError(ProviderError):
    """A provider gave no answer in time."""


@dataclass(slots=True, eq=False)
class _Flight:
    """A question on its way, and how many connections wait for its answer."""

    answer: asyncio.Future[Answer]
    number: int
    reason: Reason
    waiters: int = 0
    is_late: bool = False


class CredentialSource:
    """Asks one provider for one engine's server, at most once at a time.

    Args:
        provider: what gives the credentials.
        request: makes the request for a reason.
        timeout: seconds after which a question is given up.
        clock: seconds since the epoch, as `expires_at` counts them.

    Attributes:
        timeout: as the argument; may change.
        on_answer: told whether a question came to `given`, `failed` or `late`.
    """

    def __init__(
        self,
        provider: Provider,
        request: Callable[[Reason], CredentialRequest],
        timeout: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.provider = provider
        self._request = request
        self.timeout: float = timeout
        self.clock = clock
        self.on_answer: Callable[[str], None] = lambda _: None
        self._issued: Issued | None = None
        self._flight: _Flight | None = None
        self._asked = 0

    @property
    def username(self) -> str | None:
        """The user of the last answer; None where it named none."""
        return self._issued.credentials.username if self._issued is not None else None

    async def get(self) -> Issued:
        """Credentials to connect with. Those that are no longer fresh, and still valid, are used if none follow soon.

        Raises:
            ProviderError: there are none.
        """
        issued = self._issued
        if issued is None or self.clock() >= issued.valid_until:
            return await self._ask("connect")
        if self.clock() < issued.fresh_until:
            return issued
        try:
            async with asyncio.timeout(self.timeout / 2):
                return await self._ask("connect")
        except ProviderError as error:
            failure = error
        except TimeoutError:
            failure = NoAnswerError(self._says("gives no answer"))
        if self.clock() >= issued.valid_until:  # they ended meanwhile
            raise failure
        logger.warning("%s, and is asked again: its last credentials are still valid", failure.message)
        return issued

    async def log_in(self, attempt: Attempt, open_with: Opens[T], refuses: Callable[[BaseException], bool]) -> T:
        """Open a connection; when the server refuses the credentials, once more with newer ones.

        What another connection got meanwhile may be from before the rotation, too. So the last attempt is made with
        an answer to a question that was asked after the refusal.

        Args:
            attempt: what is told about the connect.
            open_with: opens a connection with a password and the driver's arguments.
            refuses: whether an error of it means that the server refused them.

        Raises:
            ProviderError: there are no credentials.
        """
        attempt.is_asking = True
        issued = await self.get()
        asked: int | None = None
        while True:
            try:
                return await open_with(issued.credentials.password, attempt.use(issued, self.clock()))
            except Exception as error:
                if not refuses(error) or (asked is not None and issued.number > asked):
                    raise
            attempt.is_asking = True
            asked = self._asked if asked is None else asked
            issued = await self._renew(issued)

    async def _renew(self, refused: Issued) -> Issued:
        if self._issued is not None and self._issued.number > refused.number:
            return self._issued  # another connection was refused before this one
        return await self._ask("refused")

    async def _ask(self, reason: Reason) -> Issued:
        flight = self._flight
        if flight is None or flight.answer.get_loop() is not asyncio.get_running_loop():
            flight = self._begin(reason)
        flight.waiters += 1
        try:
            await asyncio.wait({flight.answer})
        finally:
            flight.waiters -= 1
            if not flight.waiters and isinstance(flight.answer, asyncio.Task) and not flight.answer.done():
                self._give_up(flight)
        if flight.answer.cancelled():
            if flight.is_late:
                raise NoAnswerError(self._says("gives no answer"))
            raise ProviderError(self._says("was cancelled"))
        answer = flight.answer.result()
        if isinstance(answer, ProviderError):
            raise ProviderError(self._says(answer.message), answer.fix)
        assert self._issued is not None  # noqa: S101 - `_land` came first
        return self._issued

    def _begin(self, reason: Reason) -> _Flight:
        self._asked += 1
        self._flight = flight = _Flight(self.provider.ask(self._request(reason)), self._asked, reason)
        # By itself: while connections come one after the other, there is always one that has not waited long.
        late = asyncio.get_running_loop().call_later(self.timeout, self._give_up, flight)
        flight.answer.add_done_callback(lambda _: self._land(flight, late))
        return flight

    def _give_up(self, flight: _Flight) -> None:
        flight.is_late = True
        if self._flight is flight:
            self._flight = None
        flight.answer.cancel()

    def _land(self, flight: _Flight, late: asyncio.TimerHandle) -> None:
        late.cancel()
        if self._flight is flight:
            self._flight = None
        if flight.answer.cancelled():
            if flight.is_late:
                self.on_answer("late")
            return
        answer, newest = flight.answer.result(), self._issued
        self.on_answer("failed" if isinstance(answer, ProviderError) else "given")
        if isinstance(answer, ProviderError) or (newest is not None and newest.number > flight.number):
            return
        self._issued = _dated(answer, flight.number, self.clock())
        level = logging.INFO if flight.reason == "refused" else logging.DEBUG
        until = answer.expires_at.isoformat() if answer.expires_at is not None else "the server refuses them"
        user = answer.username or self._request(flight.reason).username
        logger.log(level, "%s for user %r, valid until %s", self._says("gave credentials"), user, until)

    def _says(self, what: str) -> str:
        return f"profile {self._request('connect').profile!r}: the provider {self.provider.name!r} {what}"


def _dated(credentials: Credentials, number: int, now: float) -> Issued:
    end = credentials.expires_at.timestamp() if credentials.expires_at is not None else inf
    if credentials.max_connection_age is not None:  # what connects with them later would be too old at once
        end = min(end, now + credentials.max_connection_age)
    return Issued(credentials, number, now, now + FRESH * (end - now), end)
