"""The files of a new migration directory: Alembic's own names and template, and an `env.py` that calls us."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import alembic

from myfy_data.errors import MigrationError
from myfy_data.layers.fixes import set_aside
from myfy_data.migrations.target import Target

ENV = '''\
"""Alembic's environment for the profile {profile!r}: the library connects, locks and configures.

Both `myfy-data db` and `alembic` run it. The database comes from myfy.toml; there is no URL here, and no secret.
"""

from myfy_data.migrations import run_env

# More arguments of Alembic's context.configure go in here, such as compare_server_default=True or include_object=...
run_env()
'''

README = """\
Migrations of the profile {profile!r}.

    myfy-data db revision --profile {profile} -m "what changes"    write a revision from the models
    myfy-data db upgrade --profile {profile}                       run what is missing
    myfy-data db check --profile {profile}                         at head, and the models with it?
"""

INI = """\
# For the plain `alembic` command; `myfy-data db` does not read this file. No URL: env.py takes the profile's own
# connection.
#
#   alembic upgrade head                         the default profile
#   alembic -x profile=analytics upgrade head    another one

[alembic]
script_location = %(here)s/{directory}
prepend_sys_path = %(here)s
path_separator = os
"""


def new_files(target: Target) -> dict[Path, str]:
    """Every file of a new directory with its text, `env.py` last. Pure but for reading Alembic's template."""
    directory = target.directory
    template = Path(alembic.__file__).parent / "templates" / "async" / "script.py.mako"
    return {
        directory / "README": README.format(profile=target.profile),
        directory / "script.py.mako": template.read_text(encoding="utf-8"),
        directory / "env.py": ENV.format(profile=target.profile),
    }


def new_ini(target: Target) -> dict[Path, str]:
    """An `alembic.ini` in the project root that names the target's directory. Pure."""
    directory = target.directory
    if directory.is_relative_to(target.root):
        directory = directory.relative_to(target.root)
    return {target.root / "alembic.ini": INI.format(directory=str(directory).replace("%", "%%"))}


def init(target: Target) -> list[Path]:
    """Write a new migration directory.

    Returns:
        The files that were written.

    Raises:
        MigrationError: there is one already, or it cannot be written.
    """
    files = new_files(target)
    _refuse_to_overwrite(target, files)
    _write(target, files)
    return list(files)


def init_ini(target: Target) -> list[Path]:
    """Write an `alembic.ini` for the plain `alembic` command.

    Returns:
        The file that was written.

    Raises:
        MigrationError: there is one already, or it cannot be written.
    """
    files = new_ini(target)
    _refuse_to_overwrite(target, files)
    _write(target, files)
    return list(files)


def _refuse_to_overwrite(target: Target, files: Mapping[Path, str]) -> None:
    there = next((path for path in files if path.exists()), None)
    if there is not None:
        fix = set_aside(there)
        if target.has_migrations and there.name != "alembic.ini":
            fix = f"go on with it: myfy-data db revision --profile {target.profile} -m MESSAGE"
        raise MigrationError(target.profile, f"{there} is there already", fix=fix)


def _write(target: Target, files: Mapping[Path, str]) -> None:
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            if path.name == "env.py":
                (path.parent / "versions").mkdir(exist_ok=True)
    except OSError as error:
        reason = f"{error.filename} cannot be written: {(error.strerror or 'unknown error').lower()}"
        fix = f"ls -ld {shlex.quote(str(target.directory.parent))}"
        raise MigrationError(target.profile, reason, fix=fix) from None
