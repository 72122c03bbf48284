"""Sphinx's settings for the documentation as a site, which `make site` builds from the pages of docs/ (ADR 44)."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

import myfy_data

project = "myfy-data"
author = "myfy-data contributors"
html_title = "myfy-data"
html_baseurl = os.environ.get("SITE_URL", "")  # where the site will stand; links of llms.txt begin with it
html_theme = "furo"  # light and dark by the reader's preference, nothing from elsewhere
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "sphinx_llms_txt"]

# Each page stands beside itself as it was written: how-to/fastapi.html, _sources/how-to/fastapi.md
html_copy_source = True
html_sourcelink_suffix = ""
llms_txt_summary = "Named databases from layered configuration files, for async Python on SQLAlchemy."
llms_txt_uri_template = "{base_url}_sources/{docname}.md"

suppress_warnings = ["misc.highlighting_failure"]  # a console shows a file whose quotes do not end on their line
myst_heading_anchors = 4
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "exclude-members": "metadata,registry,model_config,settings_customise_sources",  # SQLAlchemy's and pydantic's
}
logging.getLogger("alembic").setLevel(logging.WARNING)  # it is imported for its docstrings' sake only

_SECTION = re.compile(r"^## (?P<caption>.+)$", re.MULTILINE)
_PAGE = re.compile(r"\]\((?P<page>[\w./-]+\.md)\)")
_INSIDE = "adr/|explanation/|how-to/|reference/|tutorial/|index"
_OUTSIDE = re.compile(rf"\[(?P<words>[^\]]+)\]\((?:\.\./)+(?P<path>(?!{_INSIDE})[\w./-]+)(?:#[\w-]+)?\)")
_NAMES = """

## {title}

```{{eval-rst}}
{names}
```
"""


def setup(app: Any) -> None:
    """Change pages on their way in: index.md lists the others, one holds the API, and links may leave docs/."""
    app.connect("source-read", _read)


def _read(_app: Any, page: str, source: list[str]) -> None:
    source[0] = _OUTSIDE.sub(r"\g<words> (`\g<path>`)", source[0])
    if page == "index":
        source[0] += "\n\n" + "\n\n".join(_contents(source[0])) + "\n"
    elif page == "reference/python":
        source[0] += "".join(_public_names())


def _contents(index: str) -> Iterator[str]:
    """The order of the pages: that of the index, section by section."""
    parts = _SECTION.split(index)
    for caption, text in zip(parts[1::2], parts[2::2], strict=True):
        pages = dict.fromkeys(found["page"] for found in _PAGE.finditer(text))
        yield "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"])


def _public_names() -> Iterator[str]:
    """All that the package exports, what is raised last."""
    names = sorted((name for name in myfy_data.__all__ if not name.startswith("_")), key=str.lower)
    ours = {name: what for name in names if (what := getattr(myfy_data, name)).__module__.startswith("myfy_data.")}
    errors = [name for name, what in ours.items() if isinstance(what, type) and issubclass(what, BaseException)]
    yield _NAMES.format(title="What it gives", names=_directives(ours, [name for name in ours if name not in errors]))
    yield _NAMES.format(title="What it raises", names=_directives(ours, errors))


def _directives(objects: dict[str, Any], names: Iterable[str]) -> str:
    kinds = {True: "autoclass", False: "autofunction"}
    return "\n".join(f".. {kinds[isinstance(objects[name], type)]}:: myfy_data.{name}\n" for name in names)
