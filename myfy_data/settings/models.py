"""The settings of one profile: every key, its type, unit, default and meaning (contract C2).

These models are the single source of the settings reference, of the JSON Schema and of what variables may be
called. They read nothing: values come from the loader, or from a caller as plain arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from myfy_data.errors import InvalidDatabaseURLError
from myfy_data.settings.cluster_models import READERS, ClusterSettings, ReadsSettings
from myfy_data.settings.seeds import SeedSettings
from myfy_data.settings.slow import SlowSettings
from myfy_data.settings.table import Table
from myfy_data.settings.types import DatabaseURLText, FilePath, FreeTable, HostText, HostTexts, ProviderText, SecretText
from myfy_data.settings.urls import ConnectionURL, URLError, build_url, invalid_url

PASSWORD_KEYS = ("password", "password_file", "credentials")
"""Keys of which one gives the password; a layer says one of them (contract C3.8, C12.4)."""

IDENTITY_KEYS = frozenset(
    {
        *("database_url", "driver", "host", "port", "hosts", "username", *PASSWORD_KEYS, "credentials_options"),
        *("database", "query"),
    }
)
"""Keys that say which database a profile is; a URL of a higher layer replaces them all (contract C3.5)."""

PART_KEYS = frozenset({"driver", "host", "port", "hosts", "username", "password", "database", "query"})
FREE_TABLES = frozenset({"query", "credentials_options", "execution_options", "connect_args", "engine_options"})
"""Tables whose keys are not ours; from the environment they come as JSON (contract C3.6)."""

PATH_KEYS = frozenset({"password_file", "tls_ca", "tls_cert", "tls_key"})
SECRET_KEYS = frozenset({"password"})

TLSMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]


class SQLiteSettings(Table):
    """What every SQLite connection of the profile is told when it opens; other databases ignore it."""

    journal_mode: Literal["wal", "delete", "truncate", "persist", "memory", "off"] = Field(
        default="wal", description="How SQLite keeps its journal; `wal` lets readers and one writer work side by side."
    )
    busy_timeout: float = Field(default=5.0, ge=0, description="Seconds to wait for another process's lock.")
    foreign_keys: bool = Field(default=True, description="Enforce foreign keys; read back after it was set.")
    synchronous: Literal["off", "normal", "full", "extra"] = Field(
        default="normal", description="When SQLite waits for the disk; `normal` is safe with `wal`."
    )


class MigrationSettings(Table):
    """Where the profile's migrations stand and whether they are ours to run (contract C8)."""

    directory: FilePath | None = Field(
        default=None,
        description="Directory of the migrations, relative to the project root; `migrations/<profile>` when not set.",
    )
    metadata: str | None = Field(
        default=None, description="Dotted path of the metadata, such as `app.models:Base.metadata`."
    )
    version_table: str = Field(default="alembic_version", min_length=1, description="Table that holds the revision.")
    enabled: bool = Field(default=True, description="False for a database whose schema belongs to somebody else.")
    lock_timeout: float = Field(
        default=300.0, ge=0, description="Seconds to wait while another process migrates the same database."
    )
    command_timeout: float = Field(
        default=3600.0,
        gt=0,
        description="Seconds the client waits for each statement of a migration; `statement_timeout` does not apply.",
    )

    def directory_of(self, profile: str) -> Path:
        """Where the migrations of a profile stand; relative to the project root unless it was said otherwise."""
        return self.directory or Path("migrations", profile)


