"""Two profiles on one version table are refused, however their one database is spelt (contract C8)."""

from __future__ import annotations

import pytest

from tests.loading import only_problem, problems
from tests.sandbox import Sandbox

ONE = [
    ("postgresql://app@localhost/shop", "postgresql+asyncpg://app@127.0.0.1:5432/shop"),
    ("postgresql://app@localhost/shop", "postgres://reporting@[::1]/shop"),
    ("postgresql://app@DB.internal/shop", "postgresql://app@db.internal.:5432/shop"),
    ("postgresql://app@db.internal/app", "postgresql://app@db.internal"),
    ("postgresql://app@/shop?host=a:5432&host=b:5432", "postgresql://app@b/shop"),
    ("postgresql:///shop", "postgresql://localhost/shop"),
    ("mysql://app@127.0.0.2/shop", "mariadb://app@localhost:3306/shop"),
    ("mysql://a@/shop?unix_socket=/run/mysqld/mysqld.sock", "mysql://b@/shop?unix_socket=/run/mysqld/mysqld.sock"),
    ("sqlite:///shop.db", "sqlite:///./data/../shop.db"),
    ("sqlite:///shop.db", "sqlite:///{here}/shop.db"),
    ("sqlite:///shop.db", "sqlite:///link.db"),
    ("sqlite:///shop.db", "sqlite:///linked/shop.db"),
]
TWO = [
    ("postgresql://app@localhost/shop", "postgresql://app@localhost:5433/shop"),
    ("postgresql://app@localhost/shop", "postgresql://app@localhost/stock"),
    ("postgresql://app@localhost/shop", "mysql://app@localhost/shop"),
    ("mysql://app@localhost/shop", "mysql://app@/shop?unix_socket=/run/other.sock"),
    ("sqlite:///shop.db", "sqlite:///data/shop.db"),
]
MIGRATED = 'migrations = {{ metadata = "models:Base.metadata" }}\n'


def write(project: Sandbox, first: str, second: str, *, more: str = "") -> None:
    """Two profiles with models of their own on these URLs; `shop.db` can be reached over two links."""
    (project.path / "link.db").symlink_to("shop.db")
    (project.path / "linked").symlink_to(".")
    profiles = "".join(
        f'[data.profiles.{name}]\ndatabase_url = "{url.format(here=project.path)}"\n{MIGRATED.format()}'
        for name, url in (("main", first), ("audit", second))
    )
    project.write("myfy.toml", f'[data]\ndefault = "main"\n{profiles}{more}')


@pytest.mark.parametrize(("first", "second"), ONE)
def test_one_database_is_told_in_every_spelling(project: Sandbox, first: str, second: str) -> None:
    write(project, first, second)

    told = only_problem()

    assert "is 'alembic_version' of the same database as in profile 'main'" in told
    assert "fix: migrations.version_table = " in told


def test_two_profiles_without_an_address_are_two_databases(project: Sandbox) -> None:
    """Those of `myfy-data dev` and of the test kit; without either, nothing is migrated."""
    profiles = "".join(
        f'[data.profiles.{name}]\ndriver = "postgresql"\n{MIGRATED.format()}' for name in ("main", "audit")
    )
    project.write("myfy.toml", f'[data]\ndefault = "main"\n{profiles}')

    assert problems() == []


@pytest.mark.parametrize(("first", "second"), TWO)
def test_two_databases_may_have_tables_of_one_name(project: Sandbox, first: str, second: str) -> None:
    write(project, first, second)

    assert problems() == []


def test_two_schemas_of_one_database_are_two_places(project: Sandbox) -> None:
    url = "postgresql://app@localhost/shop"
    write(project, url, url, more='connect_args = { server_settings = { search_path = "audit" } }\n')

    assert problems() == []


def test_parts_that_give_no_address_are_told_beside_what_else_is_wrong(project: Sandbox) -> None:
    """The directory of migrations makes the profile one whose version table is looked for."""
    (project.path / "migrations" / "main").mkdir(parents=True)
    project.write(
        "myfy.toml",
        '[data.profiles.main]\ndriver = "postgresql"\nhost = "h"\nquery = { host = "x:1" }\n'
        '[data.profiles.audit]\ndatabase_url = "sqlite://"\npool_siz = 3\n',
    )

    told = problems(start=project.path, environ={})

    assert [problem.partition(" ")[0] for problem in told] == ["myfy.toml:2:1:", "myfy.toml:7:1:"]
