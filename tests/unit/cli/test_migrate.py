"""`config migrate`: other tools' configuration as TOML that loads, with places, without secrets; none is run."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from typing import Any

import pytest
import trustme

from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.loader import inspect_settings
from tests.migrate.sources import SECRET, SOURCES, Source
from tests.migrate.write import HERE, golden_file, golden_text, put
from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Result, Run

CA = trustme.CA()
EVERY = pytest.mark.parametrize(("name", "source"), SOURCES.items(), ids=SOURCES.keys())
_LINE = re.compile(r"(.+) = (.+)  # from: (.+):(\d+)")
_WHOLE_URL = re.compile(r'database_url = "\$\{(\w+)')


def migrated(run: Run, project: Sandbox, source: Source) -> Result:
    """Run the command on a source."""
    (project.path / ".git").rmdir()
    put(project.path, source)
    return run("config", "migrate", source.file)


def variables(toml: str) -> dict[str, str]:
    """Something for each variable that the TOML refers to; what may be anything is taken for a number."""
    urls = set(_WHOLE_URL.findall(toml))
    return {name: "sqlite:///./x.db" if name in urls else "1" for name in re.findall(r"\$\{(\w+)", toml)}


@EVERY
def test_the_answer_is_worded_as_written_down(run: Run, project: Sandbox, name: str, source: Source) -> None:
    """The line that renews the files: `python -m tests.migrate.write`."""
    done = migrated(run, project, source)

    assert done.code == 0
    assert golden_text(done.out, done.err) == golden_file(name).read_text(encoding="utf-8")


@EVERY
def test_the_toml_loads_and_an_engine_takes_it(run: Run, project: Sandbox, name: str, source: Source) -> None:
    toml = migrated(run, project, source).out
    (project.path / source.file).unlink()
    project.write("myfy.toml", toml)
    for path in re.findall(r'tls_ca = "(.+?)"', toml):  # it is on another machine
        project.write("myfy.toml", toml.replace(path, str(project.write("ca.pem", CA.cert_pem.bytes().decode()))))

    report = inspect_settings(LoadRequest(environ=variables(toml)), files=True)

    assert (report.problems, report.warnings) == ((), ()), name
    assert report.settings is not None
    addresses = [str(profile.url) for profile in report.settings.profiles.values()]
    for wanted in source.urls:
        assert any(re.sub(r":\*\*\*@", "@", address) == wanted for address in addresses), addresses


@EVERY
def test_each_line_tells_where_it_came_from(run: Run, project: Sandbox, name: str, source: Source) -> None:
    toml = migrated(run, project, source).out
    lines = [line for line in toml.splitlines() if line and not line.startswith(("[", "default = "))]

    assert lines
    for line in lines:
        found = _LINE.fullmatch(line)
        assert found is not None, line
        assert found[3] == source.file
        assert 0 < int(found[4]) <= source.text.count("\n")


@EVERY
def test_no_secret_is_told(run: Run, project: Sandbox, name: str, source: Source) -> None:
    done = migrated(run, project, source)

    assert "hunter2" not in done.out + done.err
    assert SECRET not in golden_file(name).read_text(encoding="utf-8")


def test_there_are_thirty_inputs_and_a_text_for_each() -> None:
    assert len(SOURCES) >= 30
    assert {golden_file(name) for name in SOURCES} == set(HERE.glob("*.txt"))


def test_nothing_of_the_source_is_run(run: Run, project: Sandbox) -> None:
    source = Source(
        "settings.py",
        "open('ran', 'w').close()\nraise SystemExit('ran')\n"
        "NAME = __import__('os').system('touch ran')\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': NAME}}\n",
    )

    done = migrated(run, project, source)

    assert not (project.path / "ran").exists()
    assert "settings.py:4: NAME is to be carried over by hand" in done.err
    assert "settings" not in sys.modules


def toml_of(run: Run, project: Sandbox, line: str) -> dict[str, Any]:
    """The main profile of a `.env` with one line."""
    profile = tomllib.loads(migrated(run, project, Source(".env", line + "\n")).out)["data"]["profiles"]["main"]
    assert isinstance(profile, dict)
    return profile


@pytest.mark.parametrize("password", ["p@ss/w:o?rd", "a%40b", "$money", "ü", "a#b;c"])
def test_a_password_of_any_signs_is_left_out(run: Run, project: Sandbox, password: str) -> None:
    told = toml_of(run, project, f"DATABASE_URL='postgresql://app:{password}@db.internal:5432/shop?sslmode=require'")

    assert told["password"] == "${DATABASE_PASSWORD}"
    assert told["database_url"] == "postgresql+asyncpg://app@db.internal:5432/shop?sslmode=require"


@pytest.mark.parametrize(
    ("query", "tls"),
    [
        ("sslmode=verify-full", "verify-full"),
        ("sslmode=require", "require"),
        ("ssl=true", "require"),
        ("sslmode=require&channel_binding=require", "verify-full"),
    ],
)
def test_no_protection_is_lost(run: Run, project: Sandbox, query: str, tls: str) -> None:
    toml = migrated(run, project, Source(".env", f"DATABASE_URL=postgresql://app@db.internal/shop?{query}\n")).out
    (project.path / ".env").unlink()
    project.write("myfy.toml", toml)

    modes = ("disable", "prefer", "require", "verify-ca", "verify-full")
    assert modes.index(project.load().profile().tls_mode) >= modes.index(tls)


# -- writing -----------------------------------------------------------------------------------------------------------

ENV = Source(".env", "DATABASE_URL=sqlite:///./shop.db\n")


def test_it_writes_what_it_would_print(run: Run, project: Sandbox) -> None:
    printed = migrated(run, project, ENV).out

    done = run("config", "migrate", ".env", "--write")

    assert (done.code, done.out) == (0, "wrote myfy.toml\n")
    assert (project.path / "myfy.toml").read_text(encoding="utf-8") == printed
    assert run("config", "check").code == 0


def test_it_writes_over_no_file_and_the_fix_helps(run: Run, project: Sandbox) -> None:
    put_ = migrated(run, project, ENV)
    project.write("myfy.toml", "# mine\n")

    refused = run("config", "migrate", ".env", "--write")

    assert (put_.code, refused.code) == (0, 2)
    assert (project.path / "myfy.toml").read_text(encoding="utf-8") == "# mine\n"
    assert refused.err.startswith("myfy.toml: is there already, and stays as it is")
    assert "fix: myfy-data config migrate .env > myfy.2.toml\n" in refused.err


def test_it_writes_where_config_says(run: Run, project: Sandbox) -> None:
    migrated(run, project, ENV)

    assert run("config", "migrate", ".env", "--write", "--config", "service/myfy.toml").code == 0
    assert (project.path / "service/myfy.toml").exists()


# -- what cannot be carried over ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (Source(".env", "COLOUR=red\n"), "holds no database that can be carried over"),
        (Source(".env", ""), "holds no database that can be carried over"),
        (Source(".env", "DATABASE_URL=oracle://app:hunter2-Zq9@db/x\n"), "oracle is no supported database"),
        (Source(".env", "DATABASE_URL=hunter2-Zq9\n"), "is no database URL"),
        (Source(".env", "DATABASE_URL=postgresql://app:hunter2-Zq9@db:port/x\n"), "by hand"),
        (Source("settings.py", "DATABASES = load('hunter2-Zq9')\n"), "DATABASES is to be carried over by hand"),
        (Source("settings.py", "DATABASES = {\n"), "settings.py:1:1: is no Python"),
        (Source("db.py", "engine = create_engine(url())\n"), "only running the code would tell it"),
        (Source("alembic.ini", "[alembic]\nsqlalchemy.url = driver://user:pass@localhost/dbname\n"), "placeholder"),
        (Source("alembic.ini", "no section\n"), "cannot be read as an ini file"),
        (Source("deep.py", "x = " + "(" * 5000 + ")" * 5000 + "\n"), "is no Python"),
        (Source("deep.py", "SQLALCHEMY_DATABASE_URI = " + "-" * 900 + "1\n"), "only running the code would tell it"),
        (Source("loop.py", "a = b\nb = a\nengine = create_engine(a)\n"), "only running the code would tell it"),
    ],
)
def test_it_is_told_why(run: Run, project: Sandbox, source: Source, told: str) -> None:
    done = migrated(run, project, source)

    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "\n  fix: " in done.err
    assert "hunter2" not in done.err


def test_a_file_that_is_not_there_is_told(run: Run, project: Sandbox) -> None:
    refused = run("config", "migrate", "nope.py")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("nope.py: does not exist\n  fix: ")


@pytest.mark.parametrize("name", [".env", "my shop/settings.py"])
def test_a_directory_leads_to_a_file_in_it(run: Run, project: Sandbox, name: str) -> None:
    text = "DATABASE_URL=sqlite:///./shop.db\n" if name == ".env" else SOURCES["django with sqlite"].text
    project.write(name, text)

    refused = run("config", "migrate", ".")
    fix = shlex.split(refused.err.partition("fix: myfy-data ")[2])

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(".: is a directory, not a file")
    assert run(*fix).code == 0


def test_a_directory_without_one_is_told(run: Run, project: Sandbox) -> None:
    assert "fix: name a file, as in: myfy-data config migrate .env" in run("config", "migrate", ".").err


def test_what_another_environment_says_is_told_with_its_place(run: Run, project: Sandbox) -> None:
    done = migrated(run, project, SOURCES["flask with a class for each environment"])

    assert "config.py:18: ProductionConfig.SQLALCHEMY_DATABASE_URI holds in one environment" in done.err


def test_names_that_are_no_profiles_become_ones(run: Run, project: Sandbox) -> None:
    source = Source("c.py", 'SQLALCHEMY_BINDS = {"My Users!": "sqlite:///u.db", "1st": "sqlite:///f.db"}\n')

    toml = migrated(run, project, source).out

    assert list(tomllib.loads(toml)["data"]["profiles"]) == ["my-users", "st"]
