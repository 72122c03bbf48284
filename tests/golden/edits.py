"""Edits of one text that a fix asks for in words: each does what the words say, at the place, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

Edit = Callable[[str, int], str]
"""From a text, mostly a line, and the column of the problem in it, to the text as the words of the fix leave it."""

_URL = re.compile(r"(\w[\w+.-]*://)([^\"'\s]*)")
_INDENT = re.compile(r"\s*")


def delete_tag(text: str, at: int) -> str:
    """Delete a YAML tag."""
    return text[:at] + re.sub(r"^!\S* ?", "", text[at:])


def empty_text(text: str, at: int) -> str:
    """Write empty text for an item of a list."""
    return f"{text[:at]} ''" if text.rstrip().endswith("-") else f"{text[:at]}''{text[at:]}"


def bare(text: str, _at: int) -> str:
    """Take the quotes away."""
    inner = re.sub(r"""(["'])(['"])(.*)\2\1$""", r"\1\3\1", text)
    return inner if inner != text else re.sub(r"""^(\w+=)?(['"])(.*)\2$""", r"\1\3", text)


def quote_bracket(text: str, at: int) -> str:
    """Put what stands in brackets in quotes."""
    return text[:at] + re.sub(r"^(\{[^}]*\}|\[[^\]]*\])", r"'\1'", text[at:])


def quote_value(text: str, _at: int) -> str:
    """Put the value of a key in quotes."""
    return re.sub(r"^(\s*[^=:]+?\s*(?:=|:)\s+)(.+)$", lambda found: f"{found[1]}'{found[2]}'", text)


def close_quotes(text: str, at: int) -> str:
    """End the line with the quote that opens here."""
    return text + text[at]


def close_bracket(text: str, at: int) -> str:
    """End the line with the bracket that closes the one here."""
    return text + {"[": "]", "{": "}"}[text[at]]


def escape_inner_quotes(text: str, _at: int) -> str:
    """Write a backslash before each quote between the first and the last."""
    first, last = text.index('"'), text.rindex('"')
    inner = text[first + 1 : last].replace('"', '\\"')
    return f"{text[: first + 1]}{inner}{text[last:]}"


def single_quotes(text: str, _at: int) -> str:
    """Write single quotes in the place of double ones."""
    return text.replace('"', "'")


def key_equals_value(text: str, _at: int) -> str:
    """Write an equals sign between key and value."""
    return re.sub(r"^(\s*[\w.-]+)\s*:?\s*", r"\1 = ", text)


def end_with_bracket(text: str, _at: int) -> str:
    """End a table line with as many brackets as it begins with."""
    return text.rstrip("]") + "]" * (2 if text.startswith("[[") else 1)


def comment(text: str, at: int) -> str:
    """Make it a comment."""
    return f"{text[:at]}# {text[at:]}"


def quote_sign(text: str, at: int) -> str:
    """Put one sign of a key in quotes."""
    return f'{text[:at]}"{text[at]}"{text[at + 1 :]}'


def space_after_colon(text: str, _at: int) -> str:
    """Write a space after the first colon."""
    return text.replace(":", ": ", 1)


def key_colon_value(text: str, at: int) -> str:
    """Write `key: value` here."""
    rest = text[at:].removeprefix("- ")
    return text[:at] + (rest if re.match(r"\w+:", rest) else re.sub(r"^\w*", r"\g<0>: value", rest))


def fewer_levels(text: str, _at: int) -> str:
    """Write one bracket in the place of many."""
    return re.sub(r"\]+", "]", re.sub(r"\[+", "[", text))


def literal_reference(text: str, _at: int) -> str:
    """Write `$${` for the first `${` that is text."""
    return text.replace("${", "$${", 1)


def in_url(change: Callable[[str], str]) -> Edit:
    """An edit of what stands behind the `://`."""
    return lambda text, _at: _URL.sub(lambda found: found[1] + change(found[2]), text, count=1)


def _escape_at_of_password(url: str) -> str:
    userinfo, _, host = url.rpartition("@")
    return f"{userinfo.replace('@', '%40')}@{host}"


def _escape_userinfo(url: str) -> str:
    userinfo, _, host = url.rpartition("@")
    for sign, code in (("@", "%40"), ("/", "%2F"), ("?", "%3F")):
        userinfo = userinfo.replace(sign, code)
    return f"{userinfo}@{host}"


def _escape_at_of_query(url: str) -> str:
    head, mark, query = url.partition("?")
    userinfo, at, host = head.partition("@")
    return userinfo.replace("@", "%40") + at + host + mark + query.replace("@", "%40")


def _numeric_port(url: str) -> str:
    userinfo, at, location = url.rpartition("@")
    return userinfo + at + re.sub(r"^([^:/?]*):[^/?]*", r"\1:5432", location)


def _hosts_of_query(url: str) -> str:
    before, _, _ = url.partition("?")
    userinfo, at, location = before.rpartition("@")
    database = location.partition("/")[2]
    return f"{userinfo}{at}/{database}?host=a:5432&host=b:5432"


def one_of_query(name: str) -> Edit:
    """Leave the first of several options of one name, or of one meaning."""

    def change(url: str) -> str:
        head, mark, query = url.partition("?")
        alike = {"sslmode", "ssl"} if name in ("sslmode", "ssl") else {name}
        options, seen = [], False
        for option in query.split("&"):
            ours = option.partition("=")[0] in alike
            if not (ours and seen):
                options.append(option)
            seen = seen or ours
        return f"{head}{mark}{'&'.join(options)}"

    return in_url(change)


def without_query(name: str) -> Edit:
    """Take one option out of the query."""

    def change(url: str) -> str:
        head, _, query = url.partition("?")
        left = [option for option in query.split("&") if option.partition("=")[0] != name]
        return f"{head}?{'&'.join(left)}" if left else head

    return in_url(change)


escape_at_of_password = in_url(_escape_at_of_password)
escape_userinfo = in_url(_escape_userinfo)
escape_at_of_query = in_url(_escape_at_of_query)
numeric_port = in_url(_numeric_port)
hosts_of_query = in_url(_hosts_of_query)
