"""The rules of succession, without a server and without a clock (contract C11.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myfy_data.engines.cluster.succession import Sight, Succession, find_strangers, role_of, succeed
from myfy_data.engines.connect.look import Look


def primary(timeline: int | None = 1, system: str = "x") -> Sight:
    return Sight(Look(is_primary=True, system=system, timeline=timeline, lag=0.0))


def replica(timeline: int | None = 1, system: str = "x", *, follows: bool | None = True) -> Sight:
    return Sight(Look(is_primary=False, system=system, timeline=timeline, follows=follows, lag=0.0))


def missing(sight: Sight, times: int = 1) -> Sight:
    for _ in range(times):
        sight = sight.missed("no answer")
    return sight


CASES = {
    "the first primary": (None, {"a": replica(), "b": primary()}, "b"),
    "no choice before every server was looked at": (None, {"a": primary(), "b": Sight()}, None),
    "a server that does not answer was looked at": (None, {"a": primary(), "b": missing(Sight())}, "a"),
    "the present one stays, whoever else claims to be": ("a", {"a": primary(1), "b": primary(2)}, "a"),
    "it is left when it says that it is a replica": ("a", {"a": replica(), "b": replica()}, None),
    "one missed look alone is forgiven": ("a", {"a": missing(primary()), "b": replica()}, "a"),
    "one missed look and another primary": ("a", {"a": missing(primary()), "b": primary(2)}, "b"),
    "two missed looks": ("a", {"a": missing(primary(), 2), "b": replica()}, None),
    "of two claimants the higher timeline": (None, {"a": primary(1), "b": primary(2)}, "b"),
    "of two equal claimants none": (None, {"a": primary(2), "b": primary(2)}, None),
    "of two claimants on unknown timelines none": (None, {"a": primary(None), "b": primary(2)}, None),
    "a claim that was not repeated is none": (None, {"a": missing(primary(1)), "b": replica()}, None),
    "a stranger is never chosen": (None, {"a": replica(), "b": replica(), "c": primary(9, "y")}, None),
    "a present one that turns out to be a stranger": ("a", {"a": primary(9, "y"), "b": primary(), "c": replica()}, "b"),
}


@pytest.mark.parametrize(("present", "sights", "expected"), CASES.values(), ids=CASES.keys())
def test_who_is_primary(present: str | None, sights: dict[str, Sight], expected: str | None) -> None:
    found = succeed(present, sights)

    assert found.primary == expected
    assert bool(found.why) is (expected != present)


def test_of_two_servers_that_differ_both_are_strangers() -> None:
    assert find_strangers({"a": primary(), "b": primary(system="y")}, None) == {"a", "b"}


def test_a_cluster_that_is_known_tells_which_one_is_the_stranger() -> None:
    assert find_strangers({"a": primary(), "b": primary(system="y")}, "x") == {"b"}


@pytest.mark.parametrize(
    ("sight", "role"),
    [
        (primary(2), "primary"),
        (missing(primary(2)), "down"),
        (Sight(), "unknown"),
        (replica(2, system="y"), "stranger"),
    ],
)
def test_what_a_server_is(sight: Sight, role: str) -> None:
    strangers = frozenset({"a"}) if role == "stranger" else frozenset[str]()

    assert role_of("a", {"a": sight}, Succession("a", "", (), strangers)) == role


@pytest.mark.parametrize(
    ("sight", "role"),
    [
        (replica(2), "replica"),
        (replica(1), "stale"),
        (replica(2, follows=False), "stale"),
        (replica(None, follows=None), "replica"),
        (primary(1), "stale"),
    ],
)
def test_what_a_server_is_beside_the_primary(sight: Sight, role: str) -> None:
    assert role_of("b", {"a": primary(2), "b": sight}, Succession("a", "", (), frozenset())) == role


def node(*, view: int = 1, is_synced: bool = True, peers: str = "g") -> Sight:
    """A node of Galera."""
    return Sight(Look(is_primary=is_synced, system=peers, timeline=view, lag=0.0 if is_synced else None, peers=peers))


GALERA = {
    "of nodes that write side by side the first one": (None, {"b": node(), "a": node()}, "b"),
    "a node that has seen more of the cluster": (None, {"a": node(view=1), "b": node(view=2), "c": node(view=2)}, "b"),
    "one missed look of a node says nothing, whoever else takes writes": (
        "a",
        {"a": missing(node()), "b": node()},
        "a",
    ),
    "two missed looks of a node": ("a", {"a": missing(node(), 2), "b": node()}, "b"),
    "a node that is not synchronised": ("a", {"a": node(is_synced=False), "b": node()}, "b"),
    "a node that comes back changes nothing": ("b", {"a": node(), "b": node()}, "b"),
    "nodes of two clusters": (None, {"a": node(), "b": node(peers="h")}, None),
}


@pytest.mark.parametrize(("present", "sights", "expected"), GALERA.values(), ids=GALERA.keys())
def test_which_node_takes_the_writes(present: str | None, sights: dict[str, Sight], expected: str | None) -> None:
    found = succeed(present, sights)

    assert (found.primary, found.rivals) == (expected, ())


def test_servers_that_are_no_peers_are_rivals() -> None:
    assert succeed("a", {"a": primary(None), "b": primary(None)}).rivals == ("a", "b")


@pytest.mark.parametrize("view", [1, 2, 3])
def test_the_other_nodes_serve_readers(view: int) -> None:
    found = Succession("a", "", (), frozenset())

    assert role_of("b", {"a": node(view=2), "b": node(view=view)}, found) == "replica"


def server(member: str, source: str | None = None) -> Sight:
    """A server whose replicas say whom they follow."""
    return Sight(Look(is_primary=source is None, member=member, source=source, lag=0.0))


@pytest.mark.parametrize(
    ("source", "role"),
    [
        ("1", "replica"),  # the primary
        ("2", "replica"),  # a replica of the primary
        ("3", "stale"),  # an old primary
        ("9", "stale"),  # a server that is not listed
        ("4", "stale"),  # itself
    ],
)
def test_a_replica_follows_the_primary_or_one_that_does(source: str, role: str) -> None:
    sights = {"a": server("1"), "b": server("2", "1"), "c": missing(server("3")), "d": server("4", source)}

    assert role_of("d", sights, Succession("a", "", (), frozenset())) == role


looks = st.builds(
    Look,
    is_primary=st.booleans(),
    system=st.sampled_from(["x", "x", "y", None]),
    timeline=st.sampled_from([1, 2, 3, None]),
    follows=st.sampled_from([True, False, None]),
    lag=st.sampled_from([0.0, None]),
    member=st.sampled_from(["1", "2", None]),
    source=st.sampled_from(["1", "2", None]),
)
sights = st.builds(Sight, st.none() | looks, st.integers(0, 3))
clusters = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), sights, min_size=1)


@given(clusters, st.data())
def test_a_primary_is_one_that_says_so_now_or_said_so_a_look_ago(known: dict[str, Sight], data: st.DataObject) -> None:
    present = data.draw(st.none() | st.sampled_from(sorted(known)))

    found = succeed(present, known)

    if found.primary is not None:
        sight = known[found.primary]
        assert found.primary not in found.strangers
        assert sight.misses == 0 or (found.primary == present and sight.misses < 2)
        assert sight.misses or (sight.look is not None and sight.look.is_primary)


@given(clusters, st.data())
def test_a_present_primary_that_answers_as_one_stays(known: dict[str, Sight], data: st.DataObject) -> None:
    present = data.draw(st.sampled_from(sorted(known)))
    known[present] = primary(1)

    found = succeed(present, known, "x")

    assert found.primary == present


@given(clusters)
def test_the_rules_are_the_same_in_any_order(known: dict[str, Sight]) -> None:
    backwards = dict(reversed(known.items()))

    assert succeed(None, known).primary == succeed(None, backwards).primary
