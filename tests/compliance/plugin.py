"""A pytest plugin for the process that runs SQLAlchemy's tests: which engines they get, and what came of each test.

Told by variables of the environment, so that SQLAlchemy's own command line stays its own:

    COMPLIANCE_OURS     1: engines of ours; 0: plain ones
    COMPLIANCE_RECORD   the file to which what happens is appended, one JSON object a line
    COMPLIANCE_DONE     a file of test ids, one a line, that are not run (again)
    COMPLIANCE_ONLY     a file of test ids, one a line; others are not run
    COMPLIANCE_IDENT    the name of this process's database, as SQLAlchemy's "follower" has one
    COMPLIANCE_LIMIT    seconds after which a test is given up, and the process with it
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_RECORD = Path(os.environ["COMPLIANCE_RECORD"])
_LIMIT = float(os.environ["COMPLIANCE_LIMIT"])
_OURS = os.environ["COMPLIANCE_OURS"] == "1"
_STDERR = os.dup(2)  # pytest captures what is written to 2 itself
_engines: Any = None


def _write(**values: Any) -> None:
    with _RECORD.open("a", encoding="utf-8") as record:
        record.write(json.dumps(values) + "\n")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Before SQLAlchemy's plugin makes its first engine."""
    global _engines  # noqa: PLW0603 - a plugin is a module
    # SQLAlchemy's plugin wants to rewrite its assertions first.
    from tests.compliance.engines import Engines  # noqa: PLC0415 - see above

    base = sys.modules.get("sqla_plugin_base") or sys.modules["sqlalchemy.testing.plugin.plugin_base"]
    base.configure_follower(os.environ["COMPLIANCE_IDENT"])
    _engines = Engines(ours=_OURS)
    _engines.install()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what has been run, or was not asked for."""
    done, only = _ids("COMPLIANCE_DONE"), _ids("COMPLIANCE_ONLY")
    items[:] = [item for item in items if item.nodeid not in done and (not only or item.nodeid in only)]


def _ids(variable: str) -> set[str]:
    name = os.environ.get(variable)
    return set(Path(name).read_text(encoding="utf-8").splitlines()) if name else set()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Say which test runs, and end the process when it does not end: what hangs cannot be trusted to be cancelled."""
    _write(event="test", id=item.nodeid)
    faulthandler.dump_traceback_later(_LIMIT, exit=True, file=_STDERR)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write what a phase of a test came to."""
    text = report.longreprtext if report.failed else _reason(report)
    verdict = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
    if report.when == "call" or verdict != "passed":
        _write(event="verdict", id=report.nodeid, phase=report.when, verdict=verdict, text=text)


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Nothing can be said of a file that cannot be collected."""
    if report.failed:
        _write(event="not collected", id=report.nodeid)


def pytest_sessionfinish() -> None:
    """The run came to its end."""
    _write(event="end", made=dict(_engines.made) if _engines else {})
