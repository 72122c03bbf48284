"""Contract C3.6: names that mean no setting."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, warnings
from tests.sandbox import Sandbox

REPLICA = MAIN + '[data.profiles.read-replica]\ndatabase_url = "sqlite://"\n[data]\ndefault = "main"\n'


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("MYFY_DATA_POLL_SIZE", "rename it to MYFY_DATA_POOL_SIZE"),
        ("MYFY_DATA_PROFILES_MAIN__POOL_SIZE", "rename it to MYFY_DATA_PROFILES__MAIN__POOL_SIZE"),
        ("MYFY_DATA_MAIN_POOL_SIZE", "rename it to MYFY_DATA_PROFILES__MAIN__POOL_SIZE"),
        ("MYFY_DATA_MAIN__POOL_SIZE", "rename it to MYFY_DATA_PROFILES__MAIN__POOL_SIZE"),
        ("MYFY_DATA_PROFILES__MAIN__POLL_SIZE", "rename it to MYFY_DATA_PROFILES__MAIN__POOL_SIZE"),
        (
            "MYFY_DATA_PROFILES__MAIN__SQLITE__JOURNALMODE",
            "rename it to MYFY_DATA_PROFILES__MAIN__SQLITE__JOURNAL_MODE",
        ),
        ("MYFY_DATA_SQLITE_JOURNAL_MODE", "rename it to MYFY_DATA_SQLITE__JOURNAL_MODE"),
        ("MYFY_DATA_READ_REPLCA_DATABASE_URL", "rename it to MYFY_DATA_READ_REPLICA_DATABASE_URL"),
        ("MYFY_DATA_SSL_CA", "rename it to MYFY_DATA_TLS_CA"),
        ("MYFY_DATA_SSLROOTCERT", "rename it to MYFY_DATA_TLS_CA"),
        ("MYFY_DATA_SSLCERT", "rename it to MYFY_DATA_TLS_CERT"),
        ("MYFY_DATA_SSL_KEY", "rename it to MYFY_DATA_TLS_KEY"),
        ("MYFY_DATA_URL", "rename it to MYFY_DATA_DATABASE_URL"),
        ("MYFY_DATA_ENVIROMENT", "rename it to MYFY_DATA_ENVIRONMENT"),
        ("MYFY_DATA_CONFIGS", "rename it to MYFY_DATA_CONFIG"),
        ("MYFY_DATA_POOL__SIZE", "rename it to MYFY_DATA_POOL_SIZE"),
        ("MYFY_DATA___POOL_SIZE", "rename it to MYFY_DATA_POOL_SIZE"),
        ("MYFY_DATA_PROFILES__MAIN", "rename it to MYFY_DATA_PROFILES__MAIN__POOL_SIZE or the like"),
        ("MYFY_DATA_PROFILES", "rename it to MYFY_DATA_PROFILES__MAIN__POOL_SIZE or the like"),
        ("MYFY_DATA_POOL_SIZE__X", "rename it to MYFY_DATA_POOL_SIZE"),
        ("MYFY_DATA_XYZZY", "unset MYFY_DATA_XYZZY"),
        ("MYFY_DATA_", "unset MYFY_DATA_"),
        ("MYFY_DATA_UNSET", "unset MYFY_DATA_UNSET"),
        ("MYFY_DATA_EXTENDS", "unset MYFY_DATA_EXTENDS"),
    ],
)
def test_other_names_of_ours_are_errors_with_the_fix(project: Sandbox, name: str, fix: str) -> None:
    project.write("myfy.toml", REPLICA)

    told = only_problem(environ={name: "1"})

    assert told.startswith(f"env {name}: ")
    assert told.endswith(f"\n  fix: {fix}")


@pytest.mark.parametrize("name", ["MYFY_OTHER", "MYFY_DATABASE", "PGPASSWORD", "X_MYFY_DATA_POOL_SIZE"])
def test_other_names_of_others_are_left_alone(project: Sandbox, name: str) -> None:
    project.write(".env", f"{name}=1\n")

    assert warnings(environ={name: "1"}) == []
