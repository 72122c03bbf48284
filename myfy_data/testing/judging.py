"""What makes a test fail although nothing was raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from myfy_data.testing.running import RunningTest
from myfy_data.testing.statements import SeenStatements, described


@contextmanager
def judged(test: RunningTest, max_queries: int | None) -> Iterator[None]:
    """The body of a test: it fails for failures that were noted, rules that did not fire, and statements too many.

    A body that fails by itself fails with its own error, which has the others as notes.
    """
    listening = test.log.queries() if max_queries is not None else nullcontext(SeenStatements())
    with listening as seen:
        try:
            yield
        except BaseException as error:
            for text in (*test.failures, *(hint for hint in test.hints if hint != str(error))):
                error.add_note(text)
            test.told = len(test.failures)
            raise
    for rule in test.rules:
        try:
            rule.check()
        except AssertionError as error:
            test.fail(str(error))
    if max_queries is not None and seen.count > max_queries:
        test.fail(
            f"at most {max_queries} statements are allowed, {seen.count} were sent:\n{described(seen.statements)}"
        )
    test.told = len(test.failures)
    if test.failures:
        pytest.fail("\n".join(test.failures), pytrace=False)
