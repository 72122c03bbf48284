"""Contract C2: abstract profiles."""

from __future__ import annotations

from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox

BASE = (
    '[data.profiles.base]\nabstract = true\npool_size = 9\ndriver = "postgresql"\nhost = "base"\npassword = "p"\n'
    "connect_args = { a = 1, b = 2 }\n"
)
HEIR = '[data.profiles.heir]\nextends = "base"\n'


def test_a_template_may_mention_what_only_its_heirs_know(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + 'username = "${APP_USER}"\n' + HEIR + 'username = "app"\n')

    assert project.load(environ={}).profiles["heir"].username == "app"


def test_a_template_that_gives_an_heir_a_broken_reference_is_told_once_at_its_place(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + 'username = "${APP_USER}"\n' + HEIR + HEIR.replace("heir]", "other]"))

    assert only_problem(environ={}) == (
        "myfy.toml:8:1: profiles.base.username: needs environment variable APP_USER, which is not set\n"
        "  fix: set APP_USER, or give a default: ${APP_USER:-value}"
    )


def test_a_template_with_a_wrong_type_is_told_once_at_its_place(project: Sandbox) -> None:
    project.write("myfy.toml", BASE.replace("9", '"9"') + HEIR + HEIR.replace("heir]", "other]"))

    assert only_problem() == (
        "myfy.toml:3:1: profiles.base.pool_size: expected a whole number, got '9'\n  fix: pool_size = 9"
    )


def test_a_template_with_an_unusable_url_is_told_at_its_place(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + '[data.profiles.base]\nabstract = true\ndatabase_url = "oracle://x"\n')

    assert only_problem().startswith("myfy.toml:5:1: profiles.base.database_url: 'oracle' is no supported driver")


def test_a_template_without_any_heir_is_no_profile(project: Sandbox) -> None:
    project.write("myfy.toml", BASE)

    settings = project.load()

    assert (settings.default, dict(settings.profiles)) == (None, {})
