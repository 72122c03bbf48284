"""A variable that was probably meant for us, and that nothing reads, is a note; its value is never told."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run

URL = "postgresql://app:hunter2-Zq9@db.internal/main"
FILE = '[data.profiles.main]\ndatabase_url = "sqlite:///./main.db"\n'


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DATABASE_URL", "MYFY_DATA_DATABASE_URL"),
        ("SQLALCHEMY_DATABASE_URL", "MYFY_DATA_DATABASE_URL"),
        ("MYFY_DATABASE_URL", "MYFY_DATA_DATABASE_URL"),
        ("MYFYDATA_PROFILES__MAIN__PASSWORD", "MYFY_DATA_PROFILES__MAIN__PASSWORD"),
    ],
)
@pytest.mark.parametrize("command", [("config", "check", "--strict"), ("config", "show", "--layers")], ids=" ".join)
def test_it_is_told_with_the_name_that_is_read(
    run: Run, project: Sandbox, name: str, meant: str, command: tuple[str, ...]
) -> None:
    project.write("myfy.toml", FILE)
    project.setenv(name, URL)

    done = run(*command)

    assert done.code == 0
    assert f"env {name}" in done.out
    assert f'to use it: {meant}="${name}"' in done.out
    assert "hunter2" not in done.out


def test_one_that_a_file_refers_to_is_used(run: Run, project: Sandbox) -> None:
    project.write("myfy.toml", FILE.replace("sqlite:///./main.db", "${DATABASE_URL}"))
    project.setenv("DATABASE_URL", "sqlite:///./x.db")

    assert run("config", "check", "--json").json["notes"] == []


def test_what_the_note_says_makes_it_used(project: Sandbox) -> None:
    project.setenv("DATABASE_URL", "sqlite:///./x.db")
    project.setenv("MYFY_DATA_DATABASE_URL", "sqlite:///./x.db")

    assert str(project.load().profile().database_url) == "sqlite:///./x.db"


def test_one_of_dotenv_is_told_in_the_words_of_that_file(run: Run, project: Sandbox) -> None:
    project.write("myfy.toml", FILE)
    project.write(".env", f"# ours\nDATABASE_URL={URL}\n")

    assert run("config", "check", "--json").json["notes"] == [
        ".env:2:1: DATABASE_URL is not read: no setting has this name; to use it: rename it to MYFY_DATA_DATABASE_URL"
    ]

    project.write(".env", "# ours\nMYFY_DATA_DATABASE_URL=sqlite:///./x.db\n")
    assert str(project.load().profile().database_url) == "sqlite:///./x.db"


def test_one_of_both_is_told_as_the_process_has_it(run: Run, project: Sandbox) -> None:
    project.write(".env", f"DATABASE_URL={URL}\n")
    project.setenv("DATABASE_URL", URL)

    assert [note.partition(" is ")[0] for note in run("config", "check", "--json").json["notes"]] == [
        "env DATABASE_URL"
    ]


def test_variables_of_others_are_no_matter(run: Run, project: Sandbox) -> None:
    project.write("myfy.toml", FILE)
    project.setenv("MYFY_CORE_DEBUG", "1")
    project.setenv("MY_DATABASE_URL", URL)

    assert run("config", "check").out == "1 file, 1 profile, 0 errors, 0 warnings\n"