class ProfileSettings(Table):
    """The fields of one profile: which database it is, and how its engine, pool and sessions behave."""

    # Identity
    database_url: DatabaseURLText | None = Field(
        default=None,
        description="Connection URL. In a higher layer it replaces the whole identity of the lower ones.",
        examples=["postgresql+asyncpg://app@db.internal/main"],
    )
    driver: str | None = Field(
        default=None, description="SQLAlchemy's driver name, when no URL is given; or its short form."
    )
    host: HostText | None = Field(default=None, description="Server's host name or address.")
    port: int | None = Field(default=None, ge=1, le=65535, description="Server's port.")
    hosts: HostTexts | None = Field(
        default=None,
        description="The servers of one database, in place of `host`; `port` is the port of those that give none.",
        examples=[["db1.internal", "db2.internal:5433"]],
    )
    username: str | None = Field(default=None, description="User to connect as.")
    password: SecretText | None = Field(
        default=None, description="Password; better a `${VARIABLE}` or `password_file`."
    )
    password_file: FilePath | None = Field(
        default=None, description="File that holds the password; read again for each new connection."
    )
    credentials: ProviderText | None = Field(
        default=None,
        description="What gives the credentials of a new connection: a function as `package.module:function`, or the "
        "name of a provider such as `command` or `file`.",
    )
    credentials_options: FreeTable | None = Field(
        default=None, description="Options for what `credentials` names; what they mean is its own matter."
    )
    database: str | None = Field(default=None, description="Database's name; for SQLite the file's path.")
    query: FreeTable | None = Field(default=None, description="Options of the URL's query, as the driver names them.")

    # Pool
    pool_size: int = Field(default=5, ge=1, description="Connections kept in the pool.")
    max_overflow: int = Field(default=10, ge=-1, description="Extra connections beyond `pool_size`; -1 sets no limit.")
    pool_timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for a connection from the pool.")
    pool_recycle: int = Field(default=3600, ge=-1, description="Seconds before a connection is replaced; -1 for never.")
    pool_pre_ping: bool = Field(default=True, description="Test connections before use.")
    pool_pre_ping_idle: float = Field(
        default=0.5, ge=0, description="Seconds of idleness below which a connection counts as alive without a ping."
    )
    pool_reset_on_return: Literal["rollback", "commit", "none", "discard"] = Field(
        default="rollback",
        description="What happens to a connection that comes back to the pool; `discard` also forgets settings, "
        "temporary tables, prepared statements and locks.",
    )
    pool_leak_detection_threshold: float | None = Field(
        default=None,
        gt=0,
        description="Seconds after which a connection still in use is reported with the place of its checkout.",
    )
    echo_pool: bool = Field(default=False, description="Log what the pool does.")

    # Engine
    echo: bool = Field(default=False, description="Log all SQL.")
    hide_parameters: bool = Field(default=True, description="Keep statement parameters out of logs and errors.")
    isolation_level: (
        Literal["AUTOCOMMIT", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] | None
    ) = Field(default=None, description="Isolation level of every transaction; the server's own when not set.")
    deferred_begin: bool = Field(
        default=True,
        description="PostgreSQL at READ COMMITTED: BEGIN waits for the first statement that is no plain SELECT.",
    )
    execution_options: FreeTable = Field(default_factory=dict, description="SQLAlchemy execution options.")
    connect_args: FreeTable = Field(default_factory=dict, description="Arguments for the driver's `connect`.")
    engine_options: FreeTable = Field(
        default_factory=dict, description="Every other argument of SQLAlchemy's `create_async_engine`."
    )

    # Role and lifecycle
    read_only: bool = Field(default=False, description="The server refuses writes in every session of this profile.")
    active: bool = Field(default=True, description="False: known, but never opened.")
    required: bool | None = Field(
        default=None,
        description="Whether its failure stops start-up; by default only the module's default profile's does.",
    )
    warm_up: bool = Field(default=False, description="Open `pool_size` connections at start.")

    # TLS
    tls: TLSMode | None = Field(
        default=None,
        description="How the connection is encrypted; `prefer` on PostgreSQL and `disable` on MySQL by default.",
    )
    tls_ca: FilePath | None = Field(
        default=None, description="File of the authorities that may sign the server's certificate."
    )
    tls_cert: FilePath | None = Field(default=None, description="File of our own certificate.")
    tls_key: FilePath | None = Field(default=None, description="File of our own certificate's key.")

    # Deadlines, in seconds
    connect_timeout: float = Field(default=10.0, gt=0, description="Seconds for a new connection, handshake included.")
    command_timeout: float = Field(
        default=60.0, gt=0, description="Seconds the client waits for each statement, COMMIT, ROLLBACK and ping."
    )
    statement_timeout: float | None = Field(
        default=None, gt=0, description="Seconds after which the server itself stops a statement."
    )
    close_timeout: float = Field(default=5.0, gt=0, description="Seconds for closing connections.")

    # What stands between us and the server
    pooler: Literal["none", "pgbouncer"] = Field(default="none", description="A pooler in transaction mode on the way.")
    application_name: str | None = Field(
        default=None,
        description="Name under which the server lists our connections; `myfy/<profile>` when not set, with the "
        "variable OTEL_SERVICE_NAME in place of `myfy`.",
    )

    # Tables
    # One shared default each: they are frozen, and making two models per profile cost as much as validating it.
    sqlite: SQLiteSettings = Field(default=SQLiteSettings(), description="SQLite's own settings.")
    migrations: MigrationSettings = Field(default=MigrationSettings(), description="Migrations of this profile.")
    slow: SlowSettings = Field(default=SlowSettings(), description="What counts as slow, and is logged.")
    seeds: SeedSettings = Field(default=SeedSettings(), description="Rows that `db seed` stores in this profile.")
    cluster: ClusterSettings = Field(default=ClusterSettings(), description="How several servers are watched.")
    reads: ReadsSettings = Field(default=ReadsSettings(), description="Where sessions go that only read.")

    environment: str | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Accepted from callers of the upstream package; no key of the file.",
    )

    def model_post_init(self, _context: object) -> None:
        """Servers have their ports here, wherever they were written (contract C11.1); runs once for each instance."""
        url = self.database_url  # taken apart when it was validated; nothing is called where there is one host
        address = url.parsed if url is not None else None
        listed = address is not None and (address.several or "host" in address.query)
        if self.hosts is not None or listed or (self.query is not None and "host" in self.query):
            for key, value in self._completed().items():
                object.__setattr__(self, key, value)  # it is frozen for everyone else
            self.__dict__.pop("url", None)  # pyright: ignore[reportAttributeAccessIssue]  # joined without these; pydantic's `__slots__` hide that it is a dict

    def _completed(self) -> dict[str, object]:
        """Fields that follow from the address; a `target_session_attrs` for readers says less than our own words."""
        try:
            url = self.url
        except InvalidDatabaseURLError:
            return {}  # told where the address is judged
        found: dict[str, Any] = {}
        if url.backend == "sqlite":
            return found
        if self.hosts is not None or len(url.hosts) > 1:
            found["hosts"] = url.addresses
        if url.session_attrs in READERS:
            if "read_only" not in self.model_fields_set:
                found["read_only"] = True
            if "from" not in self.reads.model_fields_set:
                found["reads"] = self.reads.model_copy(update={"from": READERS[url.session_attrs]})
        return found

    @cached_property
    def url(self) -> ConnectionURL:
        """The one address that the URL and the parts make together; `str()` of it masks the password.

        The password of `password_file` is not in it: that is read at each new connection.

        Raises:
            InvalidDatabaseURLError: there is no address, or the parts do not make a usable one.
        """
        try:
            return build_url(self.database_url, {key: getattr(self, key) for key in PART_KEYS & self.model_fields_set})
        except URLError as error:
            key = "database_url" if self.driver is None else "driver"
            raise invalid_url(error, "argument", (key,)) from None

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed, and its address with them; values are not validated."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("url", None)  # pyright: ignore[reportAttributeAccessIssue]  # pydantic's `__slots__` hide that it is a dict
        return copied

    @property
    def has_address(self) -> bool:
        """Whether a URL or a driver says which database this is."""
        return self.database_url is not None or self.driver is not None

    @property
    def discards_state(self) -> bool:
        """Whether connections forget everything when they come back to the pool."""
        return self.pool_reset_on_return == "discard"

    @property
    def tls_mode(self) -> str:
        """The TLS mode in force: `tls`, else the URL's `?sslmode=`, else the database's default (contract C2)."""
        url = self.url
        return self.tls or url.tls or ("prefer" if url.backend == "postgresql" else "disable")


FILE_KEYS = frozenset(ProfileSettings.model_fields) - {"environment"}
"""Every key that a profile may have in a file, besides those of inheritance."""

STRUCTURE_KEYS = frozenset({"extends", "abstract", "unset"})
"""Keys of a profile's table that shape the merge and are no settings."""

TABLE_MODELS: dict[str, type[BaseModel]] = {
    "sqlite": SQLiteSettings,
    "migrations": MigrationSettings,
    "slow": SlowSettings,
    "seeds": SeedSettings,
    "cluster": ClusterSettings,
    "reads": ReadsSettings,
}
"""Keys of a profile that are tables with keys of ours."""
