"""What a fix does to lines of a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from myfy_data.errors import Problem
from tests.golden import edits
from tests.golden.edits import Edit
from tests.golden.project import Project
from tests.golden.spots import Line, change_text
from tests.pasting import paste


def paste_at_line(project: Project, problem: Problem) -> None:
    """Options of the URL's query, keys of free tables, and lines to write."""
    line = Line(project, problem.place)
    text = paste(line.path.read_text(encoding="utf-8"), problem.fix, line.at + 1)
    line.path.write_text(text, encoding="utf-8")


def delete_line(project: Project, problem: Problem) -> None:
    Line(project, problem.place).become()


def assign_in_file(project: Project, problem: Problem, key: str, sign: str, value: str) -> None:
    """Write the line in the place of the one that says this key, else beneath it, in the same table."""
    line = Line(project, problem.place)
    said = re.match(rf"(\s*(?:[\w.]+\.)?{re.escape(key)}\s*{sign}\s*)", line.text)
    if said:
        line.become(f"{said[1].rstrip()} {value}")
        return
    indent = line.indent
    if sign == ":" and line.text.rstrip().endswith(":"):
        indent += "  "
    line.become(line.text, f"{indent}{key}{' ' if sign == '=' else ''}{sign} {value}")


def put_first(project: Project, problem: Problem, text: str) -> None:
    line = Line(project, problem.place)
    line.lines.insert(0, text)
    line.save()


def put_below(project: Project, problem: Problem, header: str, text: str) -> None:
    line = Line(project, problem.place)
    line.lines.insert(line.lines.index(header) + 1, text)
    line.save()


def beneath_line(project: Project, problem: Problem, header: str) -> None:
    """Move the line beneath another, one level below it."""
    line = Line(project, problem.place)
    (text,) = line.lines[line.at : line.at + 1]
    del line.lines[line.at]
    at = line.lines.index(header)
    line.lines.insert(at + 1, f"  {text}" if header.endswith(":") else text)
    line.save()


def join_tables(project: Project, problem: Problem) -> None:
    """Put the keys of both tables under the first, and delete the second's own line."""
    block = Line(project, problem.place).take_block()
    first = Line(project, problem.facts[0].removeprefix("first at "))
    first.lines[first.at + 1 : first.at + 1] = block
    first.save()


