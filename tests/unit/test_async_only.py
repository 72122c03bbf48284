"""A forgotten `async` before `with` is answered with the line to write."""

from __future__ import annotations

from typing import Any

import pytest

from myfy_data import DatabaseSettings, DataModule

DATA = DataModule(settings=DatabaseSettings(database_url="sqlite://"))


@pytest.mark.parametrize(
    "block",
    [DATA, DATA.session(), DATA.session(read_only=True), DATA.get_session_factory().session_context()],
    ids=["DataModule", "session", "read-only session", "session_context"],
)
def test_with_says_that_it_is_async_with(block: Any) -> None:
    with pytest.raises(TypeError, match="`async with`"), block:
        pass


@pytest.mark.parametrize("name", ["execute", "add", "commit", "scalars"])
def test_a_block_that_is_used_as_a_session_says_how_it_is_entered(name: str) -> None:
    with pytest.raises(AttributeError, match="fix: async with") as caught:
        getattr(DATA.session(), name)

    assert name in str(caught.value)


def test_another_name_is_missed_as_ever() -> None:
    with pytest.raises(AttributeError, match="'SessionContext' object has no attribute 'speak'"):
        _ = DATA.session().speak  # type: ignore[attr-defined]  # it is what is tested
