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
