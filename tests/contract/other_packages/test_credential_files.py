"""Files of passwords and certificates: check and engine refuse the same, and the fix mends it (C3.8, C16.3)."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from myfy_data import load_settings
from myfy_data.engines.connect.password import load_password
from myfy_data.engines.connect.tls import load_tls_context
from myfy_data.errors import DatabaseConnectionError
from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.loader import LoadReport, inspect_settings
from tests.sandbox import RUN_TIMEOUT, Sandbox

PASSWORD = "hunter2-Zq9"
_CA = trustme.CA()
_CLIENT = _CA.issue_cert("app.internal", common_name="app")
_STRANGER = _CA.issue_cert("other.internal")
CERTIFICATE, KEY = _CLIENT.cert_chain_pems[0].bytes().decode(), _CLIENT.private_key_pem.bytes().decode()
OTHER_KEY = _STRANGER.private_key_pem.bytes().decode()
AUTHORITY = _CA.cert_pem.bytes().decode()
RIGHT = {"secret": PASSWORD, "ca.crt": AUTHORITY, "client.crt": CERTIFICATE, "client.key": KEY}
LINES = {"secret": 3, "ca.crt": 5, "client.crt": 6, "client.key": 7}
KEYS = {"secret": "password_file", "ca.crt": "tls_ca", "client.crt": "tls_cert", "client.key": "tls_key"}
FILE = """
[data.profiles.main]
database_url = "postgresql+asyncpg://app@127.0.0.1:9/shop"
password_file = "files/secret"
tls = "verify-full"
tls_ca = "files/ca.crt"
tls_cert = "files/client.crt"
tls_key = "files/client.key"
"""
Spoil = Callable[[Path], object]


@dataclass(frozen=True)
class Fault:
    """One file in a bad state, what is said of it, and what a person types when the fix asks for it."""

    file: str
    spoil: Spoil
    says: str
    typed: str | None = None


def directory(path: Path) -> None:
    """Put an empty directory in the place of the file."""
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    """Put a pipe in the place of the file: reading it would wait for a writer."""
    path.unlink()
    os.mkfifo(path)


def directory_of_directories(path: Path) -> None:
    """Put a directory with no file in it in the place of the file."""
    path.unlink()
    (path / "more").mkdir(parents=True)


def misspelt(path: Path) -> None:
    """Leave the file under a name that is nearly right."""
    path.rename(path.with_name(f"{path.stem}s{path.suffix}"))


def one_level_up(path: Path) -> None:
    """Let the setting name the directory that the file stands in."""
    content = path.read_bytes()
    directory(path)
    (path / "password").write_bytes(content)
    (path / "password").chmod(0o600)


def text(content: str) -> Spoil:
    """Write something else into the file."""
    return lambda path: path.write_text(content)


def protect(path: Path) -> None:
    """Protect the key by a passphrase."""
    command = ["openssl", "pkey", "-aes256", "-passout", "pass:open", "-in", path, "-out", path.with_suffix(".new")]
    subprocess.run(command, check=True, timeout=RUN_TIMEOUT, capture_output=True)
    path.with_suffix(".new").replace(path)


FAULTS = {
    **{f"{file} is not there": Fault(file, Path.unlink, f"{file} does not exist") for file in RIGHT},
    **{f"{file} is empty": Fault(file, text(""), f"{file} is empty") for file in RIGHT},
    **{f"{file} is a directory": Fault(file, directory, f"{file} is a directory") for file in RIGHT},
    **{f"{file} is nearly right": Fault(file, misspelt, f"{file} does not exist") for file in RIGHT},
    "secret is one line break": Fault("secret", text("\n"), "secret is empty"),
    "secret is not text": Fault("secret", lambda path: path.write_bytes(b"\xff\xfe"), "secret is not UTF-8 text"),
    "secret is too large": Fault("secret", text("x" * 65537), "secret is larger than 65536 bytes"),
    "secret is in a directory": Fault("secret", one_level_up, "secret is a directory"),
    "ca.crt is no certificate": Fault("ca.crt", text("no certificate"), "ca.crt holds no certificate as PEM text"),
    "client.crt is no certificate": Fault("client.crt", text("x"), "client.crt holds no certificate as PEM text"),
    "client.key is no key": Fault("client.key", text("x"), "client.key holds no private key as PEM text"),
    "client.key is another's": Fault("client.key", text(OTHER_KEY), "client.key is not the one of the certificate"),
    "client.key has a passphrase": Fault("client.key", protect, "client.key is protected by a passphrase", "open\n"),
}


@pytest.fixture
def folder(project: Sandbox) -> Path:
    """A project whose files are all right, readable by their owner only."""
    project.write("myfy.toml", FILE)
    for name, content in RIGHT.items():
        project.write(f"files/{name}", content).chmod(0o600)
    return project.path / "files"


def check() -> LoadReport:
    """What `config check` prints."""
    return inspect_settings(LoadRequest(), files=True)


def engine_refusal() -> str:
    """What the engine says of the same files; empty when it takes them."""
    settings = load_settings().profile("main")
    try:
        load_password("main", "db", settings)
        load_tls_context("main", "db", settings)
    except DatabaseConnectionError as error:
        return str(error)
    return ""


def paste(fix: str, typed: str, project: Sandbox) -> None:
    """Write the fix into the file where it is a setting; else run it, and type."""
    if assigned := re.fullmatch(r"(\w+) = .+", fix):
        path = project.path / "myfy.toml"
        path.write_text(re.sub(rf"^{assigned[1]} = .*$", fix, path.read_text(), flags=re.MULTILINE))
        return
    subprocess.run(["sh", "-c", fix], input=typed, text=True, check=True, timeout=RUN_TIMEOUT, start_new_session=True)


def test_files_that_are_right_are_passed(folder: Path, project: Sandbox) -> None:
    checked = project.run("config", "check", "--strict")

    assert (checked.returncode, engine_refusal()) == (0, ""), checked.stdout


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_check_and_engine_refuse_the_same_file_and_the_fix_mends_it(
    fault: Fault, folder: Path, project: Sandbox
) -> None:
    fault.spoil(folder / fault.file)

    (problem,) = check().problems
    refusal = engine_refusal()
    assert (problem.place, problem.key) == (f"myfy.toml:{LINES[fault.file]}:1", f"profiles.main.{KEYS[fault.file]}")
    assert fault.says in problem.message
    assert problem.message in refusal

    paste(problem.fix, fault.typed or RIGHT[fault.file], project)

    mended = check()
    assert (mended.problems, mended.warnings, engine_refusal()) == ((), (), "")


@pytest.mark.parametrize("spoil", [pipe, directory_of_directories])
@pytest.mark.parametrize("file", RIGHT)
def test_what_stands_in_the_way_stays_and_the_fix_leads_around_it(
    file: str, spoil: Spoil, folder: Path, project: Sandbox
) -> None:
    """`password_file = "/dev/null"` must not end in a fix that moves it away."""
    spoil(folder / file)
    (problem,) = check().problems
    assert problem.message in engine_refusal()

    paste(problem.fix, "", project)
    (next_problem,) = check().problems
    paste(next_problem.fix, RIGHT[file], project)

    assert (check().problems, engine_refusal(), (folder / file).exists()) == ((), "", True)


@pytest.mark.parametrize("file", ["secret", "client.key"])
def test_a_secret_that_everybody_may_read_is_a_warning_whose_fix_mends_it(
    file: str, folder: Path, project: Sandbox
) -> None:
    (folder / file).chmod(0o644)
    (warning,) = check().warnings
    assert (warning.place, warning.key) == (f"myfy.toml:{LINES[file]}:1", f"profiles.main.{KEYS[file]}")
    assert engine_refusal() == ""

    paste(warning.fix, "", project)

    assert check().warnings == ()


def test_a_file_of_a_secrets_directory_that_everybody_may_read_is_a_warning(project: Sandbox) -> None:
    project.write("myfy.toml", f'[data]\nsecrets_dir = "secrets"\n{FILE.replace("password_file", "x-file")}')
    path = project.write("secrets/PASSWORD", PASSWORD)
    path.chmod(0o644)

    assert str(check().warnings[0]) == f"secret file {path}: may be read by everybody\n  fix: chmod o-r {path}"


@pytest.mark.parametrize("mount", ["/run/secrets", "/etc/credentials"])
def test_modes_of_a_platforms_mount_are_its_own(mount: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kubernetes and Docker mount 0444 and 0644; systemd names its directory in a variable."""
    from myfy_data.layers.variables import secrets_dir  # noqa: PLC0415 - as private as it is

    monkeypatch.setattr(secrets_dir, "MOUNTS", (f"{tmp_path}/run/secrets/",))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", f"{tmp_path}/etc/credentials")
    path = tmp_path / mount.removeprefix("/") / "db"
    path.parent.mkdir(parents=True)
    path.write_text(PASSWORD)
    path.chmod(0o644)

    assert not secrets_dir.is_public(path)


