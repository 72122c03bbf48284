"""The cookie by itself: what it takes along, for how long, and what is not believed (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from myfy_data import ConfigError, DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.cluster import own_writes
from myfy_data.engines.cluster.own_writes import OwnWrites, request_notes
from myfy_data.engines.connect.position import Position
from myfy_data.sessions import token_cookie
from myfy_data.sessions.token_cookie import TokenCookie
from myfy_data.sessions.token_key import derive_key

KEY = b"0123456789abcdef"
HERE = Position("0/3000060", "7112233445566778899", "1")
LATER = Position("0/4000000", "7112233445566778899", "1")


def profile(**more: Any) -> DatabaseSettings:
    return DatabaseSettings(**{"database_url": "postgresql://app:secret@/shop", "hosts": ["a:1", "b:2"], **more})


PROFILES = {"main": profile(), "slow": profile(reads={"from": "prefer-replica", "max_lag": 100.0})}


def answered(position: Position | None) -> asyncio.Future[Position | None]:
    answer: asyncio.Future[Position | None] = asyncio.get_running_loop().create_future()
    answer.set_result(position)
    return answer


def headers(value: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"here"), (b"cookie", b"a=1; myfy_data_token=" + value + b"; b=2")]


async def value_after(cookie: TokenCookie, note: Any, *, before: bytes | None = None, is_secure: bool = False) -> bytes:
    """The header of a response to a request that wrote."""
    carried = cookie.open(headers(before) if before is not None else [], is_secure=is_secure)
    with request_notes(carried.brought) as notes:
        note(notes)
        header = await carried.header(notes)
    assert header is not None
    return header[1]


def token_of(header: bytes) -> bytes:
    return header.split(b";")[0].split(b"=", 1)[1]


def commit(notes: OwnWrites) -> None:
    notes.note("main", 10.0, answered(HERE))


@pytest.fixture
def cookie() -> TokenCookie:
    return TokenCookie(KEY, PROFILES)


async def test_a_position_comes_back(cookie: TokenCookie) -> None:
    value = token_of(await value_after(cookie, commit))
    brought = cookie.open(headers(value), is_secure=False).brought

    assert brought["main"].position == HERE
    assert 59 < brought["main"].seconds_left <= 61
    assert "slow" not in brought


async def test_who_wrote_nothing_gets_none(cookie: TokenCookie) -> None:
    carried = cookie.open([], is_secure=False)
    with request_notes(carried.brought) as notes:
        assert await carried.header(notes) is None


async def test_only_https_is_told_to_keep_it_there(cookie: TokenCookie) -> None:
    assert b"Secure" not in await value_after(cookie, commit)
    assert (await value_after(cookie, commit, is_secure=True)).endswith(b"; Secure")


async def test_what_was_brought_is_kept_beside_what_was_written(cookie: TokenCookie) -> None:
    first = token_of(await value_after(cookie, commit))
    second = token_of(await value_after(cookie, lambda notes: notes.note("slow", 200.0), before=first))
    brought = cookie.open(headers(second), is_secure=False).brought

    assert brought["main"].position == HERE
    assert brought["slow"].position is None
    assert 199 < brought["slow"].seconds_left <= 201


async def test_an_unknown_outcome_is_remembered_as_one(cookie: TokenCookie) -> None:
    first = token_of(await value_after(cookie, lambda notes: notes.note_unknown("main", 10.0)))
    second = token_of(await value_after(cookie, commit, before=first))

    for value in (first, second):
        assert cookie.open(headers(value), is_secure=False).brought["main"].is_unknown


async def test_each_changed_letter_is_seen(cookie: TokenCookie) -> None:
    """Nothing of such a cookie is believed; the primary serves, and the response ends it."""
    value = token_of(await value_after(cookie, commit))
    for place in range(len(value) - 1):  # of the last letter some bits mean nothing
        changed = value[:place] + (b"A" if value[place : place + 1] != b"A" else b"B") + value[place + 1 :]
        carried = cookie.open(headers(changed), is_secure=False)
        assert set(carried.brought) == {"main", "slow"}
        assert all(one.position is None and one.seconds_left > 0 for one in carried.brought.values())
        with request_notes(carried.brought) as notes:
            header = await carried.header(notes)
        assert header is not None
        assert cookie.open(headers(token_of(header[1])), is_secure=False).brought.keys() == {"main", "slow"}


@pytest.mark.parametrize("value", [b"", b".", b"garbage", b"e30.AAAA", b"\xff\xfe", b"=" * 5000])
def test_what_is_none_of_ours_is_not_believed(cookie: TokenCookie, value: bytes) -> None:
    brought = cookie.open(headers(value), is_secure=False).brought

    assert {name: one.position for name, one in brought.items()} == {"main": None, "slow": None}


async def test_another_key_s_is_not_believed(cookie: TokenCookie) -> None:
    value = token_of(await value_after(TokenCookie(b"another key of 16", PROFILES), commit))

    assert cookie.open(headers(value), is_secure=False).brought["main"].position is None


async def test_it_ends_by_its_own_time_and_not_by_the_browser_s(
    cookie: TokenCookie, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = token_of(await value_after(cookie, commit))
    now = token_cookie.wall_clock()
    for later, is_over in ((55, False), (62, True), (-1000, False)):
        monkeypatch.setattr(token_cookie, "wall_clock", lambda later=later: now + later)
        left = cookie.open(headers(value), is_secure=False).brought["main"].seconds_left
        assert (left <= 0) is is_over
        assert left <= 60  # whatever the clocks say


async def test_where_there_is_no_room_the_primary_serves() -> None:
    profiles = {f"profile_{number}": profile() for number in range(60)}
    cookie = TokenCookie(KEY, profiles)

    def commit_all(notes: OwnWrites) -> None:
        for name in profiles:
            notes.note(name, 10.0, answered(HERE))

    header = await value_after(cookie, commit_all)
    brought = cookie.open(headers(token_of(header)), is_secure=False).brought

    assert len(header) < 4096
    assert brought.keys() == profiles.keys()
    assert {one.position for one in brought.values()} == {None}
    assert all(one.seconds_left > 0 for one in brought.values())


async def test_a_response_waits_for_the_answer(cookie: TokenCookie) -> None:
    answer: asyncio.Future[Position | None] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(value_after(cookie, lambda notes: notes.note("main", 10.0, answer)))
    await asyncio.sleep(0)
    assert not task.done()
    answer.set_result(HERE)

    assert cookie.open(headers(token_of(await task)), is_secure=False).brought["main"].position == HERE


async def test_what_is_carried_is_where_the_primary_is_when_the_response_leaves() -> None:
    """Not at the COMMIT: another response of the client may have left since, whose cookie this one replaces."""
    asked: list[str] = []

    def ask(profile: str) -> asyncio.Future[Position | None]:
        asked.append(profile)
        return answered(LATER)

    cookie = TokenCookie(KEY, PROFILES, ask)
    value = token_of(await value_after(cookie, commit))
    assert (asked, cookie.open(headers(value), is_secure=False).brought["main"].position) == (["main"], LATER)

    second = token_of(await value_after(cookie, lambda notes: notes.note("slow", 200.0), before=value))
    assert asked == ["main", "main"]  # of what was brought as well: it stands in the cookie that is replaced
    assert cookie.open(headers(second), is_secure=False).brought["slow"].position is None


async def test_a_position_that_is_on_its_way_is_not_asked_twice() -> None:
    answer: asyncio.Future[Position | None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(answer.set_result, HERE)
    cookie = TokenCookie(KEY, PROFILES, lambda _: answered(LATER))
    value = token_of(await value_after(cookie, lambda notes: notes.note("main", 10.0, answer)))

    assert cookie.open(headers(value), is_secure=False).brought["main"].position == HERE


async def test_a_primary_that_does_not_say_where_it_is_leaves_the_token_open() -> None:
    cookie = TokenCookie(KEY, PROFILES, lambda _: answered(None))
    value = token_of(await value_after(cookie, commit))

    brought = cookie.open(headers(value), is_secure=False).brought["main"]
    assert brought.position is None
    assert brought.seconds_left > 59


def test_the_key_is_made_of_the_passwords(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret")
    file.chmod(0o600)
    of_file = profile(database_url="postgresql://app@/shop", password_file=str(file))

    assert derive_key({"main": profile()}) == derive_key({"main": of_file})
    assert derive_key({"main": profile()}) != derive_key({"main": profile(database_url="postgresql://app:other@/shop")})


WITHOUT = profile(database_url="postgresql://app@/shop")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"read_your_writes": "header"}, "read_your_writes: expected 'cookie', got 'header'"),
        ({"read_your_writes_key": "k" * 32}, "read_your_writes_key: signs nothing without read_your_writes"),
        ({"read_your_writes": "cookie", "read_your_writes_key": "short"}, "expected 16 characters or more"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(arguments: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        DataModule(settings=DataSettings(profiles={"main": profile()}), **arguments)  # type: ignore[arg-type]  # by name


async def test_without_a_password_a_start_asks_for_a_key() -> None:
    data = DataModule(settings=DataSettings(profiles={"main": WITHOUT}), read_your_writes="cookie")

    with pytest.raises(ConfigError, match="profile 'main' has no password in its settings") as caught:
        await data.start()
    assert "read_your_writes_key=" in str(caught.value)


async def test_one_server_has_no_cookie_and_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_writes.Requests, "are_apart", False)
    one = DatabaseSettings(database_url="sqlite://")
    async with DataModule(settings=DataSettings(profiles={"main": one}), read_your_writes="cookie") as data:
        assert data.token_cookie is None
