"""The page as HTML: rendered here, without scripts, and with nothing from outside (contract C12.7)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

Told = Mapping[str, Any]

_PLANNED = ("statement", "repeated")
"""Kinds of what is slow that have a statement."""


def style() -> str:
    """The page's style."""
    return files("myfy_data.endpoints.dev").joinpath("page.css").read_text(encoding="utf-8")


def policy(text: str) -> str:
    """What a browser may load for the page: its style, by the style's own hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    )


def render(told: Told, css: str) -> str:
    """The whole page."""
    sections = (
        *((("Plan", _plan(told["plan"])),) if told["plan"] is not None else ()),
        ("Problems", _problems(told["problems"])),
        ("Profiles", _each(told["profiles"], _profile)),
        ("Requests", _each(told["requests"], _request)),
        ("Slow queries", _each(told["slow"], _slow)),
        ("Migrations", _each(told["migrations"], _migration)),
        ("Settings", _values(told["values"])),
    )
    body = "\n".join(f"<h2>{title}</h2>\n{''.join(lines)}" for title, lines in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>myfy-data</title>'
        f"<style>{css}</style></head><body><h1>myfy-data</h1>"
        f'<p class="quiet">environment {escape(told["environment"])}, default profile {escape(str(told["default"]))}, '
        f'<a href="?json">the same as JSON</a></p>\n{body}\n</body></html>\n'
    )


def _each(items: Iterable[Told], line: Any) -> Iterator[str]:
    lines = [f"<li>{''.join(line(item))}</li>\n" for item in items]
    yield f"<ul>{''.join(lines)}</ul>" if lines else '<p class="quiet">none</p>'


def _problems(problems: Iterable[str]) -> Iterator[str]:
    lines = [f'<li><pre class="bad">{escape(problem)}</pre></li>' for problem in problems]
    yield f"<ul>{''.join(lines)}</ul>" if lines else '<p class="good">the files load as they are</p>'


def _plan(plan: Told) -> Iterator[str]:
    yield f"<p><strong>{escape(plan['profile'])}</strong> <code>{escape(plan['statement'])}</code></p>"
    if plan["problem"]:
        yield f'<pre class="bad">{escape(plan["problem"])}</pre>'
    yield f"<pre>{escape(chr(10).join(plan['lines']))}</pre>"


def _plan_link(profile: str, fingerprint: str) -> str:
    query = urlencode({"profile": profile, "plan": fingerprint})
    return f' <a href="?{escape(query)}">plan</a>' if fingerprint else ""


def _profile(profile: Told) -> Iterator[str]:
    marks = [
        word for word, holds in (("read only", profile["read_only"]), ("not active", not profile["active"])) if holds
    ]
    yield f"<strong>{escape(profile['name'])}</strong> <span class='quiet'>{', '.join(marks)}</span>"
    yield f"<p><code>{escape(profile['url'])}</code></p>"
    pool = profile["pool"]
    if pool is not None:
        waits = f' <strong class="wait">{pool["waiting"]} waiting</strong>' if pool["waiting"] else ""
        yield f"<p>pool: {pool['checked_out']} of {pool['limit']} in use, {pool['checked_in']} idle{waits}</p>"
        yield _bar(0, pool["checked_out"] / max(1, pool["limit"]))


def _request(request: Told) -> Iterator[str]:
    status = request["status"] or "no response"
    kind = "bad" if request["status"] is None or request["status"] >= 400 else "good"
    seconds = request["seconds"]
    lasted = "running" if seconds is None else _span(seconds)
    yield f'<details><summary><span class="{kind}">{status}</span> {escape(request["method"])} '
    yield f"<code>{escape(request['path'])}</code> {lasted}, {_counted(request['count'], 'statement')}, "
    yield f'<span class="wait">waited {_span(request["waited"])}</span>, '
    yield f'<span class="run">queries {_span(request["ran"])}</span>{_bar_of(request)}</summary>'
    yield from (_statement(statement) for statement in request["statements"])
    yield "</details>"
    for text, number in request["repeated"].items():
        yield f'<p class="bad">N+1: {number} times <code>{escape(text)}</code></p>'


def _statement(statement: Told) -> str:
    failed = ' <strong class="bad">failed</strong>' if statement["failed"] else ""
    return (
        f"<p><code>{escape(statement['text'])}</code><br><span class='quiet'>{escape(statement['profile'])}: "
        f"waited {_span(statement['waited'])}, ran {_span(statement['ran'])}</span>{failed}"
        f"{_plan_link(statement['profile'], statement['fingerprint'])}</p>"
    )


def _slow(found: Told) -> Iterator[str]:
    yield f"<strong>{escape(found['kind'])}</strong> {escape(found['profile'])}, {_counted(found['count'], 'time')}: "
    yield f'<span class="wait">waited {_span(found["waited_s"])}</span>, '
    yield f'<span class="run">ran {_span(found["ran_s"])}</span>'
    yield _plan_link(found["profile"], found["fingerprint"] if found["kind"] in _PLANNED else "")
    yield f"<p><code>{escape(found['statement'])}</code></p><p class='quiet'>{escape(found['place'])}</p>"


def _migration(migration: Told) -> Iterator[str]:
    kind = {"at head": "good", "none": "quiet"}.get(migration["state"], "bad")
    here = ", ".join(migration["current"]) or "no revision"
    yield f'<strong>{escape(migration["profile"])}</strong> <span class="{kind}">{escape(migration["state"])}</span> '
    if migration["state"] != "none":
        yield f"<span class='quiet'>at {escape(here)}, head {escape(', '.join(migration['heads']) or 'none')}</span>"
    if migration["fix"]:
        yield f"<pre>{escape(migration['fix'])}</pre>"


def _values(values: Iterable[Told]) -> Iterator[str]:
    yield "<dl>"
    for row in values:
        value = "not set" if row["value"] is None else str(row["value"])
        origin = f"<span class='quiet'>{escape(row['origin'])}</span>"
        yield f"<dt>{escape(row['key'])}</dt><dd>{escape(value)} {origin}</dd>"
    yield "</dl>"


def _bar_of(request: Told) -> str:
    whole = max(request["seconds"] or 0.0, request["waited"] + request["ran"], 1e-9)
    return _bar(request["waited"] / whole, request["ran"] / whole)


def _bar(waited: float, ran: float) -> str:
    first, second = round(min(1.0, waited) * 100, 1), round(min(1.0, ran) * 100, 1)
    label = f"waited {first} %, ran {second} %"
    wait = f'<rect class="wait" width="{first}" height="1"/>'
    run = f'<rect class="run" x="{first}" width="{second}" height="1"/>'
    return f'<svg viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="{label}">{wait}{run}</svg>'


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
