"""Contract C11.1: the servers of a profile belong to its identity, and none that was written is dropped."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from myfy_data import DatabaseSettings
from myfy_data.settings.servers import one_server, server_addresses
from tests.sandbox import Sandbox

URL = 'database_url = "postgresql://app@/main"\n'
BASE = f"[data.profiles.main]\n{URL}"
HOSTS = BASE + 'hosts = ["a", "b:5433"]\n'


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        ('["db1.internal", "db2.internal:5433"]', ("db1.internal:5432", "db2.internal:5433")),
        ('["[::1]:6000", "::1", "[fe80::1]"]', ("[::1]:6000", "[::1]:5432", "[fe80::1]:5432")),
        ('["/run/postgresql", "/tmp/pg:6000"]', ("/run/postgresql:5432", "/tmp/pg:6000")),
        ('["${ONE}:1", "${TWO:-two}"]', ("one:1", "two:5432")),
        ('"${SEVERAL}"', ("x:5432", "y:6000")),
        ('["${SEVERAL}", "z"]', ("x:5432", "y:6000", "z:5432")),
    ],
)
def test_each_server_has_its_port(project: Sandbox, hosts: str, addresses: tuple[str, ...]) -> None:
    project.write("myfy.toml", f"{BASE}hosts = {hosts}\n")

    profile = project.load(environ={"ONE": "one", "SEVERAL": "x, y:6000"}).profile()

    assert profile.hosts == addresses


def test_the_port_is_that_of_servers_without_one(project: Sandbox) -> None:
    project.write("myfy.toml", HOSTS + "port = 7000\n")

    assert project.load().profile().hosts == ("a:7000", "b:5433")


def test_a_variable_lists_servers_with_commas(project: Sandbox) -> None:
    project.write("myfy.toml", BASE)

    settings = project.load(environ={"MYFY_DATA_HOSTS": "a,b:5433", "MYFY_DATA_READS__HOSTS": "c, d"})

    assert (settings.profile().hosts, settings.profile().reads.hosts) == (("a:5432", "b:5433"), ("c", "d"))


def test_an_argument_lists_servers(project: Sandbox) -> None:
    project.write("myfy.toml", BASE)

    assert project.load(overrides={"profiles.main.hosts": ["a", "b:1"]}).profile().hosts == ("a:5432", "b:1")


@pytest.mark.parametrize("said", ['host = "low"\nport = 6000', 'query = { host = "low:1,low2" }'])
def test_servers_of_a_higher_layer_replace_host_and_port(project: Sandbox, said: str) -> None:
    project.write("myfy.toml", f"{BASE}{said}\n")
    project.write("config/local.toml", '[data.profiles.main]\nhosts = ["a", "b"]\n')

    profile = project.load().profile()

    assert (profile.hosts, profile.host, profile.port) == (("a:5432", "b:5432"), None, None)


def test_servers_of_a_higher_layer_replace_those_of_a_url(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndatabase_url = "postgresql://app@low:6000/main"\n')
    project.write("config/local.toml", '[data.profiles.main]\nhosts = ["a", "b"]\n')

    profile = project.load().profile()

    assert (profile.hosts, profile.url.database, profile.url.username) == (("a:5432", "b:5432"), "main", "app")


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ('database_url = "postgresql://app@high/other"', "postgresql+asyncpg://app@high/other"),
        ('host = "high"', "postgresql+asyncpg://app@high/main"),
        ('query = { host = "high" }', "postgresql+asyncpg://app@/main?host=high"),
    ],
)
def test_a_host_of_a_higher_layer_drops_the_servers(project: Sandbox, said: str, url: str) -> None:
    project.write("myfy.toml", HOSTS)
    project.write("config/local.toml", f"[data.profiles.main]\n{said}\n")

    profile = project.load().profile()

    assert (profile.hosts, str(profile.url)) == (None, url)


def test_a_url_of_the_same_level_leaves_the_servers(project: Sandbox) -> None:
    project.write("myfy.toml", BASE)
    project.write(".env", "MYFY_DATA_HOSTS=a,b\n")

    profile = project.load(environ={"MYFY_DATA_DATABASE_URL": "postgresql://app@/other"}).profile()

    assert (profile.hosts, profile.url.database) == (("a:5432", "b:5432"), "other")


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("postgresql://app@/d?host=a:1&host=b:2", ("a:1", "b:2")),
        ("postgresql://app@/d?host=a:1,b", ("a:1", "b:5432")),
        ("postgresql://app@a:1,b:2/d", ("a:1", "b:2")),
        ("postgresql://app:p%2Cw@a,[::1]:2,c/d", ("a:5432", "[::1]:2", "c:5432")),
        ("mysql://app@a,b:3307/d", ("a:3306", "b:3307")),
    ],
)
def test_servers_of_a_url_are_all_there(url: str, addresses: tuple[str, ...]) -> None:
    assert DatabaseSettings(database_url=url).hosts == addresses


def test_a_url_means_the_servers_that_sqlalchemy_reads() -> None:
    url = "postgresql://app@/d?host=a:1&host=b:2&host=c:3"

    theirs = make_url(url).query["host"]

    assert DatabaseSettings(database_url=url).hosts == theirs


@pytest.mark.parametrize(
    ("said", "read_only", "source"),
    [
        ("read-write", False, "primary"),
        ("primary", False, "primary"),
        ("standby", True, "replica"),
        ("read-only", True, "replica"),
        ("prefer-standby", True, "prefer-replica"),
        ("any", False, "primary"),
    ],
)
def test_target_session_attrs_are_translated(said: str, read_only: bool, source: str) -> None:
    settings = DatabaseSettings(database_url=f"postgresql://app@a,b/d?target_session_attrs={said}")

    assert (settings.read_only, settings.reads.from_, dict(settings.url.query)) == (read_only, source, {})


def test_what_we_say_ourselves_counts_more_than_target_session_attrs(project: Sandbox) -> None:
    url = 'database_url = "postgresql://app@a,b/d?target_session_attrs=standby"\n'
    project.write("myfy.toml", f'[data.profiles.main]\n{url}reads = {{ from = "prefer-replica" }}\n')

    assert project.load().profile().reads.from_ == "prefer-replica"


def test_one_server_is_the_profile_with_that_server_alone() -> None:
    settings = DatabaseSettings(
        database_url="postgresql://app:secret@/d?host=a:1&host=b:2", reads={"hosts": ["r"], "from": "replica"}
    )

    alone = [one_server(settings, address) for address in server_addresses(settings)]

    assert [one.url.hosts for one in alone] == [(("a", 1),), (("b", 2),), (("r", 5432),)]
    assert {one.url.password.reveal() if one.url.password else None for one in alone} == {"secret"}
    assert [one.hosts for one in alone] == [None, None, None]
