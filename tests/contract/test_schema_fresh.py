"""What is generated and committed is what the code would generate now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from myfy_data.cli.config.schema import SCHEMA_FILE, schema_text

ROOT = Path(__file__).parents[2]


def test_the_committed_schema_is_fresh() -> None:
    """The line that renews it: `python -m myfy_data config schema --output schemas/myfy.schema.json`."""
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()


def test_the_generated_pages_are_fresh() -> None:
    command = [sys.executable, "scripts/build_reference.py", "--check"]

    checked = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
