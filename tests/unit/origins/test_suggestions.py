"""Did you mean."""

from __future__ import annotations

import pytest

from myfy_data.suggestions import listed, nearest


@pytest.mark.parametrize(
    ("name", "near"),
    [("poll_size", "pool_size"), ("POOL_SIZE", "pool_size"), ("mian", "main"), ("analytics", None), ("", None)],
)
def test_a_slip_finds_the_name_and_another_word_finds_none(name: str, near: str | None) -> None:
    assert nearest(name, ["pool_size", "main", "echo"]) == near


def test_a_long_list_is_cut_where_nobody_reads_on() -> None:
    assert listed(f"p{number}" for number in range(14)).endswith("p11 and 2 more")


def test_no_name_at_all_is_said_in_a_word() -> None:
    assert listed([]) == "none"
