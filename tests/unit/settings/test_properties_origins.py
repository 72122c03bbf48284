"""Every winning value knows the layer, line and column that gave it (contract C3.10)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from myfy_data import ConfigError
from myfy_data.origins import DEFAULT, Origin
from tests.unit.settings.spelling import loaded
from tests.unit.settings.stacks import FREE, SOURCES, VALUES, Key, Leaf, Stack, dotted, stacks, winners

QUICK = settings(max_examples=60)


def keys(stack: Stack) -> Iterator[tuple[str, Key, Leaf | None]]:
    """Every profile and key, and the layer that wins there."""
    for name, leaves in winners(stack).items():
        for key in VALUES:
            if key in leaves or key[0] not in FREE or len(key) == 1:
                yield name, key, leaves.get(key)


def lineage(stack: Stack, name: str) -> Iterator[str]:
    """A profile, its parent, and so on."""
    yield name
    if name in stack.parents:
        yield from lineage(stack, stack.parents[name])


@given(stacks())
@QUICK
def test_the_origin_of_every_setting_is_the_place_of_the_layer_that_won(stack: Stack) -> None:
    with loaded(stack) as (loaded_settings, written):
        for name, key, leaf in keys(stack):
            wanted = written.places[leaf.source, ("profiles", leaf.profile, *key)] if leaf else DEFAULT
            assert (key, loaded_settings.origin(dotted(("profiles", name, *key)))) == (key, wanted)


@given(stacks())
@QUICK
def test_a_flat_key_has_the_origin_of_the_default_profiles_key(stack: Stack) -> None:
    with loaded(stack) as (loaded_settings, _):
        for name, key, _ in keys(stack):
            if name == stack.default:
                full = dotted(("profiles", name, *key))
                assert loaded_settings.origin(dotted(key)) == loaded_settings.origin(full)


@given(stacks())
@QUICK
def test_the_default_has_the_origin_of_the_highest_layer_that_names_it(stack: Stack) -> None:
    assume(stack.roots)
    highest = [source for source in SOURCES if source in stack.roots][-1]
    with loaded(stack) as (loaded_settings, written):
        assert loaded_settings.origin("default") == written.places[highest, ("default",)]


@given(stacks())
@QUICK
def test_explain_lists_exactly_the_layers_that_spoke_with_the_winner_first(stack: Stack) -> None:
    with loaded(stack) as (loaded_settings, written):
        for name, key, leaf in keys(stack):
            spoke: list[tuple[str, Origin, bool]] = [
                (
                    dotted(("profiles", member, *key)),
                    written.places[source, ("profiles", member, *key)],
                    leaf is not None and (source, member) == (leaf.source, leaf.profile),
                )
                for member in lineage(stack, name)
                for source in reversed(SOURCES)
                if key in stack.said.get((source, member), {})
            ]
            # A stable sort: below the winner, the order of precedence stays.
            wanted = [*sorted(spoke, key=lambda row: not row[2]), (dotted(("profiles", name, *key)), DEFAULT, not leaf)]
            rows = loaded_settings.explain(dotted(("profiles", name, *key)))
            assert [(row.key, row.origin, row.wins) for row in rows] == wanted


@given(stacks(), st.text("abz_", min_size=1, max_size=9))
@QUICK
def test_a_key_that_does_not_exist_has_no_origin(stack: Stack, key: str) -> None:
    assume(key != "echo")
    with loaded(stack) as (loaded_settings, _):
        for name in (
            f"profiles.{stack.default}.{key}",
            key,
            f"profiles.{stack.default}.sqlite.{key}",
            f"connect_args.{key}",
        ):
            with pytest.raises(ConfigError):
                loaded_settings.origin(name)
