"""Contract C3.11: all problems at once, in words, with nothing secret and nothing of pydantic's."""

from __future__ import annotations

import traceback

import pytest

from myfy_data.errors import ConfigError, InvalidDatabaseURLError, UnknownProfileError
from tests.loading import MAIN, report
from tests.sandbox import Sandbox

C = "c4nary"
BROKEN = f"""\
[data]
default = "mian"
[data.profiles.main]
database_url = "postgresql://app:{C}@x@db/main"
password = 5
poll_size = 1
max_overflow = "{C}"
[data.profiles.other]
driver = "oracle"
connect_args = {{ password = "{C}" }}
"""


def broken(project: Sandbox) -> ConfigError:
    project.write("myfy.toml", BROKEN)
    project.write("config/local.toml", '[data.profiles.other]\npool_size = "x"\nunset = ["nothing"]\n')
    project.write(".env", f"MYFY_DATA_PASSWORD={C}\nMYFY_DATA_POLL_SIZE={C}\n")
    with pytest.raises(ConfigError) as caught:
        project.load(environ={"MYFY_DATA_ECHO": "maybe", "MYFY_DATA_PROFILES__MIAN__ECHO": "1"})
    return caught.value


def test_all_problems_of_all_layers_are_told_at_once_in_their_order(project: Sandbox) -> None:
    error = broken(project)

    assert [problem.place for problem in error.problems] == [
        "myfy.toml:2:1",
        "myfy.toml:4:1",
        "myfy.toml:5:1",
        "myfy.toml:6:1",
        "myfy.toml:9:1",
        "config/local.toml:3:1",
        ".env:2:1",
        "env MYFY_DATA_ECHO",
        "env MYFY_DATA_PROFILES__MIAN__ECHO",
    ]


def test_every_problem_has_a_fix_and_a_message_that_starts_small_and_ends_open(project: Sandbox) -> None:
    for problem in broken(project).problems:
        assert problem.fix
        assert problem.message[0] in "'" or problem.message[0].islower()
        assert not problem.message.endswith(".")


def test_nothing_secret_and_nothing_of_pydantic_is_in_the_error(project: Sandbox) -> None:
    error = broken(project)

    shown = f"{error} {error!r} {error.args} {error.problems!r}"

    assert C not in shown
    assert "pydantic" not in shown
    assert "validation error" not in shown


def test_nothing_secret_is_in_a_traceback_that_shows_locals(project: Sandbox) -> None:
    error = broken(project)

    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in frames.stack if "myfy_data" in frame.filename]

    assert ours
    assert C not in str([frame.locals for frame in ours])


def test_the_error_stands_alone(project: Sandbox) -> None:
    error = broken(project)

    assert (error.__cause__, error.__context__) == (None, None)


def test_names_alone_are_an_unknown_profile(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndefault = "mian"\n' + MAIN)

    with pytest.raises(UnknownProfileError):
        project.load()


def test_urls_alone_are_an_invalid_url(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.profiles.a]\ndatabase_url = "x"\n[data.profiles.b]\ndriver = "oracle"\n')

    with pytest.raises(InvalidDatabaseURLError) as caught:
        project.load()

    assert len(caught.value.problems) == 2


def test_among_others_they_are_problems_like_the_others(project: Sandbox) -> None:
    error = broken(project)

    assert type(error) is ConfigError
    assert {problem.kind for problem in error.problems} == {"config", "unknown_profile", "invalid_url"}


def test_a_report_holds_what_an_error_would_without_raising(project: Sandbox) -> None:
    error = broken(project)

    found = report(environ={"MYFY_DATA_ECHO": "maybe", "MYFY_DATA_PROFILES__MIAN__ECHO": "1"})

    assert found.settings is None
    assert found.problems == error.problems
    assert C not in repr(found)


@pytest.mark.parametrize("debug", ["1", ""])
def test_the_debug_log_of_pydantic_settings_shows_no_secret(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, debug: str
) -> None:
    project.write("myfy.toml", MAIN + f'password = "{C}"\nconnect_args = {{ password = "{C}", dsn = "x {C}" }}\n')
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", debug)
    with caplog.at_level("DEBUG"):
        project.load()

    assert C not in caplog.text


def test_a_thing_that_is_wrong_once_is_told_once(project: Sandbox) -> None:
    heirs = "".join(f'[data.profiles.h{number}]\nextends = "main"\n' for number in range(5))
    project.write("myfy.toml", MAIN + 'pool_size = "x"\npassword = "${NO}"\n' + heirs)

    assert [problem.place for problem in report(environ={}).problems] == ["myfy.toml:4:1", "myfy.toml:3:1"][::-1]


@pytest.mark.parametrize(
    "line",
    [
        'default = "{}"',
        'default = ["{}"]',
        'environment = "{}"',
        'secrets_dir = "{}"',
        'unset = ["{}"]',
        'pool_size = "{}"',
        'tls = "{}"',
        '"{}" = 1',
        '[data.profiles.main]\nextends = "{}"',
        '[data.profiles.main]\ndriver = "{}"',
        '[data.profiles."{}"]',
    ],
)
def test_a_url_in_the_wrong_slot_does_not_tell_its_password(project: Sandbox, line: str) -> None:
    project.write(
        "myfy.toml", "[data]\n" + line.format(f"postgresql://app:{C}@db/main") + "\n" + MAIN.replace("main]", "x]")
    )

    found = report(environ={})

    assert found.problems
    assert C not in repr(found)
    assert C not in "\n".join(map(str, found.problems))
