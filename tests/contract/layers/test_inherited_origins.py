"""Contract C3.5, C3.10: where inherited values come from."""

from __future__ import annotations

from tests.sandbox import Sandbox

BASE = (
    '[data.profiles.base]\nabstract = true\npool_size = 9\ndriver = "postgresql"\nhost = "base"\npassword = "p"\n'
    "connect_args = { a = 1, b = 2 }\n"
)
HEIR = '[data.profiles.heir]\nextends = "base"\n'


def test_origins_of_inherited_values_are_the_parents(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR)
    settings = project.load()

    assert str(settings.origin("profiles.heir.pool_size")) == "myfy.toml:3:1"
    assert str(settings.origin("profiles.heir.connect_args.a")) == "myfy.toml:7:18"


def test_origins_are_explained_with_the_winner_first(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR + "pool_size = 3\n")
    project.write("config/local.toml", "[data.profiles.base]\npool_size = 4\n")
    settings = project.load()

    rows = [(row.key, str(row.origin), row.value, row.wins) for row in settings.explain("profiles.heir.pool_size")]

    assert rows == [
        ("profiles.heir.pool_size", "myfy.toml:10:1", 3, True),
        ("profiles.base.pool_size", "config/local.toml:2:1", 4, False),
        ("profiles.base.pool_size", "myfy.toml:3:1", 9, False),
        ("profiles.heir.pool_size", "default", 5, False),
    ]


def test_origins_of_a_dropped_identity_are_explained_as_covered(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR + 'database_url = "mysql://other/x"\n')

    rows = project.load().explain("profiles.heir.host")

    assert [(row.value, row.wins) for row in rows] == [("base", False), (None, True)]


def test_origins_of_a_template_can_be_asked_for(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR)

    assert str(project.load().origin("profiles.base.pool_size")) == "myfy.toml:3:1"


def test_origins_of_a_table_filled_by_both_say_both(project: Sandbox) -> None:
    project.write("myfy.toml", BASE + HEIR + "connect_args = { b = 3 }\n")

    rows = project.load().explain("profiles.heir.connect_args")

    assert [(row.key, row.wins) for row in rows] == [
        ("profiles.heir.connect_args", True),
        ("profiles.base.connect_args", True),
        ("profiles.heir.connect_args", False),
    ]
