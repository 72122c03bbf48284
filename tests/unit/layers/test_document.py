"""A file is read once, as UTF-8, within its size; an error holds nothing of its content (contract C3.9 to C3.11)."""

from __future__ import annotations

import errno
import random
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from myfy_data.layers.files.document import LayerSyntaxError, Limits, read_document, read_text_file
from myfy_data.layers.toml import positions as toml_positions

BOM = b"\xef\xbb\xbf"
AS_UTF8 = "\n  fix: save the file as UTF-8"


def written(folder: Path, content: bytes, name: str = "myfy.toml") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refusal(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(LayerSyntaxError) as caught:
        read_document(path, path.name, limits or Limits())
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.toml", "'é'.b = 1\n'😀'.c = 2"), ("a.yaml", "é: {b: 1}\n😀: {c: 2}"), ("a.yml", "é: {b: 1}\n😀: {c: 2}")],
)
@pytest.mark.parametrize("mark", [b"", BOM], ids=["plain", "with a byte order mark"])
def test_a_file_is_read_by_its_suffix(tmp_path: Path, name: str, content: str, mark: bytes) -> None:
    path = written(tmp_path, mark + content.encode(), name)

    document = read_document(path, "shown")

    assert (document.path, document.name) == (path, "shown")
    assert document.tree == {"é": {"b": 1}, "😀": {"c": 2}}
    assert (document.key_place(("é",)), document.key_place(("😀", "c"))) == ((1, 1), (2, 5))


def test_a_document_does_not_print_its_content(tmp_path: Path) -> None:
    path = written(tmp_path, b"password = 'hunter2'")

    document = read_document(path, "config/local.toml")

    assert repr(document) == "<Document config/local.toml>"


ENCODINGS = [
    ("utf-16", "1:1: is UTF-16, not UTF-8"),
    ("utf-32", "1:1: is UTF-32, not UTF-8"),
    ("utf-16-be", "1:1: a NUL character stands here"),
    ("latin-1", "2:7: a byte here is not UTF-8"),
]


@pytest.mark.parametrize(("encoding", "message"), ENCODINGS)
@pytest.mark.parametrize("name", ["myfy.toml", "myfy.yaml"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str, message: str, name: str) -> None:
    path = written(tmp_path, "# x\n# pass\xe9".encode(encoding), name)

    assert refusal(path) == f"{name}:{message}{AS_UTF8}"


def test_the_column_of_a_bad_byte_is_in_characters(tmp_path: Path) -> None:
    path = written(tmp_path, BOM + "a = 1\nb = 'é😀".encode() + b"\xff'")

    assert refusal(path) == f"myfy.toml:2:8: a byte here is not UTF-8{AS_UTF8}"


def test_a_nul_character_has_a_place(tmp_path: Path) -> None:
    path = written(tmp_path, b"a: 1\nb: \0", "myfy.yaml")

    assert refusal(path) == "myfy.yaml:2:4: a NUL character stands here\n  fix: delete it"


def test_a_file_that_takes_two_reads_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "myfy.toml"
    path.write_text(f"text = '{'a' * 70_000}'\nlast = 1\n")

    assert read_document(path, "myfy.toml").tree["last"] == 1


def test_the_size_of_a_file_that_takes_two_reads_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "myfy.toml"
    path.write_text(f"text = '{'a' * 70_000}'\n")

    assert "larger than 70000 bytes" in refusal(path, Limits(size=70_000))


def test_the_size_is_bounded(tmp_path: Path) -> None:
    path = written(tmp_path, b"a = 1 #" + b"x" * 93)
    read_document(path, "myfy.toml", Limits(size=100))

    message = "myfy.toml: is larger than 99 bytes\n  fix: split the file into overlays"

    assert refusal(path, Limits(size=99)) == message


def test_an_unknown_suffix_is_refused_before_the_file_is_read(tmp_path: Path) -> None:
    fix = "rename it to myfy.toml or myfy.yaml"

    assert (
        refusal(tmp_path / "myfy.json") == f"myfy.json: its name does not say whether it is TOML or YAML\n  fix: {fix}"
    )


def test_a_missing_file_can_be_made(tmp_path: Path) -> None:
    path = tmp_path / "my fy.toml"

    assert refusal(path) == f"my fy.toml: does not exist\n  fix: touch '{path}'"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "myfy.toml"
    path.mkdir()

    assert refusal(path) == f"myfy.toml: is a directory, not a file\n  fix: name a file in it: {path}/myfy.toml"


@pytest.mark.parametrize(("closed", "fix"), [(False, "chmod u+r {path}"), (True, "chmod u+x {path.parent}")])
def test_a_file_that_may_not_be_read_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: bool, fix: str
) -> None:
    """Simulated, because the super-user may read everything."""
    path = written(tmp_path, b"")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("myfy_data.layers.files.document.open_regular", refuse)
    monkeypatch.setattr("os.access", lambda *_: not closed)

    assert refusal(path) == f"myfy.toml: cannot be read: permission denied\n  fix: {fix.format(path=path)}"


