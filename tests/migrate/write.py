"""Write the golden files anew, on purpose: `python -m tests.migrate.write`; then read what `git diff` shows."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

from myfy_data.cli import main as command
from tests.migrate.sources import SOURCES, Source

HERE = Path(__file__).parent / "golden"


def golden_file(name: str) -> Path:
    """Where the text of a case stands."""
    return HERE / f"{name.replace(' ', '_').replace('.', '_')}.txt"


def put(root: Path, source: Source) -> None:
    """Write the source where its project has it."""
    (root / ".git").mkdir()
    (root / source.file).parent.mkdir(parents=True, exist_ok=True)
    (root / source.file).write_text(source.text, encoding="utf-8")


def golden_text(out: str, err: str) -> str:
    """Both outputs as one text."""
    return f"{out}\n--- standard error ---\n{err}"


def main() -> None:
    """Write the text of each case, and delete texts that no case has."""
    HERE.mkdir(exist_ok=True)
    for stale in set(HERE.glob("*.txt")) - {golden_file(name) for name in SOURCES}:
        stale.unlink()
    for name, source in SOURCES.items():
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            put(Path(folder), source)
            with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
                command(["config", "migrate", source.file])
        golden_file(name).write_text(golden_text(out.getvalue(), err.getvalue()), encoding="utf-8")
    print(f"wrote {len(SOURCES)} files")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
