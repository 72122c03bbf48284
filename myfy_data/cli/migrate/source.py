"""Which tool a file belongs to, by what stands in it; nothing of it is run."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

from myfy_data.cli.migrate import django, flask
from myfy_data.cli.migrate.alembic_ini import read_alembic_ini
from myfy_data.cli.migrate.dotenv_file import read_dotenv_file
from myfy_data.cli.migrate.draft import Draft
from myfy_data.cli.migrate.engine_calls import has_engines, read_engines
from myfy_data.cli.migrate.mend import mend
from myfy_data.cli.migrate.python_settings import find_settings
from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.files.document import LayerSyntaxError, read_text_file

_FIX = "myfy-data config migrate .env"
_USUAL = (".env", "alembic.ini", "settings.py", "*/settings.py", "config.py", "*/config.py")
"""What is looked for in a directory, as patterns."""


def read_source(path: Path) -> Draft:
    """What a file of another tool says about databases.

    Raises:
        ConfigError: it cannot be read, or says nothing about a database.
    """
    file = str(path)
    if path.is_dir():
        raise _is_directory(path)
    try:
        text = read_text_file(path, file)
    except LayerSyntaxError as error:
        raise ConfigError(error.problems) from None
    if text is None:
        raise ConfigError([Problem(file, "", "does not exist", fix=f"name a file, as in: {_FIX}")])
    draft = Draft()
    if path.suffix == ".py":
        _read_python(draft, text, file)
    elif path.suffix in (".ini", ".cfg"):
        read_alembic_ini(draft, text, file)
    else:
        read_dotenv_file(draft, text, file)
    mend(draft)
    if not draft.profiles:
        facts = (
            *draft.notes,
            "read are .env files, alembic.ini, and settings of Django, Flask-SQLAlchemy and SQLAlchemy",
        )
        raise ConfigError(
            [Problem(file, "", "holds no database that can be carried over", facts, "myfy-data config init")]
        )
    return draft


def _is_directory(path: Path) -> ConfigError:
    """The error of a directory, which leads to the first file in it that may be a source."""
    found = next((each for pattern in _USUAL for each in sorted(path.glob(pattern))), None)
    fix = f"name a file, as in: {_FIX}" if found is None else f"myfy-data config migrate {shlex.quote(str(found))}"
    return ConfigError([Problem(str(path), "", "is a directory, not a file", fix=fix)])


def _read_python(draft: Draft, text: str, file: str) -> None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ConfigError(
            [Problem(f"{file}:{line}:1", "", "is no Python", fix=f"python -m py_compile {shlex.quote(file)}")]
        ) from None
    if find_settings(tree, frozenset({"DATABASES"}))[0]:
        django.read_django(draft, tree, file)
    if any(find_settings(tree, flask.NAMES)):
        flask.read_flask(draft, tree, file)
    if has_engines(tree):
        read_engines(draft, tree, file)