def test_a_secret_in_a_directory_that_only_its_owner_may_enter_is_nobody_elses(folder: Path) -> None:
    (folder / "secret").chmod(0o644)
    folder.chmod(0o700)

    assert check().warnings == ()


def test_files_of_an_inactive_profile_are_nobodys_matter(folder: Path, project: Sandbox) -> None:
    project.write("config/local.toml", "[data]\nactive = false\n")
    (folder / "secret").unlink()

    assert check().problems == ()


def test_a_load_leaves_the_files_alone(folder: Path) -> None:
    """The settings of production load on a machine that has none of its secrets_dir."""
    (folder / "secret").unlink()

    assert load_settings().profile("main").password_file == folder / "secret"


def test_all_files_are_told_at_once(folder: Path, project: Sandbox) -> None:
    (folder / "secret").unlink()
    (folder / "ca.crt").unlink()

    assert [problem.place for problem in check().problems] == ["myfy.toml:3:1", "myfy.toml:5:1"]


def test_the_password_is_never_printed(folder: Path, project: Sandbox) -> None:
    for file in RIGHT:
        (folder / file).write_text(f"{PASSWORD}\n\0{PASSWORD}")

    assert PASSWORD not in project.run("config", "check", "--json").stdout


def test_an_address_that_cannot_be_used_is_told_and_its_files_are_left_alone(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndriver = "sqlite"\ndatabase = "file:app.db"\n')

    assert [problem.key for problem in check().problems] == ["profiles.main.driver"]
