"""`myfy-data new`: a project that passes its own tests, on each host."""

from __future__ import annotations

import shlex
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing, nullcontext
from dataclasses import dataclass

import pytest

from myfy_data.cli import main
from myfy_data.cli.dev import servers as dev_servers
from myfy_data.cli.new import HOSTS
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment

IN_MEMORY = """
[data.profiles.main]
database_url = "sqlite://"

[data.profiles.analytics]
database_url = "sqlite://"
"""


@pytest.mark.parametrize("host", HOSTS)
def test_a_project_has_one_host_and_names_it(project: Sandbox, host: str) -> None:
    done = project.run("new", "my shop", "--host", host)

    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in (project.path / "my shop").glob("app_*")] == [f"app_{host}.py"]
    told = tomllib.loads((project.path / "my shop" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert told["name"] == "my-shop"
    assert f"myfy-data[postgresql,{host}]>=0.2" in told["dependencies"]


def test_the_next_step_can_be_pasted(project: Sandbox) -> None:
    told = project.run("new", "my shop").stdout

    step = next(line for line in told.splitlines() if line.startswith("      cd "))
    assert shlex.split(step) == ["cd", "my shop"]


def test_a_project_loads_and_its_schema_is_the_one_that_it_names(project: Sandbox) -> None:
    project.run("new", "shop")
    folder = project.path / "shop"

    check = subprocess.run(
        [sys.executable, "-m", "myfy_data", "config", "check", "--strict"],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )

    assert check.stdout == "1 file, 2 profiles, 0 errors, 0 warnings\n"
    for file in ("myfy.toml", "config/production.toml"):
        line = (folder / file).read_text(encoding="utf-8").splitlines()[0]
        assert (folder / file).parent.joinpath(line.removeprefix("#:schema ")).is_file()


def test_a_project_passes_its_tests(project: Sandbox) -> None:
    project.run("new", "shop")
    overlay = (
        '[data.profiles.main]\ndatabase_url = "sqlite://"\n[data.profiles.analytics]\ndatabase_url = "sqlite://"\n'
    )
    project.write("shop/config/test.toml", overlay)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=project.path / "shop",
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=2 * RUN_TIMEOUT,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@dataclass(frozen=True)
class Served:
    """Stands in for a server that `dev` found."""

    name: str = "a server of development"


def test_dev_runs_its_tests_and_they_leave_the_databases_of_development_alone(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project.run("new", "shop")
    project.write("shop/config/test.toml", IN_MEMORY)
    names = ("MYFY_DATA_PROFILES__MAIN__DATABASE_URL", "MYFY_DATA_PROFILES__ANALYTICS__DATABASE_URL")
    urls = {name: f"sqlite+aiosqlite:///{project.path}/dev{number}.db" for number, name in enumerate(names)}
    found = {name: (url, Served()) for name, url in urls.items()}
    monkeypatch.setattr(dev_servers, "served", lambda *_: nullcontext(found))
    monkeypatch.chdir(project.path / "shop")
    monkeypatch.setenv("PYTHONPATH", child_environment()["PYTHONPATH"])

    code = main(["dev", "--", sys.executable, "-m", "pytest", "-q"])

    said = capfd.readouterr()
    assert code == 0, said
    assert " passed in " in said.out
    with closing(sqlite3.connect(project.path / "dev0.db")) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)


def test_nothing_is_written_among_files_of_others(project: Sandbox) -> None:
    project.write("shop/note.txt", "mine\n")

    done = project.run("new", "shop")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "shop: is there already\n  fix: name a directory that is new or empty\n"
    assert [path.name for path in (project.path / "shop").iterdir()] == ["note.txt"]


def test_an_empty_directory_will_do(project: Sandbox) -> None:
    (project.path / "shop").mkdir()

    assert project.run("new", "shop").returncode == 0
