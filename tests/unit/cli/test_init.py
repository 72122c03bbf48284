"""`config init`: a first file that loads as it is, and nothing lost that was there."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from myfy_data.cli.atomic_write import write_files
from myfy_data.cli.config.init import with_ignore_rules
from myfy_data.errors import ConfigError
from myfy_data.settings.loader import load_settings
from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run

RULES = ("config/local.*", ".env")


def files_in(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_it_writes_the_file_its_schema_and_ignore_rules(project: Sandbox, run: Run) -> None:
    result = run("config", "init")

    assert result.code == 0
    assert files_in(project.path) == {"myfy.toml", "schemas/myfy.schema.json", ".gitignore"}


def test_what_it_wrote_passes_the_strictest_check(project: Sandbox, run: Run) -> None:
    run("config", "init")

    assert run("config", "check", "--strict").lines == ["1 file, 1 profile, 0 errors, 0 warnings"]


def test_the_first_line_names_the_schema_that_it_wrote(project: Sandbox, run: Run) -> None:
    run("config", "init")
    first = (project.path / "myfy.toml").read_text().splitlines()[0]

    assert first == "#:schema ./schemas/myfy.schema.json"
    assert run("config", "schema", "--check").code == 0


def test_it_tells_what_it_wrote_and_where_the_database_will_be(project: Sandbox, run: Run) -> None:
    lines = run("config", "init").lines

    assert lines[:3] == ["wrote schemas/myfy.schema.json", "wrote .gitignore", "wrote myfy.toml"]
    assert f"database: {project.path.resolve() / 'myfy.db'}" in lines


def test_every_example_in_the_file_works(project: Sandbox, run: Run) -> None:
    """Each `# ` line taken on its own, so that of two ways to say one thing both are tried."""
    run("config", "init")
    text = (project.path / "myfy.toml").read_text()
    main, _, _ = text.partition("# A second database")
    examples = [line for line in main.splitlines() if re.match(r"# \w+ = ", line)]
    assert len(examples) > 5

    for example in examples:
        changed = main.replace('database_url = "sqlite', '# database_url = "sqlite', 1)
        if "database_url" not in example:
            changed = changed.replace("# database_url", "database_url").replace('database_url = "sqlite', "# was: ", 1)
        changed = changed.replace(example, example.removeprefix("# "))
        path = project.write("tried.toml", changed)
        load_settings(files=[path], environ={"DB_PASSWORD": "x"})


def test_the_second_database_works(project: Sandbox, run: Run) -> None:
    run("config", "init")
    text = (project.path / "myfy.toml").read_text()
    main, mark, second = text.partition("# [data.profiles.analytics]")
    path = project.write("tried.toml", main + (mark + second).replace("# ", ""))

    settings = load_settings(files=[path], environ={})

    assert str(settings.profile("analytics").database_url).endswith("analytics.db")


def test_it_refuses_to_write_over_a_file(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", "# mine\n")

    result = run("config", "init")

    assert result.code == 2
    assert result.err == (
        "myfy.toml: is there already\n    it stays as it is; --force writes over it\n  fix: myfy-data config check\n"
    )
    assert files_in(project.path) == {"myfy.toml"}


def test_it_writes_over_a_file_when_told_to(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", "# mine\n")

    assert run("config", "init", "--force").code == 0
    assert "# mine" not in (project.path / "myfy.toml").read_text()


def test_it_refuses_to_write_over_another_schema(project: Sandbox, run: Run) -> None:
    project.write("schemas/myfy.schema.json", "{}")

    result = run("config", "init")

    assert result.code == 2
    assert result.err.startswith("schemas/myfy.schema.json: is there already")
    assert "fix: mv schemas/myfy.schema.json schemas/myfy.schema.json.old\n" in result.err


@pytest.mark.parametrize("name", ["myfy.yaml", "myfy.yml"])
def test_it_refuses_to_stand_beside_a_yaml_file(project: Sandbox, run: Run, name: str) -> None:
    """Two files for one layer would be an error from the next command on, so not even --force does it."""
    project.write(name, "data: {}\n")

    result = run("config", "init", "--force")

    assert result.code == 2
    assert f"fix: mv {name} {name}.old" in result.err


def test_it_writes_where_config_says(project: Sandbox, run: Run) -> None:
    result = run("config", "init", "--config", "service/myfy.toml")

    assert result.code == 0
    assert {"service/myfy.toml", "service/schemas/myfy.schema.json", "service/.gitignore"} == files_in(project.path)


def test_it_tells_what_else_is_wrong(project: Sandbox, run: Run) -> None:
    project.setenv("MYFY_DATA_POLL_SIZE", "3")

    result = run("config", "init")

    assert result.code == 2
    assert "wrote myfy.toml" in result.lines
    assert result.err.startswith("env MYFY_DATA_POLL_SIZE: ")


def test_a_directory_that_cannot_be_written_is_told_with_nothing_written(project: Sandbox, run: Run) -> None:
    """A file where the schema's directory should be: this fails for root as well."""
    project.write("schemas", "")

    result = run("config", "init")

    assert result.code == 2
    assert "schemas/myfy.schema.json: cannot be written" in result.err
    assert files_in(project.path) == {"schemas"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"config/local.*\n.env\n"),
        (b"*.pyc\n", b"*.pyc\nconfig/local.*\n.env\n"),
        (b"*.pyc", b"*.pyc\nconfig/local.*\n.env\n"),
        (b"/config/local.*\n", b"/config/local.*\n.env\n"),
        (b".env\r\nconfig/local.* \n", b".env\r\nconfig/local.* \n"),
        (b"\xff\n", b"\xff\nconfig/local.*\n.env\n"),
    ],
)
def test_ignore_rules_are_added_once(before: bytes, after: bytes) -> None:
    assert with_ignore_rules(before, RULES) == after


def test_ignore_rules_are_complete_after_one_time() -> None:
    once = with_ignore_rules(b"", RULES)

    assert with_ignore_rules(once, RULES) is once


def test_a_failed_write_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    old, new, impossible = tmp_path / "old", tmp_path / "sub" / "new", tmp_path / "directory"
    old.write_bytes(b"before")
    (impossible / "full").mkdir(parents=True)

    with pytest.raises(ConfigError, match="cannot be written"):
        write_files({old: b"after", new: b"new", impossible: b"x"})

    assert old.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["directory", "old"]


def test_a_link_is_followed_and_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"before")
    link.symlink_to(real)

    write_files({link: b"after"})

    assert link.is_symlink()
    assert real.read_bytes() == b"after"


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    path.chmod(0o600)

    write_files({path: b"after"})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_file_obeys_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_files({tmp_path / "file": b""})
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
