"""What editors and pre-commit need in a project: `config init --editor`, and the hooks that users refer to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment
from tests.unit.cli.conftest import Run

HOOKS = Path(__file__).parents[3] / ".pre-commit-hooks.yaml"


def test_a_new_project_gets_the_files_of_its_editor(run: Run, project: Sandbox) -> None:
    done = run("config", "init", "--editor", "vscode")

    assert done.code == 0
    folder = project.path / ".vscode"
    assert {path.name for path in folder.iterdir()} == {"extensions.json", "settings.json", "tasks.json"}
    settings = json.loads((folder / "settings.json").read_text())
    [schema] = settings["yaml.schemas"]
    assert (project.path / schema).exists()
    assert (project.path / "myfy.toml").read_text().startswith("#:schema ./schemas/myfy.schema.json\n")


def test_a_project_that_is_there_gets_them_too_and_nothing_else_changes(run: Run, project: Sandbox) -> None:
    project.write("myfy.toml", "# mine\n")

    done = run("config", "init", "--editor", "pycharm")

    assert (done.code, done.lines) == (0, ["wrote schemas/myfy.schema.json", "wrote .idea/jsonSchemas.xml"])
    assert (project.path / "myfy.toml").read_text() == "# mine\n"
    assert not (project.path / ".gitignore").exists()


def test_pycharm_finds_the_schema_by_its_mapping(run: Run, project: Sandbox) -> None:
    run("config", "init", "--editor", "pycharm")

    options = ElementTree.parse(project.path / ".idea" / "jsonSchemas.xml").iter("option")
    values = {(option.get("name"), option.get("value")) for option in options}
    assert ("relativePathToSchema", "schemas/myfy.schema.json") in values
    assert {value for name, value in values if name == "path"} >= {"myfy.toml", "config/*.toml", "myfy.yaml"}


def test_a_file_of_the_user_stays_and_what_it_lacks_is_told(run: Run, project: Sandbox) -> None:
    mine = project.write(".vscode/settings.json", '{"editor.rulers": [120]}\n')

    done = run("config", "init", "--editor", "vscode")

    assert done.code == 0
    assert mine.read_text() == '{"editor.rulers": [120]}\n'
    assert ".vscode/settings.json: is there already, and stays as it is" in done.err
    assert '"yaml.schemas"' in done.err


def test_a_second_run_has_nothing_to_tell(run: Run, project: Sandbox) -> None:
    run("config", "init", "--editor", "vscode")

    done = run("config", "init", "--editor", "vscode")

    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("file", ["myfy.toml", "config/production.toml"])
def test_the_task_of_vscode_finds_the_line_of_each_problem(run: Run, project: Sandbox, file: str) -> None:
    run("config", "init", "--editor", "vscode")
    project.write(file, "[data.profiles.main]\ndatabase_url = 'sqlite://'\npool_sise = 5\n")
    [task] = json.loads((project.path / ".vscode" / "tasks.json").read_text())["tasks"]
    pattern = task["problemMatcher"]["pattern"]

    told = run("config", "check", "--strict", "--environment", "production").out

    found = [match for line in told.splitlines() if (match := re.match(pattern["regexp"], line))]
    assert [(match[pattern["file"]], match[pattern["line"]], match[pattern["column"]]) for match in found] == [
        (file, "3", "1")
    ]


# -- pre-commit --------------------------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> None:
    """Run git in a repository of the test's own."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, timeout=RUN_TIMEOUT)


@pytest.fixture
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that offers the hooks, as users refer to ours."""
    folder = tmp_path_factory.mktemp("hooks")
    shutil.copy(HOOKS, folder)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "hooks")
    return folder


def pre_commit(project: Sandbox, hooks: Path, hook: str) -> subprocess.CompletedProcess[str]:
    """Run one hook on all files by pre-commit itself, with this Python's commands on the path."""
    for folder in (project.path / ".git",):
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
    git(project.path, "init", "-q")
    git(project.path, "add", "-A")
    bin_ = Path(sys.executable).parent
    environment = child_environment()
    environment |= {
        "PATH": f"{bin_}{os.pathsep}{environment['PATH']}",
        "PRE_COMMIT_HOME": str(hooks / "cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), hook, "--all-files", "--verbose"],
        cwd=project.path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )


def test_the_check_passes_a_sound_project_and_stops_a_commit_of_a_broken_one(project: Sandbox, hooks: Path) -> None:
    project.write("myfy.toml", "[data.profiles.main]\ndatabase_url = 'sqlite:///./app.db'\n")
    sound = pre_commit(project, hooks, "myfy-data-check")
    project.write("myfy.toml", "[data.profiles.main]\ndatabase_url = 'sqlite:///./app.db'\npool_sise = 5\n")
    broken = pre_commit(project, hooks, "myfy-data-check")

    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "1 file, 1 profile, 0 errors, 0 warnings" in sound.stdout
    assert broken.returncode == 1
    assert "myfy.toml:3:1: profiles.main.pool_sise: no such setting. Did you mean 'pool_size'?" in broken.stdout


def test_a_stale_schema_stops_a_commit(project: Sandbox, hooks: Path) -> None:
    project.write("myfy.toml", "[data.profiles.main]\ndatabase_url = 'sqlite:///./app.db'\n")
    project.write("schemas/myfy.schema.json", "{}\n")

    done = pre_commit(project, hooks, "myfy-data-schema")

    assert done.returncode == 1
    assert "schemas/myfy.schema.json: is stale" in done.stdout
