"""The picture of `docs/explanation/performance.md`: bars in plain SVG."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from database_environments import BASE, OURS, ROWS
from database_samples import OPERATIONS, Cell, Results, rate

SHOWN = (
    Cell("postgresql 0.5 ms", "read", 1),
    Cell("postgresql 0.5 ms", "insert", 1),
    Cell("mariadb 0.5 ms", "read", 1),
    Cell("mariadb 0.5 ms", "insert", 1),
    Cell("sqlite 0 ms", "read", 1),
)
NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}
RAW = "raw"
WIDTH, LEFT, RIGHT = 760, 210, 90
ROOM = WIDTH - LEFT - RIGHT
BAR, STEP, HEAD, TOP = 12, 18, 34, 62
OWN, CHECKED, UNCHECKED = "#1a7f5a", "#57606a", "#b6bec7"


def picture(results: Results) -> str:
    """The picture."""
    panels = [cell for cell in SHOWN if (BASE, cell) in results.samples]
    body, height = [], TOP
    for cell in panels:
        panel = list(_panel(results, cell, height))
        body += panel
        height += HEAD + STEP * sum((row, cell) in results.samples for row in results.rows)
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 10}" role="img"'
    head = [
        f'{opening} font-family="sans-serif" font-size="12" fill="#24292f">',
        "<title>Operations per second as a multiple of SQLAlchemy with pre-ping, one at a time</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(10, 22, "Operations per second, as a multiple of SQLAlchemy with pre-ping", 'font-size="15"'),
        *_legend(),
    ]
    return "\n".join([*head, *body, "</svg>", ""])


def _legend() -> Iterator[str]:
    x = 10
    for colour, words in ((OWN, "this package"), (CHECKED, "checks idle connections"), (UNCHECKED, "does not check")):
        yield f'<rect x="{x}" y="36" width="{BAR}" height="{BAR}" fill="{colour}"/>'
        yield _text(x + BAR + 6, 46, words)
        x += 40 + 7 * len(words)
    yield _text(x, 46, "line: slowest to fastest repetition", 'fill="#57606a"')


def _panel(results: Results, cell: Cell, top: int) -> Iterator[str]:
    database, _, delay = cell.place.partition(" ")
    away = f", {delay} away" if database != "sqlite" else ""
    yield _text(
        10, top + 22, f"{NAMES[database]}: {OPERATIONS[cell.operation]}, one at a time{away}", 'font-weight="bold"'
    )
    rows = [row for row in results.rows if (row, cell) in results.samples]
    found = {row: results.ratios(row, cell, rate) or (0, 0, 0) for row in rows}
    # The raw driver may be so far ahead that nothing could be seen of the others: its bar ends at the edge.
    scale = ROOM / max(high for row, (_, _, high) in found.items() if row != RAW)
    for number, row in enumerate(rows):
        yield from _bar(row, found[row], top + HEAD + STEP * number, scale)


def _bar(row: str, ratios: tuple[float, float, float], top: int, scale: float) -> Iterator[str]:
    low, middle, high = (min(ratio * scale, ROOM) for ratio in ratios)
    chosen = ROWS[row]
    colour = OWN if row.startswith(OURS) else CHECKED if chosen.pre_ping else UNCHECKED
    centre = top + BAR / 2
    yield _text(LEFT - 8, top + BAR - 2, chosen.title, 'text-anchor="end"')
    yield f'<rect x="{LEFT}" y="{top}" width="{middle:.1f}" height="{BAR}" fill="{colour}"/>'
    yield f'<path d="M{LEFT + low:.1f} {centre}H{LEFT + high:.1f}" stroke="#24292f"/>'
    yield _text(round(LEFT + max(middle, high) + 6), top + BAR - 2, f"{ratios[1]:.2f}")


def _text(x: float, y: float, words: str, attributes: str = "") -> str:
    return f'<text x="{x}" y="{y}" {attributes}>{escape(words)}</text>'.replace(" >", ">")
