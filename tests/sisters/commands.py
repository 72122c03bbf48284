"""Upstream's own `myfy data` on this package, from its first command to its last."""

from __future__ import annotations

import tempfile
from pathlib import Path
from textwrap import dedent

from tests.sisters.environment import PYTHON, StepError, run

_MYFY = "import klyne; klyne.init = klyne.track = lambda *_, **__: None; from myfy_cli.main import app; app()"
"""`myfy`, without what it reports to its authors."""

_FILES = {
    "myfy.toml": """
        [data.profiles.main]
        database_url = "sqlite:///shop.db"

        [data.profiles.main.migrations]
        metadata = "models:Base.metadata"
    """,
    "models.py": """
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

        class Base(DeclarativeBase):
            pass

        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
    """,
}

_STEPS = (
    (["init"], "Created alembic.ini"),
    (["revision", "-m", "users"], "Migration created"),
    (["upgrade"], "upgraded successfully"),
    (["current"], "(head)"),
    (["history"], "(head), users"),
)


_TABLES = "import sqlite3; print(sqlite3.connect('shop.db').execute('SELECT name FROM sqlite_master').fetchall())"


def judge() -> None:
    """Run each command in a new project.

    Raises:
        StepError: one of them does not say what it says on upstream's package, or no table is there in the end.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in _FILES.items():
            (folder / name).write_text(dedent(text).lstrip(), encoding="utf-8")
        for words, expected in _STEPS:
            said = run([str(PYTHON), "-c", _MYFY, "data", *words], folder=folder, variables={"KLYNE_ENV": "test"})
            if expected not in said:
                raise StepError(f"myfy data {' '.join(words)} does not say {expected!r}:\n{said}")
        tables = run([str(PYTHON), "-c", _TABLES], folder=folder)
        if "'users'" not in tables:
            raise StepError(f"no table `users` after myfy data upgrade: {tables}")