def test_another_failure_is_told_in_the_systems_words(tmp_path: Path) -> None:
    path = tmp_path / "myfy.toml"
    path.symlink_to(path)

    assert refusal(path) == f"myfy.toml: cannot be read: too many levels of symbolic links\n  fix: ls -l {path}"


def test_a_text_file_that_is_absent_is_none(tmp_path: Path) -> None:
    assert read_text_file(tmp_path / ".env", ".env") is None


def test_a_text_file_is_read_without_its_mark(tmp_path: Path) -> None:
    assert read_text_file(written(tmp_path, BOM + b"A=1", ".env"), ".env") == "A=1"


def test_places_in_toml_cost_nothing_until_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[str] = []
    scan_toml = toml_positions.scan_toml

    def counted(text: str, depth: int) -> toml_positions.Scan:
        scans.append(text)
        return scan_toml(text, depth)

    monkeypatch.setattr(toml_positions, "scan_toml", counted)
    document = read_document(written(tmp_path, b"a = 1"), "myfy.toml")
    before = len(scans)

    places = [document.key_place(("a",)) for _ in range(3)]

    assert (before, len(scans), places) == (0, 1, [(1, 1)] * 3)


LOADED = """
import sys
from pathlib import Path
from myfy_data.layers.files.document import read_document
read_document(Path(sys.argv[1]), "x")
rooms = {"myfy_data.layers.toml.positions", "myfy_data.layers.toml.errors", "myfy_data.layers.yaml.errors"}
print(*sorted(({"tomli", "yaml"} | rooms) & sys.modules.keys()))
"""


@pytest.mark.parametrize(("name", "modules"), [("myfy.toml", "tomli"), ("myfy.yaml", "yaml")])
def test_a_parser_is_imported_only_for_a_file_of_its_kind(tmp_path: Path, name: str, modules: str) -> None:
    path = written(tmp_path, b"", name)

    run = subprocess.run([sys.executable, "-c", LOADED, str(path)], check=True, capture_output=True, text=True)

    assert run.stdout.split() == [modules]


TOML = """\
default = "main" # x
[data.profiles.main]
database_url = "postgresql+asyncpg://app:{0}@db.internal/main"
password = "{0}"
connect_args = {{ token = '{0}', ssl = [true, "{0}"] }}
[[data.x-hosts]]
note = '''
a = {0}'''
'pool_size' = 20
"""
YAML = """\
default: main # x
data:
  profiles:
    main: &main
      database_url: postgresql+asyncpg://app:{0}@db.internal/main
      password: {0}
      connect_args: {{token: '{0}', ssl: [true, "{0}"]}}
    other:
      <<: *main
      note: |
        a {0}
      pool_size: 20
"""
CANARIES = ["CANARY", "p!CANARY&7", "s3cret/CANARY#x"]
NOISE = [
    "\n",
    " ",
    "  ",
    "'",
    '"',
    "=",
    ".",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\t",
    "\\",
    "&",
    "*",
    "!",
    "%",
    "-",
    "\r",
    "\x00",
]


def broken(text: str, rng: random.Random) -> str:
    """The text with up to four things cut out, put in, doubled or cut off."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([1, 1, 2, 5, 12, 40]))
        doubled = rng.randrange(len(text) + 1)
        middle = rng.choice(["", "", rng.choice(NOISE), text[start:end] + text[start:end]])
        text = text[:start] + middle + text[end:] if rng.random() < 0.9 else text[:doubled]
    return text


@settings(max_examples=400)
@given(st.randoms(use_true_random=False), st.sampled_from(["toml", "yaml", "python"]), st.sampled_from(CANARIES))
def test_no_secret_of_a_broken_file_is_told(rng: random.Random, kind: str, canary: str) -> None:
    """Neither in the problems nor in the traceback, not even with the local variables of our frames."""
    text = broken((TOML if kind == "toml" else YAML).format(canary), rng)
    with pytest.MonkeyPatch.context() as patch:
        if kind == "python":
            patch.delattr(yaml, "CSafeLoader")
        patch.setattr("myfy_data.layers.files.document.open", lambda *_: _Content(text), raising=False)
        told = _told(Path(f"myfy.{'toml' if kind == 'toml' else 'yaml'}"))

    assert "CANARY" not in told, text


class _Content:
    """A file with made-up content."""

    def __init__(self, text: str) -> None:
        self.content = text.encode()

    def __enter__(self) -> _Content:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        return self.content[:size]


def _told(path: Path) -> str:
    try:
        read_document(path, path.name)
    except LayerSyntaxError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return f"{error}{error!r}{''.join(shown.format())}"
    return ""
