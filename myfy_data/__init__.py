"""myfy-data: database profiles, pools and sessions from layered configuration files.

Every name here resolves when it is first used, so `import myfy_data` costs nothing: neither SQLAlchemy nor
pydantic nor PyYAML is imported before something needs it (contract C3.13).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

    from myfy_data.credentials.types import CredentialRequest, Credentials, ProviderError
    from myfy_data.engines.cluster.errors import ClusterError, ReplicaUnavailable
    from myfy_data.engines.cluster.status import ClusterStatus, HostStatus
    from myfy_data.engines.pool.errors import PoolExhausted
    from myfy_data.engines.pool.status import PoolStatus
    from myfy_data.errors import (
        AutoCreateTablesProductionError,
        CommitOutcomeUnknown,
        ConcurrentSessionError,
        ConfigError,
        ConnectTimeoutError,
        DatabaseConnectionError,
        DatabaseTimeoutError,
        DataModuleError,
        DataModuleNotConfiguredError,
        InvalidDatabaseURLError,
        MigrationError,
        MigrationLockError,
        MissingDriverError,
        MissingPackageError,
        PartialCommitError,
        Problem,
        ReadOnlySessionError,
        RevisionMismatchError,
        SessionError,
        TransactionEndedError,
        UnknownProfileError,
        UnsupportedPackageError,
        WrongEventLoopError,
    )
    from myfy_data.health.readiness import ProfileReadiness, ReadyReport
    from myfy_data.health.report import HealthReport, ProfileHealth
    from myfy_data.migrations.manager import MigrationManager
    from myfy_data.module.base import Base, IDataProvider
    from myfy_data.module.module import DataModule
    from myfy_data.origins import Origin
    from myfy_data.reload.report import ReloadReport
    from myfy_data.retry.retrying import retrying
    from myfy_data.sessions.factory import SessionFactory
    from myfy_data.settings.data_settings import DataSettings
    from myfy_data.settings.database_settings import DatabaseSettings
    from myfy_data.settings.loader import load_settings

__version__ = "0.2.0"

_MODULES = {
    "AsyncEngine": "sqlalchemy.ext.asyncio",
    "AsyncSession": "sqlalchemy.ext.asyncio",
    "AutoCreateTablesProductionError": "myfy_data.errors",
    "Base": "myfy_data.module.base",
    "ClusterError": "myfy_data.engines.cluster.errors",
    "ClusterStatus": "myfy_data.engines.cluster.status",
    "CommitOutcomeUnknown": "myfy_data.errors",
    "ConcurrentSessionError": "myfy_data.errors",
    "ConfigError": "myfy_data.errors",
    "ConnectTimeoutError": "myfy_data.errors",
    "CredentialRequest": "myfy_data.credentials.types",
    "Credentials": "myfy_data.credentials.types",
    "DataModule": "myfy_data.module.module",
    "DataModuleError": "myfy_data.errors",
    "DataModuleNotConfiguredError": "myfy_data.errors",
    "DataSettings": "myfy_data.settings.data_settings",
    "DatabaseConnectionError": "myfy_data.errors",
    "DatabaseSettings": "myfy_data.settings.database_settings",
    "DatabaseTimeoutError": "myfy_data.errors",
    "HealthReport": "myfy_data.health.report",
    "HostStatus": "myfy_data.engines.cluster.status",
    "IDataProvider": "myfy_data.module.base",
    "InvalidDatabaseURLError": "myfy_data.errors",
    "MigrationError": "myfy_data.errors",
    "MigrationLockError": "myfy_data.errors",
    "MigrationManager": "myfy_data.migrations.manager",
    "MissingDriverError": "myfy_data.errors",
    "MissingPackageError": "myfy_data.errors",
    "Origin": "myfy_data.origins",
    "PartialCommitError": "myfy_data.errors",
    "PoolExhausted": "myfy_data.engines.pool.errors",
    "PoolStatus": "myfy_data.engines.pool.status",
    "Problem": "myfy_data.errors",
    "ProfileHealth": "myfy_data.health.report",
    "ProfileReadiness": "myfy_data.health.readiness",
    "ProviderError": "myfy_data.credentials.types",
    "ReadOnlySessionError": "myfy_data.errors",
    "ReadyReport": "myfy_data.health.readiness",
    "ReloadReport": "myfy_data.reload.report",
    "ReplicaUnavailable": "myfy_data.engines.cluster.errors",
    "RevisionMismatchError": "myfy_data.errors",
    "SessionError": "myfy_data.errors",
    "SessionFactory": "myfy_data.sessions.factory",
    "TransactionEndedError": "myfy_data.errors",
    "UnknownProfileError": "myfy_data.errors",
    "UnsupportedPackageError": "myfy_data.errors",
    "WrongEventLoopError": "myfy_data.errors",
    "load_settings": "myfy_data.settings.loader",
    "retrying": "myfy_data.retry.retrying",
}

__all__ = [
    "AsyncEngine",
    "AsyncSession",
    "AutoCreateTablesProductionError",
    "Base",
    "ClusterError",
    "ClusterStatus",
    "CommitOutcomeUnknown",
    "ConcurrentSessionError",
    "ConfigError",
    "ConnectTimeoutError",
    "CredentialRequest",
    "Credentials",
    "DataModule",
    "DataModuleError",
    "DataModuleNotConfiguredError",
    "DataSettings",
    "DatabaseConnectionError",
    "DatabaseSettings",
    "DatabaseTimeoutError",
    "HealthReport",
    "HostStatus",
    "IDataProvider",
    "InvalidDatabaseURLError",
    "MigrationError",
    "MigrationLockError",
    "MigrationManager",
    "MissingDriverError",
    "MissingPackageError",
    "Origin",
    "PartialCommitError",
    "PoolExhausted",
    "PoolStatus",
    "Problem",
    "ProfileHealth",
    "ProfileReadiness",
    "ProviderError",
    "ReadOnlySessionError",
    "ReadyReport",
    "ReloadReport",
    "ReplicaUnavailable",
    "RevisionMismatchError",
    "SessionError",
    "SessionFactory",
    "TransactionEndedError",
    "UnknownProfileError",
    "UnsupportedPackageError",
    "WrongEventLoopError",
    "__version__",
    "load_settings",
    "retrying",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module, once."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    """The public names, resolved or not."""
    return sorted({*globals(), *__all__})
