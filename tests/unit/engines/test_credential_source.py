"""When a provider is asked, and how often (contract C12.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from myfy_data import CredentialRequest, Credentials, ProviderError
from myfy_data.credentials.provider import Provider
from myfy_data.engines.connect.credentials import Attempt, CredentialSource, NoAnswerError
from tests.asyncio_servers import PATIENCE

NOW = 1_900_000_000.0


class Refused(Exception):
    """What a server says that does not take a password."""


@dataclass
class Service:
    """A provider whose every answer is another token, and a server that takes the last one.

    Attributes:
        asked: the reasons.
        taken: the tokens that the server takes; None for every one.
        lifetime: seconds.
    """

    asked: list[str] = field(default_factory=list)
    taken: set[str] | None = None
    lifetime: float | None = None
    now: float = NOW
    before_answer: Callable[[], Awaitable[object]] | None = None
    error: Exception | None = None

    async def give(self, request: CredentialRequest) -> Credentials:
        self.asked.append(request.reason)
        token = f"t{len(self.asked)}"
        if self.before_answer is not None:
            await self.before_answer()
        if self.error is not None:
            raise self.error
        end = None if self.lifetime is None else datetime.fromtimestamp(self.now + self.lifetime, UTC)
        return Credentials(token, expires_at=end)

    def source(self, timeout: float = PATIENCE) -> CredentialSource:
        provider = Provider("app.auth:token", self.give)
        return CredentialSource(
            provider, lambda reason: CredentialRequest("main", "db", 1, "app", reason), timeout, lambda: self.now
        )

    async def open(self, secret: Any, _arguments: Any) -> str:
        await asyncio.sleep(0)
        if self.taken is not None and secret.reveal() not in self.taken:
            raise Refused
        return str(secret.reveal())

    async def connect(self, source: CredentialSource) -> str:
        opened: str = await source.log_in(Attempt({}, None), self.open, lambda error: isinstance(error, Refused))
        return opened


async def test_without_an_end_they_are_kept_until_they_are_refused() -> None:
    service = Service()
    source = service.source()

    opened = [await service.connect(source) for _ in range(3)]
    service.taken = {"t2"}
    opened.append(await service.connect(source))

    assert opened == ["t1", "t1", "t1", "t2"]
    assert service.asked == ["connect", "refused"]


@pytest.mark.parametrize(("passed", "token"), [(79, "t1"), (81, "t2"), (101, "t2")])
async def test_with_an_end_they_are_asked_for_after_80_percent_of_their_life(passed: float, token: str) -> None:
    service = Service(lifetime=100)
    source = service.source()
    await service.connect(source)

    service.now += passed

    assert await service.connect(source) == token


async def test_valid_ones_go_on_while_the_provider_fails() -> None:
    service = Service(lifetime=100)
    source = service.source()
    await service.connect(source)
    service.error = RuntimeError("down")

    service.now += 90
    assert await service.connect(source) == "t1"
    service.now += 20
    with pytest.raises(ProviderError, match="failed: RuntimeError"):
        await service.connect(source)


async def test_valid_ones_go_on_while_the_provider_hangs() -> None:
    service = Service(lifetime=100)
    source = service.source()
    await service.connect(source)
    source.timeout = 0.2
    service.before_answer = asyncio.Event().wait

    service.now += 90

    assert await service.connect(source) == "t1"


@pytest.mark.parametrize("fails", [True, False], ids=["it fails", "it hangs"])
async def test_what_ends_while_the_provider_is_waited_for_is_not_used(*, fails: bool) -> None:
    service = Service(lifetime=100)
    source = service.source()
    await service.connect(source)

    async def answer_late() -> None:
        service.now += 20
        if not fails:
            await asyncio.Event().wait()
        raise RuntimeError

    source.timeout = PATIENCE if fails else 0.2
    service.before_answer = answer_late
    service.now += 90

    with pytest.raises(ProviderError, match="failed: RuntimeError" if fails else "gives no answer"):
        await service.connect(source)


async def test_what_connects_at_once_asks_once() -> None:
    service = Service(before_answer=lambda: asyncio.sleep(0))
    source = service.source()

    assert await asyncio.gather(*(service.connect(source) for _ in range(20))) == ["t1"] * 20


async def test_what_is_refused_at_once_asks_once() -> None:
    service = Service()
    source = service.source()
    await service.connect(source)
    service.taken = {"t2"}

    assert await asyncio.gather(*(service.connect(source) for _ in range(20))) == ["t2"] * 20
    assert service.asked == ["connect", "refused"]


async def test_an_answer_from_before_the_refusal_is_not_the_last_attempt() -> None:
    """While one connection is refused, another one's question is on its way: its answer may be as old."""
    service = Service(lifetime=100)
    source = service.source()
    await service.connect(source)
    service.now += 90
    release = asyncio.Event()
    service.before_answer = release.wait
    early = asyncio.ensure_future(service.connect(source))
    await asyncio.sleep(0)
    service.now -= 90
    service.taken = {"t3"}
    refused = asyncio.ensure_future(service.connect(source))
    for _ in range(5):
        await asyncio.sleep(0)
    release.set()

    assert await refused == "t3"
    assert await early == "t3"
    assert service.asked == ["connect", "connect", "refused"]


async def test_what_the_server_never_takes_is_tried_twice() -> None:
    service = Service(taken=set())

    with pytest.raises(Refused):
        await service.connect(service.source())

    assert service.asked == ["connect", "refused"]


async def test_a_question_that_nothing_waits_for_ends() -> None:
    service = Service()
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    service.before_answer = hang
    source = service.source()
    connecting = asyncio.ensure_future(service.connect(source))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    connecting.cancel()

    await asyncio.wait_for(ended.wait(), PATIENCE)
    service.before_answer = None
    assert await service.connect(source) == "t2"


async def test_one_that_is_cancelled_takes_nothing_from_the_others() -> None:
    release = asyncio.Event()
    service = Service(before_answer=release.wait)
    source = service.source()
    first, second = (asyncio.ensure_future(service.connect(source)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    release.set()

    assert await second == "t1"


async def test_a_question_that_hangs_is_given_up_though_others_join_it() -> None:
    service = Service(before_answer=asyncio.Event().wait)
    source = service.source(timeout=0.1)

    with pytest.raises(NoAnswerError):
        await service.connect(source)
    source.timeout, service.before_answer = PATIENCE, None
    assert await service.connect(source) == "t2"
