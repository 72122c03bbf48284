"""What judges the documentation's site: a page that is left out, and a link that leads nowhere, fail."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.pages import ROOT

_spec = importlib.util.spec_from_file_location("check_site", ROOT / "scripts" / "check_site.py")
assert _spec is not None
assert _spec.loader is not None
check_site = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(check_site)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two pages."""
    for name, text in {
        "docs/index.md": "# A\n",
        "docs/how-to/b.md": "# B\n",
        "site/_sources/index.md": "# A\n",
        "site/_sources/how-to/b.md": "# B\n",
        "site/llms.txt": "- [A](_sources/index.md)\n- [B](_sources/how-to/b.md)\n",
        "site/index.html": '<a href="how-to/b.html#part">b</a><a href="https://example.org/x">x</a>',
        "site/how-to/b.html": '<h2 id="part">B</h2><a href="../index.html">a</a><a href="#part">here</a>',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def judged(site: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = check_site.main([str(site / "site"), str(site / "docs")])
    return code, capsys.readouterr().out


def test_a_whole_site_passes(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(site, capsys) == (0, "")


@pytest.mark.parametrize(
    ("gone", "complaint"),
    [
        ("site/_sources/how-to/b.md", "_sources/how-to/b.md is not there\n"),
        ("site/how-to/b.html", "how-to/b.html is not there\nindex.html: how-to/b.html#part leads nowhere\n"),
    ],
)
def test_a_page_that_is_left_out_fails(
    site: Path, capsys: pytest.CaptureFixture[str], gone: str, complaint: str
) -> None:
    (site / gone).unlink()

    assert judged(site, capsys) == (1, complaint)


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("site/llms.txt", "_sources/how-to/b.md", "elsewhere", "llms.txt does not list how-to/b\n"),
        ("site/how-to/b.html", "../index.html", "index.html", "how-to/b.html: index.html leads nowhere\n"),
        ("site/how-to/b.html", 'id="part"', 'id="other"', "leads nowhere\n"),
    ],
)
def test_what_leads_nowhere_fails(
    site: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, complaint: str
) -> None:
    text = (site / file).read_text(encoding="utf-8")
    (site / file).write_text(text.replace(old, new), encoding="utf-8")

    code, said = judged(site, capsys)

    assert code == 1
    assert said.endswith(complaint)


def test_ci_builds_the_site_and_the_build_judges_it() -> None:
    assert ".ci/step site " in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make --no-print-directory" in (ROOT / ".ci" / "step").read_text(encoding="utf-8").split("\nsite() {")[1]
    assert "scripts/check_site.py site docs" in (ROOT / "scripts" / "build-site").read_text(encoding="utf-8")
