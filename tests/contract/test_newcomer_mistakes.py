"""A newcomer's ten mistakes: each prints a message, and doing what its fix says makes the command work."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.sandbox import RUN_TIMEOUT, Sandbox

SQLITE = '[data.profiles.main]\ndatabase_url = "sqlite+aiosqlite:///./app.db"\n'
CHECK = ("config", "check")
Mend = Callable[[Sandbox, str], None]


WITHOUT_DRIVER = """
import pathlib, sys
if pathlib.Path("hidden").exists():
    sys.modules[pathlib.Path("hidden").read_text()] = None
from myfy_data.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""The command line, with a driver that is installed made to look missing while the file `hidden` names it."""


def run(mistake: Mistake, sandbox: Sandbox) -> subprocess.CompletedProcess[str]:
    """Run the newcomer's command."""
    return sandbox.python("-c", WITHOUT_DRIVER, *mistake.command)


def edit(old: str, new: str = "{fix}", *, pattern: str = "(.+)", file: str = "myfy.toml") -> Mend:
    """Replace `old` by what `pattern` finds in the fix."""

    def mend(sandbox: Sandbox, fix: str) -> None:
        found = re.search(pattern, fix)
        assert found is not None, fix
        path = sandbox.path / file
        path.write_text(path.read_text().replace(old, new.replace("{fix}", found[1])))

    return mend


def rename_variable(old: str) -> Mend:
    """Rename a variable as the fix says."""

    def mend(sandbox: Sandbox, fix: str) -> None:
        sandbox._monkeypatch.delenv(old)
        sandbox.setenv(fix.removeprefix("rename it to "), "7")

    return mend


def set_variable(sandbox: Sandbox, fix: str) -> None:
    """Set a variable as the fix says."""
    name, _, value = fix.partition("=")
    sandbox.setenv(name, value)


def put_a_file_there(sandbox: Sandbox, _: str) -> None:
    """Put a file that can be read in the place of the one that cannot."""
    (sandbox.path / "other.toml").replace(sandbox.path / "myfy.toml")


def in_shell(sandbox: Sandbox, fix: str) -> None:
    """Run the fix as a command."""
    subprocess.run(["sh", "-c", fix], cwd=sandbox.path, check=True, timeout=RUN_TIMEOUT)


@dataclass(frozen=True)
class Mistake:
    """One mistake: what the newcomer did, what is said, and how the advice is followed."""

    files: dict[str, str]
    says: str
    fix: str
    mend: Mend
    environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = CHECK
    hide: str | None = None


