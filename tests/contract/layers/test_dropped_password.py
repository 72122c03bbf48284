"""Contract C3.5: a warning when a URL drops a password and nothing at its level or above gives another."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, warnings
from tests.sandbox import Sandbox

URL = "postgresql://high/other"


def test_the_warning_about_a_dropped_password_names_where_it_stands(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "x"\n')
    project.write("config/local.toml", f'[data.profiles.main]\ndatabase_url = "{URL}"\n')

    assert warnings() == [
        (
            "config/local.toml:2:1: profiles.main.database_url: a URL replaces the whole identity,"
            " so the password at myfy.toml:3:1 is not used\n"
            '  fix: give it beside the URL, or say that it goes: unset = ["password"]'
        )
    ]


def test_the_warning_about_a_dropped_password_concerns_password_files_too(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password_file = "x"\n')

    told = warnings(environ={"MYFY_DATA_DATABASE_URL": URL})

    assert told == [
        (
            "env MYFY_DATA_DATABASE_URL: profiles.main.database_url: a URL replaces the whole identity,"
            " so the password_file at myfy.toml:3:1 is not used\n"
            "  fix: give it beside the URL, or delete it there"
        )
    ]


def test_the_warning_about_a_dropped_password_goes_when_the_password_is_unset(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "x"\n')
    project.write("config/local.toml", f'[data.profiles.main]\nunset = ["password"]\ndatabase_url = "{URL}"\n')

    assert warnings() == []


@pytest.mark.parametrize(
    "beside",
    ['password = "y"', 'password_file = "y"', 'database_url = "postgresql://high:y@db/other"'],
    ids=["password", "password_file", "in the URL"],
)
def test_no_warning_comes_when_another_password_stands_beside_the_url(project: Sandbox, beside: str) -> None:
    project.write("myfy.toml", MAIN + 'password = "x"\n')
    url = "" if "database_url" in beside else f'database_url = "{URL}"\n'
    project.write("config/local.toml", f"[data.profiles.main]\n{url}{beside}\n")

    assert warnings() == []


def test_no_warning_comes_when_a_layer_above_gives_another_password(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "x"\n')
    project.write("config/local.toml", f'[data.profiles.main]\ndatabase_url = "{URL}"\n')

    assert warnings(environ={"MYFY_DATA_PASSWORD": "y"}) == []


def test_a_warning_comes_when_only_a_layer_below_the_url_gives_another_password(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "x"\n')
    project.write("config/development.toml", '[data.profiles.main]\npassword = "y"\n')
    project.write("config/local.toml", f'[data.profiles.main]\ndatabase_url = "{URL}"\n')

    assert "so the password at config/development.toml:2:1 is not used" in warnings()[0]


def test_the_warning_about_a_dropped_password_comes_when_an_heir_drops_its_parents(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + f'password = "x"\n[data.profiles.b]\nextends = "main"\ndatabase_url = "{URL}"\n')

    assert "so the password at myfy.toml:3:1 is not used" in warnings()[0]


def test_the_warning_about_a_dropped_password_does_not_come_when_an_heir_brings_its_own(project: Sandbox) -> None:
    heir = f'[data.profiles.b]\nextends = "main"\ndatabase_url = "{URL}"\npassword_file = "y"\n'
    project.write("myfy.toml", MAIN + 'password = "x"\n' + heir)

    assert warnings() == []


def test_the_warning_about_a_dropped_password_does_not_come_when_an_overlay_gives_the_heir_its_own(
    project: Sandbox,
) -> None:
    heir = f'[data.profiles.b]\nextends = "main"\ndatabase_url = "{URL}"\n'
    project.write("myfy.toml", MAIN + 'password = "x"\n' + heir)
    project.write("config/local.toml", '[data.profiles.b]\npassword_file = "y"\n')

    assert warnings() == []
