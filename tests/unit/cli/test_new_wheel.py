"""What `myfy-data new` writes is packed into the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment


def test_a_wheel_holds_what_a_clone_writes(project: Sandbox) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(project.path / "dist")],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = (project.path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(project.path / "unpacked")
    code = "import sys; from myfy_data.cli import main; sys.exit(main(sys.argv[1:]))"

    by_wheel = subprocess.run(
        [sys.executable, "-c", code, "new", "from_wheel"],
        cwd=project.path,
        env=child_environment() | {"PYTHONPATH": str(project.path / "unpacked")},
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )
    project.run("new", "from_clone")

    assert by_wheel.returncode == 0, by_wheel.stderr
    assert texts(project.path / "from_wheel") == texts(project.path / "from_clone")


def texts(folder: Path) -> dict[str, str]:
    """The files of a project; its name is in one of them."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8").replace(folder.name, "NAME")
        for path in folder.rglob("*")
        if path.is_file()
    }