def split(project: Project, problem: Problem) -> None:
    """Give the second half of a file to an overlay."""
    path = project.root / problem.place.partition(":")[0]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    project.write("config/local.toml", "".join(lines[len(lines) // 2 :]))
    path.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")


def indent_as_above(project: Project, problem: Problem) -> None:
    line = Line(project, problem.place)
    above = next(text for text in reversed(line.lines[: line.at]) if text.strip())
    line.become(above[: len(above) - len(above.lstrip())] + line.text.lstrip())


def cut_from_here(project: Project, problem: Problem) -> None:
    line = Line(project, problem.place)
    del line.lines[line.at :]
    line.save()


def at_line(change: Edit, project: Project, problem: Problem, number: str) -> None:
    file = problem.place.partition(":")[0]
    line = Line(project, f"{file}:{number}:1")
    line.become(change(line.text, 0))


def edit(change: Edit, project: Project, problem: Problem, *_words: str) -> None:
    change_text(project, problem, change)


def edit_by(make: Callable[[str], Edit], project: Project, problem: Problem, word: str) -> None:
    change_text(project, problem, make(word))


def beside_url(project: Project, problem: Problem, key: str, sign: str, reference: str) -> None:
    """Take a reference out of a URL, with the sign that belongs to it, and write it beneath."""
    line = Line(project, problem.place)
    bare = re.sub(rf":?{re.escape(reference)}(?=@)", "", line.text).replace("://@", "://")
    line.become(bare, f'{line.indent}{key} {sign} "{reference}"')


def out_of_query(project: Project, problem: Problem, name: str) -> None:
    """Take a secret out of the URL's query, and give it as the key `password`."""
    line = Line(project, problem.place)
    secret = re.search(rf"[?&]{name}=([^&\"]*)", line.text)
    assert secret is not None
    line.become(edits.without_query(name)(line.text, 0), f'{line.indent}password = "{secret[1]}"')


def more_keys(project: Project, problem: Problem, pattern: str) -> None:
    """Give the parts of a host as keys of their own."""
    line = Line(project, problem.place)
    parts = re.match(pattern, re.sub(r'^host = "(.*)"$', r"\1", line.text))
    assert parts is not None
    numbers = {"port"}
    line.become(
        *(f"{key} = {value if key in numbers else json.dumps(value)}" for key, value in parts.groupdict().items())
    )


def comma(project: Project, problem: Problem, bracket: str) -> None:
    line = Line(project, problem.place)
    if line.column:
        line.become(f"{line.text[: line.column].rstrip()}, {line.text[line.column :]}")
    else:
        line.lines[line.at - 1] += bracket
        line.save()


def item_below(project: Project, problem: Problem) -> None:
    line = Line(project, problem.place)
    line.become(line.text[: line.column].rstrip(), f"{line.indent}  {line.text[line.column :]}")


def out_of_table(project: Project, problem: Problem, key: str, table: str) -> None:
    line = Line(project, problem.place)
    line.become(line.text.replace(f"{table}.{key}", key))


def delete_key(project: Project, problem: Problem, key: str) -> None:
    """Delete a key: its line, or its part of an inline table."""
    line = Line(project, problem.place)
    if re.match(rf"\s*([\w.]+\.)?{key}\s*[=:]", line.text):
        line.become()
        return
    line.become(re.sub(rf'{key}\s*=\s*("[^"]*"|[^,}}\s]*),?\s*', "", line.text))


def delete_other(project: Project, problem: Problem) -> None:
    line = Line(project, problem.place)
    line.lines = [text for text in line.lines if not text.startswith("host =")]
    line.save()


def one_line_end(project: Project, problem: Problem) -> None:
    path = project.root / problem.place.partition(":")[0]
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


def write_driver(project: Project, problem: Problem, driver: str) -> None:
    """The part before `://`, or the value of `driver`."""
    if problem.place.startswith("env "):
        name = problem.place.removeprefix("env ")
        project.variables[name] = re.sub(r"^[^:]+(?=:)", driver, project.variables[name])
        return
    line = Line(project, problem.place)
    line.become(re.sub(r'(?<=")[\w+]+(?=://|")', driver, line.text))


def write_value(project: Project, problem: Problem, value: str) -> None:
    """A whole value in quotes."""
    line = Line(project, problem.place)
    line.become(re.sub(r'"[^"]*"', json.dumps(value), line.text))


def write_word(project: Project, problem: Problem, word: str) -> None:
    """A bare value, which begins at the place."""
    line = Line(project, problem.place)
    line.become(line.text[: line.column] + word)


def write_line(project: Project, problem: Problem, text: str) -> None:
    line = Line(project, problem.place)
    line.become(line.text[: line.column] + text)


def line_above(project: Project, problem: Problem, header: str) -> None:
    line = Line(project, problem.place)
    line.become(header, line.text)


def above_and_indented(project: Project, problem: Problem, header: str) -> None:
    line = Line(project, problem.place)
    line.become(header, f"  {line.text}")


def quote_key(project: Project, problem: Problem, key: str) -> None:
    line = Line(project, problem.place)
    line.become(line.text[: line.column] + re.sub(r"^\w+", key, line.text[line.column :]))


def delete_character(project: Project, problem: Problem) -> None:
    line = Line(project, problem.place)
    line.become(line.text[: line.column] + line.text[line.column + 1 :])


def as_utf8(project: Project, problem: Problem) -> None:
    path = project.root / problem.place.partition(":")[0]
    raw = path.read_bytes()
    path.write_text(raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"), encoding="utf-8")


def move_to_base(project: Project, problem: Problem, base: str) -> None:
    line = Line(project, problem.place)
    text = line.text
    line.become()
    project.replace("[data]\n", f"[data]\n{text}\n", base)
