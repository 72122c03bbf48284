"""One `tls` setting, five modes, and no mode that looks safer than it is."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from myfy_data.engines.connect.tls import load_tls_context
from myfy_data.engines.mysql.backend import MySQL
from myfy_data.engines.postgresql.backend import PostgreSQL
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.validation.rules import profile_faults

POSTGRESQL = "postgresql://app@db.internal/main"
MYSQL = "mysql://app@db.internal/main"
AUTHORITY = Path("ca.crt")


def given_to_asyncpg(**settings: Any) -> Any:
    return PostgreSQL("main", DatabaseSettings(database_url=POSTGRESQL, **settings), {}).arguments["ssl"]


def given_to_aiomysql(**settings: Any) -> Any:
    return MySQL("main", DatabaseSettings(database_url=MYSQL, **settings), {}).arguments["ssl"]


def test_disable_is_said_aloud_to_asyncpg() -> None:
    """Without an argument it would prefer TLS, and fall back."""
    assert given_to_asyncpg(tls="disable") is False


def test_prefer_is_asyncpgs_own() -> None:
    assert given_to_asyncpg(tls="prefer") == "prefer"


def test_postgresql_prefers_tls_by_default() -> None:
    assert given_to_asyncpg() == "prefer"


def test_mysql_goes_without_tls_by_default() -> None:
    assert given_to_aiomysql() is None


@pytest.mark.parametrize("given", [given_to_asyncpg, given_to_aiomysql])
@pytest.mark.parametrize(
    ("mode", "verifies", "names"),
    [
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ],
)
def test_a_mode_verifies_what_its_name_says(given: Any, mode: str, verifies: ssl.VerifyMode, names: bool) -> None:
    context = given(tls=mode)

    assert (context.verify_mode, context.check_hostname) == (verifies, names)


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_old_versions_of_tls_are_not_spoken(mode: str) -> None:
    context = load_tls_context("main", "db", DatabaseSettings(database_url=POSTGRESQL, tls=mode))

    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("url", "settings", "key"),
    [
        (MYSQL, {"tls": "prefer"}, "tls"),
        (POSTGRESQL, {"tls": "require", "tls_ca": AUTHORITY}, "tls_ca"),
        (POSTGRESQL, {"tls_ca": AUTHORITY}, "tls_ca"),
        (MYSQL, {"tls_ca": AUTHORITY}, "tls_ca"),
        (POSTGRESQL, {"tls": "disable", "tls_cert": AUTHORITY}, "tls_cert"),
        (POSTGRESQL, {"tls": "verify-full", "tls_key": AUTHORITY}, "tls_key"),
    ],
)
def test_a_file_or_mode_that_would_not_do_what_it_says_is_refused(url: str, settings: Any, key: str) -> None:
    profile = DatabaseSettings(database_url=url, **settings)

    assert [fault.path for fault in profile_faults(profile, profile.url)] == [(key,)]


@pytest.mark.parametrize("settings", [{}, {"tls": "verify-full", "tls_ca": AUTHORITY, "tls_cert": AUTHORITY}])
def test_settings_that_fit_are_not_complained_about(settings: Any) -> None:
    profile = DatabaseSettings(database_url=POSTGRESQL, **settings)

    assert list(profile_faults(profile, profile.url)) == []


def test_an_authority_that_cannot_be_read_is_told_with_its_path(tmp_path: Path) -> None:
    settings = DatabaseSettings(database_url=POSTGRESQL, tls="verify-full", tls_ca=tmp_path / "absent.crt")

    with pytest.raises(DatabaseConnectionError, match=f"the file {tmp_path}/absent.crt does not exist"):
        load_tls_context("main", "db", settings)


def test_a_file_that_is_no_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no certificate")
    settings = DatabaseSettings(database_url=POSTGRESQL, tls="verify-full", tls_ca=tmp_path / "ca.crt")

    with pytest.raises(DatabaseConnectionError, match="holds no certificate"):
        load_tls_context("main", "db", settings)
