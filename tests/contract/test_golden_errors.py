"""Configuration errors, word for word, and whether following each printed fix mends the project (contract C3.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.golden.cases import CASES, GROUPS
from tests.golden.fixes import apply
from tests.golden.project import HERE, SECRET, Case, Project, golden_file
from tests.golden.sentences import sentences

EVERY = pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES.keys())


MOST_STEPS = 8
"""How many messages may follow each other until a project is sound."""

_STRICTNESS = ("disable", "prefer", "require", "verify-ca", "verify-full")
_TLS_ASKED = re.compile(rf"(?:tls|sslmode|ssl)\W+({'|'.join(_STRICTNESS)})\b")


@EVERY
def test_what_is_said_is_worded_as_written_down(name: str, case: Case, tmp_path: Path) -> None:
    """The line that renews the files: `python -m tests.golden.write`."""
    project = Project(tmp_path.resolve(), case)

    said = project.said()

    assert said
    assert said + "\n" == golden_file(name).read_text(encoding="utf-8")


@EVERY
def test_following_the_fixes_leads_to_a_sound_project(name: str, case: Case, tmp_path: Path) -> None:
    """Every fix is pasted as it is printed, the lowest line first, so that places above it stay true.

    A fix may lead to a better message, never back to one that was told already.
    """
    project = Project(tmp_path.resolve(), case)
    told: list[str] = []
    for _ in range(MOST_STEPS):
        report = project.report()
        found = report.problems or report.warnings
        if not found:
            break
        messages = [f"{problem.key}: {problem.message}" for problem in found]
        assert not set(messages) & set(told), (name, report)
        told += messages
        for problem in reversed(found):
            apply(project, problem)

    report = project.report()
    assert (report.problems, report.warnings) == ((), ()), (name, told)


@EVERY
def test_no_fix_lowers_the_safety_that_was_asked_for(name: str, case: Case, tmp_path: Path) -> None:
    """A profile that asked for TLS has it, at least as strict, as all others do, when all fixes were pasted."""
    project = Project(tmp_path.resolve(), case)
    asked = _TLS_ASKED.findall(" ".join([*map(str, case.files.values()), *case.variables.values()]))
    if not asked:
        return
    for _ in range(MOST_STEPS):
        report = project.report()
        for problem in reversed(report.problems or report.warnings):
            apply(project, problem)
    settings = project.report().settings

    assert settings is not None, name
    modes = {profile.tls_mode for profile in settings.profiles.values()}
    assert min(map(_STRICTNESS.index, modes)) >= max(map(_STRICTNESS.index, asked)), (name, modes)


@EVERY
def test_no_error_shows_the_secret(name: str, case: Case, tmp_path: Path) -> None:
    """Neither the text that is written down nor any representation of the error and what it is chained to."""
    error = Project(tmp_path.resolve(), case).error()
    texts = [golden_file(name).read_text(encoding="utf-8")]
    if error is not None:
        texts += [str(error), repr(error), repr(error.problems)]
        assert (error.__cause__, error.__context__) == (None, None)

    assert not [text for text in texts if SECRET in text]


def test_every_case_has_a_file_and_a_name_of_its_own() -> None:
    assert len(CASES) == sum(map(len, GROUPS))
    assert {golden_file(name) for name in CASES} == set(HERE.glob("*.txt"))


SAID_BY_OTHER_TESTS = {
    '{}; to use it: {}="${}"',  # notes: nothing is wrong
    "{}; to use it: rename it to {}",
    "belongs to {}, who could run code as {} by it",
    "cannot be read: permission denied",
    "cd to a directory that exists",
    "chmod u+rx {}",
    "chown {} {}  # once you have read it",
    "gives a driver and no address, so this would be the server's own default database",  # of commands that connect
    "is set twice by arguments",
    "leave one of the two out",
    "ls -ld {}",
    "myfy-data dev -- myfy-data {} {}",
    "neither database_url nor driver is given",
    "start the application by myfy-data dev -- COMMAND, or give the profile a database_url",  # test_dev provokes it
    "take {} out of the query and give the file as `tls_key`, beside `tls_cert`",
    "the directory {} cannot be read: {}",
    "the file {} cannot be read: {}",
    "the file {} holds no private key as PEM text",
    "the key in {} is not the one of the certificate {}",
    "the key in {} is protected by a passphrase, which nobody could type",
    "the secret file {} cannot be read: {}",
    "the working directory is gone, so a relative path leads nowhere",
    "the working directory is gone, so no file was searched for",
    "unknown error",
    "write the whole path: sqlite+aiosqlite:////var/lib/app/app.db",
    "{} && (umask 077 && openssl pkey -in {} -out {})",
    "{} is no option of a URL here: the key has a key of its own",
}
"""What needs another user, a directory that is gone, or two keys: `c3/test_01_*`, `c3/test_08_*`, `c3/test_09_planted`,
`c16/test_credential_files`, `unit/settings/test_urls` provoke them."""

SAID_IN_CODE = {
    " in the table {}",
    "{}: hosts and host",
    "DataModule(settings=load_settings(files=..., environment=...))",
    "a finished DataSettings and `files` or `environment` were given; only one of them can say what is loaded",
    "declare it: [data.profiles.{}]",
    "extend it",
    "is abstract: a template that is never opened",
    "myfy-data config show",
    "name one of {}",
    "no profile was named and none is the default; profiles: {}",
}
"""What Python code or a command asks the settings for, after a load that went well."""

NO_SENTENCES = {
    "Cannot declare",
    "Cannot mutate",
    "Cannot overwrite",
    "Cannot redefine",
    "Duplicate inline",
    "Place | None",
    "READ UNCOMMITTED",
    "REPEATABLE READ",
    "a JSON value",
    "a line break of YAML 1.1",
    "a tab character",
    "alphabetic or numeric",
    "block end|expected key|'-' indicator",
    "cannot start any token",
    "chomping|or (a )?line break|indentation indicator",
    "directive|YAML document",
    "escape character",
    "expected ',' or '\\]'",
    "expected ',' or '\\}'",
    "expected key",
    "hex[a]?decimal|Unicode character escape",
    "it belongs to this machine",
    "it is not on this machine",
    "its text",
    "mapping values are not allowed|unexpected ':'",
    "more levels of tables and lists than can be read",
    "nesting depth",
    "node content",
    "not TOML",
    "not YAML",
    "sequence entries are not allowed",
    "tag handle| a tag\\b",
    "the environment is test",
    "the files were named explicitly",
    "this key or table is set twice",
    "write [table], key = value, or a comment",
    "write key: value, and indent with spaces",
}
"""States of layers, types, the parsers' own words, and what is said where a parser has a new word."""

OTHER_ROOMS = re.compile(r"settings/(validation/|schema|reference|key_spec|engine_options)")
"""The rules of profiles have cases of their own (`other_packages/test_every_rule_is_told`); the rest only describes."""


def test_every_sentence_that_can_be_said_has_a_golden_text() -> None:
    """A new message needs a case, so that its fix is pasted: a sentence of the source that no text holds fails here."""
    told = "\n".join(golden_file(name).read_text(encoding="utf-8") for name in CASES)
    elsewhere = SAID_BY_OTHER_TESTS | SAID_IN_CODE | NO_SENTENCES
    found = {sentence for sentence in sentences() if not OTHER_ROOMS.match(sentence.module)}

    unsaid = {sentence.text for sentence in found if not sentence.is_said_in(told)}

    assert unsaid - elsewhere == set(), "give each a case in tests/golden/cases"
    assert elsewhere - unsaid == set(), "these are said by a case now, or are gone"
