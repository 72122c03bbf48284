"""Fail when the site leaves a page out, or a link in it leads nowhere.

Usage: `python scripts/check_site.py site docs`. Sphinx has judged the pages; this judges what it made of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Links(HTMLParser):
    """The addresses that a page refers to, and the places in it that can be referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value and tag != "base":
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def read(page: Path) -> _Links:
    """A page's links and anchors."""
    links = _Links()
    links.feed(page.read_text(encoding="utf-8"))
    return links


def left_out(site: Path, docs: Path) -> Iterator[str]:
    """Pages of the documentation that are not there as HTML, as they were written, and in `llms.txt`."""
    index = (site / "llms.txt").read_text(encoding="utf-8")
    for page in sorted(docs.rglob("*.md")):
        name = page.relative_to(docs).with_suffix("").as_posix()
        if not (site / f"{name}.html").is_file():
            yield f"{name}.html is not there"
        if not (site / "_sources" / f"{name}.md").is_file():
            yield f"_sources/{name}.md is not there"
        if f"_sources/{name}.md" not in index:
            yield f"llms.txt does not list {name}"


def dead_links(site: Path) -> Iterator[str]:
    """Links to files or anchors of the site that are not there."""
    pages = {page: read(page) for page in sorted(site.rglob("*.html"))}
    for page, found in pages.items():
        for link in found.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (page.parent / unquote(address.path)).resolve() if address.path else page
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(address.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
                yield f"{page.relative_to(site)}: {link} leads nowhere"


def main(arguments: list[str]) -> int:
    """Judge one site."""
    site, docs = (Path(argument).resolve() for argument in arguments)
    wrong = [*left_out(site, docs), *dead_links(site)]
    for complaint in wrong:
        print(complaint)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
