"""What a token holds, who asks for it, and what is made of it (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from myfy_data.engines.cluster import own_writes
from myfy_data.engines.cluster.own_writes import OwnWrites, Written
from myfy_data.engines.cluster.position_asker import PositionAsker
from myfy_data.engines.cluster.token import Token
from myfy_data.engines.cluster.wanted import FOREIGN, UNKNOWN_COMMIT, Wanted, wanted_of
from myfy_data.engines.connect.look import Look
from myfy_data.engines.connect.position import Position
from myfy_data.engines.mysql.position import reaches as gtid_reaches
from myfy_data.engines.mysql.position import read_written as gtid_written
from myfy_data.engines.postgresql.position import parse_lsn, reaches, read_written

HERE = Position("0/3000060", "7112233445566778899", "1")
LOOK = Look(is_primary=True, system="7112233445566778899", timeline=1)
LATER = Look(is_primary=True, system="7112233445566778899", timeline=2)
ELSEWHERE = Look(is_primary=True, system="1", timeline=1)
GTID = Position("0-1-100", None, "1")
MARIADB, PROMOTED = (Look(is_primary=True, member=member) for member in ("1", "2"))
UUID = "b6f6a3e2-cc2a-11f0-9d5c-0242ac110002"
SEQNO = Position(f"{UUID}:7", UUID)
GALERA = Look(is_primary=True, system=UUID, timeline=3, peers=UUID)
PAGE, SEGMENT = 8192, 16 * 2**20


@pytest.mark.parametrize("token", [Token(), Token(HERE), Token(Position("0-1-100"))])
def test_a_token_survives_as_text(token: Token) -> None:
    assert Token.parse(token.text) == token
    assert set(token.text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_no_part_of_a_token_is_one() -> None:
    whole = Token(HERE).text

    assert [cut for cut in range(len(whole)) if Token.parse(whole[:cut]) is not None] == []


def test_each_changed_letter_is_seen() -> None:
    """Another digit of a position would be another position."""
    whole = Token(HERE).text
    changed = [
        whole[:place] + ("A" if whole[place] != "A" else "B") + whole[place + 1 :] for place in range(len(whole) - 1)
    ]

    assert [text for text in changed if Token.parse(text) is not None] == []


@pytest.mark.parametrize("text", [None, 5, b"", "", "é", "a" * 5000, "AAAAAAAAAAAA"])
def test_what_is_no_token_is_none(text: object) -> None:
    assert Token.parse(text) is None


def test_positions_are_compared_as_numbers() -> None:
    assert parse_lsn("1/0") > parse_lsn("0/FFFFFFFF") > parse_lsn("0/9")
    assert reaches(["1/0"], "0/FFFFFFFF")
    assert reaches(["0/10"], "0/10")
    assert not reaches(["0/F"], "0/10")
    assert not reaches([None], "0/10")


def test_gtids_are_compared_domain_by_domain() -> None:
    assert gtid_reaches(["0-1-100"], "0-1-100")
    assert gtid_reaches(["7-1-3,0-2-101"], "0-1-100,7-1-3")
    assert not gtid_reaches(["0-1-99"], "0-1-100")
    assert not gtid_reaches(["0-1-100"], "0-1-100,7-1-3")
    assert not gtid_reaches([None], "0-1-100")


def test_a_galera_node_counts_in_its_own_cluster() -> None:
    assert gtid_written(["", 1, f"{UUID}:7:Galera"]) == SEQNO
    assert gtid_written(["0-1-100", 1, f"{UUID}:7:Galera"]) == SEQNO  # with a binary log of its own
    assert gtid_reaches([f"{UUID}:7:Galera"], SEQNO.text)
    assert gtid_reaches([f"{UUID}:10:Galera"], SEQNO.text)
    assert not gtid_reaches([f"{UUID}:6:Galera"], SEQNO.text)
    assert not gtid_reaches([f"{UUID[::-1]}:7:Galera"], SEQNO.text)
    assert not gtid_reaches([None], SEQNO.text)


def test_a_server_alone_has_the_position_of_its_binary_log() -> None:
    assert gtid_written(["0-1-100", 1, "00000000-0000-0000-0000-000000000000:18446744073709551615:"]) == GTID
    assert gtid_written(["", 1, None]) is None


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("0/3002018", "0/3002000"),  # past a page's header: what was written ends before the page
        ("0/4000028", "0/4000000"),  # past that of a segment's first page
        ("0/3002028", "0/3002028"),  # the end of a record that began on the page before
        ("0/4000018", "0/4000018"),
        ("0/3000060", "0/3000060"),
    ],
)
def test_a_place_behind_a_page_header_is_before_it(told: str, meant: str) -> None:
    assert read_written([told, "7", 1, PAGE, SEGMENT]) == Position(meant, "7", "1")


def own(position: Position | None, *, unknown: bool = False) -> Written:
    soon = own_writes.monotonic() + 60
    return Written(until=soon, unknown_until=soon if unknown else 0.0, told=position)


@pytest.mark.parametrize(
    ("after", "own_writes_of_task", "look", "wanted"),
    [
        (None, None, LOOK, None),
        (Token(HERE).text, None, LOOK, Wanted((HERE.text,))),
        (Token(HERE).text, None, None, Wanted((HERE.text,))),
        (Token(HERE).text, None, LATER, Wanted(is_open=True)),
        (Token(HERE).text, None, ELSEWHERE, Wanted(refusal=FOREIGN)),
        (Token(GTID).text, None, MARIADB, Wanted((GTID.text,))),
        (Token(GTID).text, None, PROMOTED, Wanted(is_open=True)),
        (Token(GTID).text, None, GALERA, Wanted(refusal=FOREIGN)),
        (Token(SEQNO).text, None, GALERA, Wanted((SEQNO.text,))),
        (Token(SEQNO).text, None, replace(GALERA, timeline=9), Wanted((SEQNO.text,))),
        (Token().text, None, LOOK, Wanted(is_open=True)),
        ("garbage", None, LOOK, Wanted(refusal=FOREIGN)),
        (None, own(HERE), LOOK, Wanted((HERE.text,))),
        (None, own(None), LOOK, Wanted(is_open=True)),
        (None, own(HERE), LATER, Wanted(is_open=True)),
        (None, own(HERE), ELSEWHERE, Wanted(is_open=True)),
        (Token(HERE).text, own(None), LOOK, Wanted((HERE.text,), is_open=True)),
        (Token(HERE).text, own(Position("0/1", LOOK.system, "1")), LOOK, Wanted((HERE.text, "0/1"))),
    ],
)
def test_what_a_read_must_find(
    after: str | None, own_writes_of_task: Written | None, look: Look | None, wanted: Wanted | None
) -> None:
    assert wanted_of(after, own_writes_of_task, look) == wanted


def test_a_commit_whose_outcome_is_unknown_has_no_position() -> None:
    """It may be stored behind whatever the primary says now."""
    found = wanted_of(Token(HERE).text, own(HERE, unknown=True), LOOK)

    assert found is not None
    assert found.refusal == UNKNOWN_COMMIT
    assert found.seconds is not None
    assert 0 < found.seconds <= 60


def test_a_later_commit_does_not_hide_an_unknown_one() -> None:
    notes = OwnWrites(None, {})
    notes.note_unknown("main", 60)
    notes.note("main", 60)

    assert notes.written("main").is_unknown
    assert not notes.written("other").is_unknown


class Primary:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def ask(self) -> Position:
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        return Position(str(number))


async def test_all_that_committed_meanwhile_share_one_question() -> None:
    primary = Primary()
    asker = PositionAsker(primary.ask)
    first = asker.soon()
    while primary.asked == 0:
        await asyncio.sleep(0)
    later = [asker.soon() for _ in range(50)]
    primary.may_answer.set()

    # The first question was on its way when the others committed: it says nothing of them.
    assert (await first, {await one for one in later}) == (Position("1"), {Position("2")})
    assert primary.asked == 2


async def test_who_waits_is_told_when_nothing_is_asked_any_more() -> None:
    primary = Primary()
    asker = PositionAsker(primary.ask)
    first = asker.soon()
    while primary.asked == 0:
        await asyncio.sleep(0)
    second = asker.soon()
    await asker.stop()

    assert (await first, await second) == (None, None)
