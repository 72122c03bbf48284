"""Contract C3.7: references in URLs."""

from __future__ import annotations

import pytest

from tests.loading import only_problem
from tests.sandbox import Sandbox


@pytest.mark.parametrize(
    ("template", "environ", "expected"),
    [
        ("${URL}", {"URL": "postgresql://u:p%40@h:1/d"}, "postgresql+asyncpg://u:***@h:1/d"),
        ("${URL:-postgresql://u:p@localhost/d}", {}, "postgresql+asyncpg://u:***@localhost/d"),
        ("${URL:-postgresql://u:p@localhost/d}", {"URL": "mysql://u:p@h/d"}, "mysql+aiomysql://u:***@h/d"),
        ("postgresql://${U}:${P}@h/d", {"U": "app", "P": "pw"}, "postgresql+asyncpg://app:***@h/d"),
        ("postgresql://u:p@${H}/${D}", {"H": "h:99", "D": "x"}, "postgresql+asyncpg://u:***@h:99/x"),
        ("${S}://u@h/d", {"S": "mysql"}, "mysql+aiomysql://u@h/d"),
        (
            "${URL}?application_name=a@b",
            {"URL": "postgresql://h/d"},
            "postgresql+asyncpg://h/d?application_name=a@b",
        ),
    ],
)
def test_urls_may_be_made_of_references(
    project: Sandbox, template: str, environ: dict[str, str], expected: str
) -> None:
    project.write("myfy.toml", f'[data]\ndatabase_url = "{template}"\n')

    assert str(project.load(environ=environ).profile().url) == expected


@pytest.mark.parametrize("sign", "@:/?#[]%")
def test_urls_refuse_a_value_that_would_break_their_user_part(project: Sandbox, sign: str) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "postgresql://app:${PW}@db/main"\n')

    told = only_problem(environ={"PW": f"c4n{sign}ry"})

    assert told == (
        "myfy.toml:2:1: profiles.default.database_url: the value of PW holds a character that breaks a URL\n"
        '  fix: take it out of the URL and write beside it: password = "${PW}"'
    )


def test_urls_say_that_it_is_the_user_where_it_is(project: Sandbox) -> None:
    project.write("myfy.yaml", "data:\n  database_url: postgresql://${ME}@db/main\n")

    assert only_problem(environ={"ME": "a@b"}).endswith('write beside it: username: "${ME}"')
