"""Every profile and key has one variable name that fits back to the same place (contract C3.6)."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myfy_data import load_settings
from myfy_data.layers.key_spec import variable_for
from myfy_data.layers.variables.fitting import Fitter
from myfy_data.settings.key_spec import KEY_SPEC

Key = tuple[str, ...]

# A name with `x-` in front is the user's own key and no profile.
PROFILES = st.from_regex(r"(?!x-)[a-z][a-z0-9]{0,9}([-_][a-z0-9]{1,9}){0,5}", fullmatch=True)
FREE_KEYS = st.from_regex(r"[a-z0-9]{1,5}(_[a-z0-9]{1,5}){0,2}", fullmatch=True)
KEYS: st.SearchStrategy[Key] = st.one_of(
    st.sampled_from([(key,) for key in KEY_SPEC.profile]),
    st.sampled_from([(table, key) for table, keys in KEY_SPEC.tables.items() for key in keys]),
    st.tuples(st.sampled_from(sorted(KEY_SPEC.free)), FREE_KEYS),
    st.tuples(st.sampled_from(sorted(KEY_SPEC.free)), FREE_KEYS, FREE_KEYS),
)
DECLARED = st.lists(PROFILES, min_size=1, max_size=4, unique_by=lambda name: name.replace("-", "_"))
QUICK = settings(max_examples=100)


@given(DECLARED, KEYS, st.data())
@QUICK
def test_the_variable_of_a_profiles_key_means_that_key_however_it_is_spelt(
    names: list[str], key: Key, data: st.DataObject
) -> None:
    path = ("profiles", data.draw(st.sampled_from(names)), *key)
    rng = Random(data.draw(st.integers(0, 99)))
    fitter = Fitter(KEY_SPEC, names)
    name = variable_for(path)
    mixed = "".join(rng.choice([letter.lower(), letter]) for letter in name)
    assert [fitter.fit(spelling) for spelling in (name, name.lower(), mixed)] == [path] * 3


@given(DECLARED, KEYS)
@QUICK
def test_the_variable_of_a_flat_key_means_that_key(names: list[str], key: Key) -> None:
    fitter = Fitter(KEY_SPEC, names)
    assert [fitter.fit(variable_for(key)), fitter.fit(variable_for(key).lower())] == [key, key]


@given(DECLARED)
@QUICK
def test_each_declared_name_has_its_own_short_url_variable(names: list[str]) -> None:
    fitter = Fitter(KEY_SPEC, names)
    found = [fitter.fit(f"MYFY_DATA_{name.replace('-', '_').upper()}_DATABASE_URL") for name in names]
    assert found == [("profiles", name, "database_url") for name in names]


@given(PROFILES, KEYS)
@QUICK
def test_dashes_and_underscores_of_a_declared_name_share_one_variable(name: str, key: Key) -> None:
    dashed, underscored = name.replace("_", "-"), name.replace("-", "_")
    variables = {variable_for(("profiles", spelling, *key)) for spelling in (name, dashed, underscored)}
    assert {Fitter(KEY_SPEC, [name]).fit(variable) for variable in variables} == {("profiles", name, *key)}
    assert len(variables) == 1


@given(DECLARED, st.data())
@settings(max_examples=40)
def test_a_variable_of_the_process_lands_in_its_profile_and_in_no_other(names: list[str], data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from(names))
    key, text, value = data.draw(st.sampled_from(LANDINGS))
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        tables = (f'[data.profiles.{name}]\ndatabase_url = "sqlite://"\n' for name in names)
        Path(directory, "myfy.toml").write_text("".join(tables), encoding="utf-8")
        before = load_settings(directory)
        variable = variable_for(("profiles", chosen, *key))
        patch.setenv(data.draw(st.sampled_from([variable, variable.lower()])), text)
        after = load_settings(directory)
    assert {name: after.profiles[name] == before.profiles[name] for name in names} == {
        name: name != chosen for name in names
    }
    found = after.profiles[chosen].model_dump()
    for part in key:
        found = found[part]
    assert found == value


LANDINGS: list[tuple[Key, str, object]] = [
    (("pool_size",), "17", 17),
    (("pool_timeout",), "1.5", 1.5),
    (("echo",), "yes", True),
    (("application_name",), "${x} $y", "${x} $y"),
    (("sqlite", "journal_mode"), "delete", "delete"),
    (("migrations", "version_table"), "versions", "versions"),
    (("connect_args", "jit"), '"off"', "off"),
    (("connect_args",), '{"a.b": [1]}', {"a.b": [1]}),
]