MISTAKES = {
    "misspelt key": Mistake(
        {"myfy.toml": SQLITE + "pool_sise = 5\n"},
        "myfy.toml:3:1: profiles.main.pool_sise: no such setting. Did you mean 'pool_size'?",
        "rename it to pool_size",
        edit("pool_sise", pattern="rename it to (.+)"),
    ),
    "wrong type": Mistake(
        {"myfy.toml": SQLITE + 'pool_size = "5"\n'},
        "myfy.toml:3:1: profiles.main.pool_size: expected a whole number, got '5'",
        "pool_size = 5",
        edit('pool_size = "5"'),
    ),
    "misspelt profile": Mistake(
        {"myfy.toml": SQLITE},
        "env MYFY_DATA_PROFILES__MIAN__POOL_SIZE: profile 'mian' is not declared; declared: main. Did you mean 'main'?",
        "rename it to MYFY_DATA_PROFILES__MAIN__POOL_SIZE",
        rename_variable("MYFY_DATA_PROFILES__MIAN__POOL_SIZE"),
        {"MYFY_DATA_PROFILES__MIAN__POOL_SIZE": "7"},
    ),
    "misspelt environment": Mistake(
        {"myfy.toml": SQLITE, "config/production.toml": ""},
        "env MYFY_DATA_ENVIRONMENT: environment: environment 'prodution' has no file in config/; "
        "there are: production. Did you mean 'production'?",
        "MYFY_DATA_ENVIRONMENT=production",
        set_variable,
        {"MYFY_DATA_ENVIRONMENT": "prodution"},
    ),
    "unset variable": Mistake(
        {"myfy.toml": SQLITE + 'password = "${DB_PASSWORD}"\n'},
        "myfy.toml:3:1: profiles.main.password: needs environment variable DB_PASSWORD, which is not set",
        "set DB_PASSWORD, or give a default: ${DB_PASSWORD:-value}",
        edit("${DB_PASSWORD}", pattern=r"default: (\S+)"),
    ),
    "@ in the password of a URL": Mistake(
        {"myfy.toml": SQLITE.replace("sqlite+aiosqlite:///./app.db", "postgresql://app:s3@cret@localhost/main")},
        "myfy.toml:2:1: profiles.main.database_url: the password seems to hold '@'",
        "write %40 for each '@' of the password",
        edit("s3@cret", "s3{fix}cret", pattern=r"(%40)"),
    ),
    "unknown driver": Mistake(
        {"myfy.toml": SQLITE.replace("sqlite+aiosqlite", "sqlte")},
        "myfy.toml:2:1: profiles.main.database_url: 'sqlte' is no supported driver",
        "write sqlite+aiosqlite in its place",
        edit("sqlte", pattern=r"write (\S+) in"),
    ),
    "missing driver": Mistake(
        {"myfy.toml": SQLITE},
        "profile 'main': the driver 'aiosqlite' for sqlite+aiosqlite is not installed",
        "pip install",
        lambda sandbox, _: (sandbox.path / "hidden").unlink(),
        command=("ping",),
        hide="aiosqlite",
    ),
    "unreadable file": Mistake(
        {"other.toml": SQLITE},
        "myfy.toml: cannot be read",
        "",
        put_a_file_there,
        hide="loop",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_the_fix_of_a_mistake_works(mistake: Mistake, project: Sandbox) -> None:
    """The command fails with the message; the fix is followed; the same command succeeds."""
    make(mistake, project)
    failed = run(mistake, project)
    output = failed.stdout + failed.stderr
    assert failed.returncode != 0, output
    assert mistake.says in output
    fix = fix_line(output)
    assert fix.startswith(mistake.fix)
    assert "Traceback" not in output

    mistake.mend(project, fix)
    mended = run(mistake, project)

    assert mended.returncode == 0, mended.stdout + mended.stderr


def make(mistake: Mistake, project: Sandbox) -> None:
    """Do what the newcomer did."""
    for name, text in mistake.files.items():
        project.write(name, text)
    for name, value in mistake.environment.items():
        project.setenv(name, value)
    if mistake.hide == "loop":
        # Root may read every file, so permissions prove nothing in CI; a link to itself is unreadable.
        (project.path / "myfy.toml").symlink_to("myfy.toml")
    elif mistake.hide:
        project.write("hidden", mistake.hide)


def fix_line(output: str) -> str:
    """The text of the first fix."""
    return next((line.strip().removeprefix("fix: ") for line in output.splitlines() if line.startswith("  fix: ")), "")


def test_the_fix_of_an_unreachable_server_works(project: Sandbox) -> None:
    """Nothing listens: the message says where; once the URL names a server that answers, ping succeeds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql://app@127.0.0.1:{port}/main"
    project.write("myfy.toml", SQLITE.replace("sqlite+aiosqlite:///./app.db", url))
    failed = project.run("ping")
    output = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert f"nothing listens on 127.0.0.1:{port}" in output
    assert "start the server, or correct host and port" in output

    edit(url, "sqlite+aiosqlite:///./app.db")(project, "as the fix says")

    assert project.run("ping").returncode == 0


def test_an_unreadable_file_of_another_user_says_how_to_open_it(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permission denied names the file and the command that opens it."""
    path = project.write("myfy.toml", SQLITE)
    path.chmod(0)
    if readable(path):
        monkeypatch.setattr("myfy_data.layers.files.document.open_regular", refuse_to_open)

    with pytest.raises(Exception, match=r"myfy\.toml: cannot be read: permission denied\n  fix: chmod u\+r ") as caught:
        project.load()
    monkeypatch.undo()
    in_shell(project, f"cd {project.path} && " + fix_line(str(caught.value)))

    assert project.python("-c", "import myfy_data; myfy_data.load_settings()").returncode == 0


def readable(path: Path) -> bool:
    """Whether this user may read a file without read permission, as root may."""
    try:
        path.read_bytes()
    except PermissionError:
        return False
    return True


def refuse_to_open(path: str, *_: object, **__: object) -> None:
    """What opening the file does for users other than root."""
    raise PermissionError(13, "Permission denied", path)
