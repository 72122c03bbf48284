"""Contract C3.5: a URL in a higher layer replaces the whole identity of the lower ones, never their tuning."""

from __future__ import annotations

import pytest

from tests.loading import MAIN
from tests.sandbox import Sandbox

PARTS = (
    '[data.profiles.main]\ndriver = "postgresql"\nhost = "low"\nport = 5433\nusername = "app"\npassword = "low"\n'
    'database = "main"\nquery = { a = "1" }\npool_size = 9\nconnect_timeout = 3.0\n'
)
URL = "postgresql://high/other"


def test_a_url_drops_every_part_of_lower_layers_and_no_tuning(project: Sandbox) -> None:
    project.write("myfy.toml", PARTS)
    project.write("config/local.toml", f'[data.profiles.main]\ndatabase_url = "{URL}"\n')

    profile = project.load().profile()

    assert str(profile.url) == "postgresql+asyncpg://high/other"
    assert (profile.driver, profile.host, profile.port, profile.username, profile.password, profile.query) == (
        None,
    ) * 6
    assert (profile.pool_size, profile.connect_timeout) == (9, 3.0)


def test_parts_at_the_same_level_refine_a_url(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'port = 6543\npassword = "secret"\n')

    profile = project.load().profile()

    assert (profile.url.host, profile.url.port, profile.url.username) == ("db.internal", 6543, "app")
    assert profile.url.password is not None


def test_parts_at_a_higher_level_refine_a_url(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    project.write("config/local.toml", '[data.profiles.main]\nhost = "localhost"\nquery = { a = "1" }\n')

    assert str(project.load().profile().url) == "postgresql+asyncpg://app@localhost/main?a=1"


def test_a_url_drops_parts_in_its_own_profile_only(project: Sandbox) -> None:
    project.write("myfy.toml", PARTS + PARTS.replace("main]", "b]"))

    settings = project.load(environ={"MYFY_DATA_MAIN_DATABASE_URL": URL})

    assert (settings.profiles["main"].url.host, settings.profiles["b"].url.host) == ("high", "low")


@pytest.mark.parametrize("mounted", ["secrets_dir", ".env", "process"])
@pytest.mark.parametrize("said", [".env", "process", "secrets_dir"])
def test_secrets_dotenv_and_process_are_one_level(project: Sandbox, mounted: str, said: str) -> None:
    """So a URL from the environment keeps a mounted password."""
    project.write("myfy.toml", '[data]\nsecrets_dir = "secrets"\n' + PARTS)
    lines: dict[str, list[str]] = {"secrets_dir": [], ".env": [], "process": []}
    lines[mounted].append("MYFY_DATA_PASSWORD=mounted")
    lines[said].append(f"MYFY_DATA_DATABASE_URL={URL}")
    (project.path / "secrets").mkdir()
    for line in lines["secrets_dir"]:
        name, _, value = line.partition("=")
        project.write(f"secrets/{name}", value)
    project.write(".env", "\n".join(lines[".env"]))

    profile = project.load(environ=dict(line.split("=", 1) for line in lines["process"])).profile()

    assert profile.password is not None
    assert profile.password.reveal() == "mounted"
    assert (profile.url.host, profile.username) == ("high", None)


def test_an_argument_is_a_level_above_them(project: Sandbox) -> None:
    profile = project.load(environ={"MYFY_DATA_PASSWORD": "mounted"}, overrides={"database_url": URL}).profile()

    assert profile.password is None


def test_a_driver_alone_replaces_nothing(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)

    assert project.load(environ={"MYFY_DATA_DRIVER": "mysql"}).profile().url.host == "db.internal"


@pytest.mark.parametrize(("lower", "upper"), [("password", "password_file"), ("password_file", "password")])
def test_password_and_password_file_are_one_setting_over_layers(project: Sandbox, lower: str, upper: str) -> None:
    project.write("myfy.toml", MAIN + f'{lower} = "low"\n')
    project.write("config/local.toml", f'[data.profiles.main]\n{upper} = "high"\n')

    settings = project.load()

    assert getattr(settings.profile(), lower) is None
    assert getattr(settings.profile(), upper) is not None
    assert str(settings.origin(lower)) == "default"


def test_password_and_password_file_are_one_setting_within_the_deployment(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)
    project.write("secrets/password", "low")
    environ = {"MYFY_DATA_SECRETS_DIR": "secrets", "MYFY_DATA_PASSWORD_FILE": "high"}

    profile = project.load(environ=environ).profile()

    assert (profile.password, profile.password_file) == (None, project.path / "high")
