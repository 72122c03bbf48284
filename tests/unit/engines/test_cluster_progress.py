"""How far a replica is behind, by what the primary had when it was looked at (contract C11.3; ADR 46)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from myfy_data.engines.cluster.progress import KEPT, Progress
from myfy_data.engines.connect.look import Look


def look(count: int | Mapping[str, int], **more: Any) -> Look:
    return Look(is_primary=True, progress={"log": count} if isinstance(count, int) else count, **more)


def noted(*looks: tuple[float, Look]) -> Progress:
    progress = Progress()
    for at, one in looks:
        progress.note(one, at)
    return progress


THREE = noted((10.0, look(100)), (11.0, look(200)), (12.0, look(300)))


@pytest.mark.parametrize(
    ("count", "behind"), [(300, 0.0), (400, 0.0), (299, 0.5), (200, 0.5), (199, 1.5), (100, 1.5), (0, 2.5)]
)
def test_a_server_is_behind_since_the_primary_had_what_it_lacks(count: int, behind: float) -> None:
    assert THREE.behind(look(count), 12.1, 12.5) == behind


def test_what_the_primary_had_after_the_question_says_nothing() -> None:
    assert THREE.behind(look(200), 11.9, 12.5) == 0.0
    assert THREE.behind(look(100), 11.9, 12.5) == 1.5


def test_a_primary_that_writes_nothing_had_everything_from_the_first_look_on() -> None:
    idle = noted((10.0, look(100)), (11.0, look(100)), (12.0, look(100)))

    assert (idle.behind(look(100), 12.1, 12.5), idle.behind(look(99), 12.1, 12.5)) == (0.0, 2.5)


def test_nothing_is_known_before_the_primary_was_looked_at() -> None:
    assert Progress().behind(look(0), 12.1, 12.5) == 0.0


@pytest.mark.parametrize("unknown", [{}, {"other": 1}], ids=["of nothing", "of something else"])
def test_a_server_that_does_not_count_what_the_primary_counts_is_not_judged(unknown: Mapping[str, int]) -> None:
    assert THREE.behind(look(unknown), 12.1, 12.5) == 0.0


def test_each_count_that_both_know_has_to_be_reached() -> None:
    both = noted((10.0, look({"0": 5})), (11.0, look({"0": 5, "7": 3})))

    assert both.behind(look({"0": 5, "7": 2}), 12.1, 12.5) == 1.5
    assert both.behind(look({"0": 5, "7": 3}), 12.1, 12.5) == 0.0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (look(900, timeline=1), look(100, timeline=2)),
        (look(900, member="1"), look(100, member="2")),
        (look(900), look(100)),
        (look({"0": 900, "7": 3}), look({"0": 900})),
    ],
    ids=["another timeline", "another server", "less than before", "without a count"],
)
def test_what_came_undone_has_not_to_be_reached(first: Look, second: Look) -> None:
    assert noted((10.0, first), (11.0, second)).behind(look({"log": 100, "0": 0, "7": 0}), 12.1, 12.5) in (0.0, 1.5)
    assert noted((10.0, first), (11.0, second)).behind(second, 12.1, 12.5) == 0.0


def test_peers_go_on_with_the_same_count() -> None:
    """As nodes of Galera do: another one takes the writes, and the cluster's view is another one."""
    peers = noted((10.0, look(100, peers="u", timeline=3)), (11.0, look(200, peers="u", timeline=4)))

    assert peers.behind(look(99, peers="u", timeline=3), 12.1, 12.5) == 2.5


def test_only_so_much_is_remembered() -> None:
    long = noted(*((float(at), look(at)) for at in range(2 * KEPT)))

    assert long.behind(look(0), 2.0 * KEPT, 2.0 * KEPT) == KEPT
