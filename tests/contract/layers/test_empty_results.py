"""Contract C3.7: references that resolve to nothing."""

from __future__ import annotations

from tests.loading import MAIN, only_problem, warnings
from tests.sandbox import Sandbox


def test_empty_results_are_errors_for_identity_keys(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "${PW:-}"\n')

    assert only_problem(environ={}) == (
        "myfy.toml:3:1: profiles.main.password: is empty once its references are resolved\n  fix: set PW"
    )


def test_empty_results_are_ignored_with_a_note_for_tuning_keys(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'pool_size = "${SIZE:-}"\napplication_name = "${NAME:-}"\n')

    assert warnings(environ={}) == [
        (
            "myfy.toml:3:1: profiles.main.pool_size: is empty once its references are resolved, and was ignored\n"
            "  fix: set SIZE"
        ),
        (
            "myfy.toml:4:1: profiles.main.application_name:"
            " is empty once its references are resolved, and was ignored\n  fix: set NAME"
        ),
    ]


def test_empty_results_stay_text_in_a_free_table(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'connect_args = { a = "${A:-}" }\n')

    assert project.load(environ={}).profile().connect_args == {"a": ""}
