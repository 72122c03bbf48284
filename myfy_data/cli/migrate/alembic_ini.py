"""`alembic.ini`: the address, and where the migrations stand."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping

from myfy_data.cli.migrate.addresses import put_url
from myfy_data.cli.migrate.draft import MAIN, Draft, ProfileDraft
from myfy_data.cli.migrate.engine_arguments import put_arguments

_PLACEHOLDER = re.compile(r"driver://user:pass@|<.*>")
_OPTION = re.compile(r"%\((\w+)\)s")
_PREFIX = "sqlalchemy."


def read_alembic_ini(draft: Draft, text: str, file: str) -> None:
    """Carry over each section that has an address; `databases` names them where there are several."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep letters as they are
    try:
        parser.read_string(text)
    except configparser.Error:
        draft.note(file, "cannot be read as an ini file")
        return
    lines = dict(_lines(text))
    sections = [name for name in parser.sections() if f"{_PREFIX}url" in parser[name] or name == "alembic"]
    several = len([name for name in sections if f"{_PREFIX}url" in parser[name]]) > 1
    for section in sections:
        name = section if several and section != "alembic" else MAIN
        _Section(
            draft,
            draft.profile(name),
            parser[section],
            {key[1]: at for key, at in lines.items() if key[0] == section},
            file,
        ).put()
    for name in [name for name, profile in draft.profiles.items() if ("database_url",) not in profile.entries]:
        _without_address(draft, name, file)


def _without_address(draft: Draft, name: str, file: str) -> None:
    """Migrations of a database that `alembic.ini` does not name: there is no profile to put them in."""
    profile = draft.profiles.pop(name)
    for path, entry in profile.entries.items():
        draft.note(entry.place, f"{'.'.join(path)} = {entry.value!r} is to be carried over by hand, into your profile")
    if len(draft.profiles) == 0 and not draft.notes:
        draft.note(file, "names no database")


def _lines(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    """The line of each option."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.fullmatch(r"\s*\[([^\]]+)\]\s*", line):
            section = header[1]
        elif option := re.match(r"([\w.]+)\s*[=:]", line):
            yield (section, option[1]), number


class _Section:
    """One section with its lines."""

    def __init__(
        self, draft: Draft, profile: ProfileDraft, options: Mapping[str, str], lines: Mapping[str, int], file: str
    ) -> None:
        self._draft = draft
        self._profile = profile
        self._options = options
        self._lines = lines
        self._file = file

    def put(self) -> None:
        """Carry all of it over."""
        for name, value in self._options.items():
            place = f"{self._file}:{self._lines.get(name, 1)}"
            if name == f"{_PREFIX}url":
                self._put_address(_unescaped(value), place)
            elif name == "script_location":
                self._put_directory(value, place)
            elif name == "version_table":
                self._profile.put(("migrations", "version_table"), value, place)
            elif name.startswith(_PREFIX):
                put_arguments(self._draft, self._profile, {name.removeprefix(_PREFIX): _typed(value)}, place)
            elif name in ("version_locations", "version_path_separator", "databases"):
                self._told(name, place)

    def _put_address(self, value: str, place: str) -> None:
        if _PLACEHOLDER.search(value) or not value:
            self._draft.note(
                place, "sqlalchemy.url is Alembic's placeholder: the address stands in env.py, or elsewhere"
            )
        else:
            put_url(self._draft, self._profile, value, place)

    def _put_directory(self, value: str, place: str) -> None:
        directory = value.replace("%(here)s/", "").replace("%%", "%").removeprefix("./")
        if ":" in directory:
            self._draft.note(place, "script_location is a package: write its directory as migrations.directory")
        else:
            self._profile.put(("migrations", "directory"), directory, place)

    def _told(self, name: str, place: str) -> None:
        if name == "version_locations":
            self._draft.note(place, f"{name} is not carried over: a profile has one directory")


def _unescaped(text: str) -> str:
    """Text of an ini file: `%%` is a percent sign, `%(NAME)s` the value of another option or of a variable."""
    return _OPTION.sub(r"${\1}", text.replace("${", "$${").replace("%%", "%")).strip()


def _typed(text: str) -> object:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if text.lstrip("-").isdigit() else text
