"""What is used of Alembic beyond what it promises (contract C16.1; ADR 25)."""

from __future__ import annotations

from myfy_data.package_contract import PackageContract, PrivateName

_CONTEXT = "alembic.runtime.migration:MigrationContext"

ALEMBIC = PackageContract(
    "alembic",
    "alembic",
    names=(
        PrivateName(_CONTEXT, "opts", "instance attribute", "knows the steps of a migration"),
        PrivateName(f"{_CONTEXT}.__init__", "fn", "word", "records each step of a migration"),
        PrivateName("alembic.config:Config", "cmd_opts", "attribute", "knows which command runs"),
        PrivateName("alembic.config:CommandLine", "cmd", "word", "knows which command runs"),
    ),
)
