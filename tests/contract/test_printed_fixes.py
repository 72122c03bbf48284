"""Fixes printed outside of configuration: each one that can be pasted is pasted, and helps (contract C3.11)."""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.fixes import commands, credentials, elsewhere, engines, hosts, programs
from tests.fixes.source import printed_fixes
from tests.fixes.trial import Run, Trial, attempt, do, fix_of
from tests.sandbox import Sandbox
from tests.servers import MYSQL, POSTGRESQL, Server, account_of

ROOT = Path(__file__).parents[2]
CREATE, MARK = Run(("db", "create")), Run(("db", "mark", "--as", "development"))

TRIALS = (*commands.TRIALS, *programs.TRIALS, *engines.TRIALS, *hosts.TRIALS)
ON_A_SERVER = (*credentials.TRIALS, *engines.ON_A_SERVER)


def fix(trial: object) -> str:
    """The name of a test."""
    return trial.fix if isinstance(trial, Trial) else ""


@pytest.mark.parametrize("trial", TRIALS, ids=fix)
def test_following_the_fix_helps(trial: Trial, project: Sandbox) -> None:
    attempt(trial, project)


@pytest.mark.parametrize("trial", ON_A_SERVER, ids=fix)
def test_following_the_fix_on_a_server_helps(trial: Trial, project: Sandbox, postgresql_url: str) -> None:
    attempt(trial, project, postgresql_url)


@contextmanager
def nobody(kind: str, project: Sandbox, request: pytest.FixtureRequest) -> Iterator[tuple[Server, str]]:
    """A project of a user who may do nothing yet and whose name must be quoted; its server and database."""
    url = make_url(request.getfixturevalue(f"{kind}_url"))
    is_postgresql = kind == "postgresql"
    server = Server(POSTGRESQL if is_postgresql else MYSQL, account_of(url.render_as_string(hide_password=False)))
    user, database = f"of-nobody-{secrets.token_hex(3)}", f"{url.database}_fixes"
    quoted, role = (f'"{user}"', "ROLE") if is_postgresql else (f"'{user}'", "USER")
    server.execute(f"CREATE {role} {quoted}{' LOGIN' if is_postgresql else ''}")
    try:
        own = url.set(username=user, password=None, database=database).render_as_string()
        project.write("myfy.toml", f'[data.profiles.main]\ndatabase_url = "{own}"\n')
        yield server, database
        server.execute(f"DROP DATABASE {database}")
    finally:
        server.execute(f"DROP {role} {quoted}")


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_who_may_not_create_databases_may_after_the_fix(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with nobody(kind, project, request) as (server, _):
        went_well, told = do(project, CREATE)
        assert not went_well

        server.execute(fix_of(told))

        assert do(project, CREATE)[0]


def test_who_may_not_mark_a_database_may_after_the_fix(project: Sandbox, request: pytest.FixtureRequest) -> None:
    with nobody("postgresql", project, request) as (server, database):
        server.execute(f"CREATE DATABASE {database}")
        went_well, told = do(project, MARK)
        assert not went_well
        assert "the server refuses to mark" in told

        inside = Server(server.kind, replace(server.account, database=database))
        inside.execute(*fix_of(told).split("; "))

        assert do(project, MARK)[0]


# -- that none is left out ---------------------------------------------------------------------------------------------


def test_every_fix_is_pasted_or_says_why_not() -> None:
    """A new fix needs a trial in `tests/fixes`, or a reason; one that holds nothing to paste is advice."""
    tried = {trial.fix for trial in (*TRIALS, *ON_A_SERVER)}
    known = [
        tried,
        elsewhere.PASTED.keys(),
        elsewhere.PACKAGES,
        elsewhere.OF_THE_MACHINE,
        elsewhere.IN_WORDS.keys(),
        elsewhere.PIECES,
    ]
    listed = set().union(*known)
    said = printed_fixes()

    new = {each: room for each, room in said.items() if each not in listed and not elsewhere.is_advice(each)}

    assert new == {}
    assert listed - said.keys() == set(), "nothing prints them any more"
    assert len(listed) == sum(map(len, known)), "one of them stands in two lists"


@pytest.mark.parametrize(
    ("fix", "is_advice"),
    [
        ("start the server", True),
        ("correct what {} gives", True),
        ("write pool_size = 5", False),
        ("use `data.session()`", False),
        ("call data.session() there", False),
        ("something else", False),
    ],
)
def test_what_can_be_pasted_is_no_advice(fix: str, is_advice: bool) -> None:
    assert elsewhere.is_advice(fix) is is_advice


@pytest.mark.parametrize("test", sorted(set(elsewhere.PASTED.values())))
def test_who_pastes_it_is_there(test: str) -> None:
    path, _, name = test.partition("::")

    assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8")


def test_what_is_to_be_installed_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    locked = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    for fix in elsewhere.PACKAGES - {'pip install "myfy-data[{}]"'}:
        extra = re.search(r"\[(\w+)\]", fix)
        assert extra[1] in extras if extra else f"\n{fix.removeprefix('pip install ')}==" in locked, fix


LESS_SAFE = re.compile(r'tls = "(?:disable|prefer)"|verify-ca|foreign_keys = false|chmod \S*[go]|sudo|--force|rm -')
ASKED_FOR = {
    'tls = "disable"': "of a database that the test kit throws away, and between the two stands our own relay",
    next(fix for fix in engines.BY_FIX if "defer_foreign_keys" in fix): "foreign_keys = OFF is what was sent",
}


def test_no_fix_asks_for_less_safety() -> None:
    """Outside of configuration, too, where each fix is pasted and `tls` compared (`test_golden_errors`)."""
    found = {fix for fix in printed_fixes() if LESS_SAFE.search(fix)}

    assert found == ASKED_FOR.keys()
