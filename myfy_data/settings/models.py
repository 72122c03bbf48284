"""The settings of one profile: every key, its type, unit, default and meaning (contract C2).

These models are the single source of the settings reference, of the JSON Schema and of what variables may be
called. They read nothing: values arrive from the loader, or from a caller as plain arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from myfy_data.redaction import redact_value
from myfy_data.settings.types import DatabaseURLText, FilePath, FreeTable, HostText, SecretText
from myfy_data.settings.urls import ConnectionURL, URLError, build_url, invalid_url

IDENTITY_KEYS = frozenset(
    {"database_url", "driver", "host", "port", "username", "password", "password_file", "database", "query"}
)
"""Keys that say which database a profile is; a URL of a higher layer replaces them all (contract C3.5)."""

PART_KEYS = frozenset({"driver", "host", "port", "username", "password", "database", "query"})
FREE_TABLES = frozenset({"query", "execution_options", "connect_args", "engine_options"})
"""Tables whose keys are not ours; from the environment they come as JSON (contract C3.6)."""

PATH_KEYS = frozenset({"password_file", "tls_ca", "tls_cert", "tls_key"})
SECRET_KEYS = frozenset({"password"})

TLSMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]


class _Table(BaseModel):
    """A frozen table of the file whose `repr` shows no secret and whose errors show no input."""

    # No strict=True here: strictness is given per call, for files only, so that an application may fill
    # these models from text (contract C4).
    # allow_inf_nan=False: every wait has an end, so no deadline is infinite (contract C10).
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [(name, redact_value(name or "", value)) for name, value in super().__repr_args__()]


class SQLiteSettings(_Table):
    """What every SQLite connection of the profile is told when it opens; other databases ignore it."""

    journal_mode: Literal["wal", "delete", "truncate", "persist", "memory", "off"] = Field(
        default="wal", description="How SQLite keeps its journal; `wal` lets readers and one writer work side by side."
    )
    busy_timeout: float = Field(default=5.0, ge=0, description="Seconds to wait for another process's lock.")
    foreign_keys: bool = Field(default=True, description="Enforce foreign keys; read back after it was set.")
    synchronous: Literal["off", "normal", "full", "extra"] = Field(
        default="normal", description="When SQLite waits for the disk; `normal` is safe with `wal`."
    )


class MigrationSettings(_Table):
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


class DatabaseSettings(_Table):
    """One profile: which database it is, and how its engine, pool and sessions behave.

    The constructor reads no file and no environment. Handed to `DataModule(settings=...)`, the fields that were
    set count as arguments; the others are filled from the default profile (contract C4).

    Raises:
        InvalidDatabaseURLError: `database_url` cannot be used.
        ConfigError: no setting has a name that was given, or a value is none that it takes; all of them at once.
    """

    # Any: callers give text where the fields hold secrets and paths, and a type checker must not refuse that.
    def __init__(self, **values: Any) -> None:
        refusal: ValidationError
        try:
            super().__init__(**values)
        except ValidationError as error:
            refusal = error
        else:
            return
        from myfy_data.settings.problems import explain_arguments  # noqa: PLC0415 - words are needed on failure only

        raise explain_arguments(refusal, values)

    # Validation, of a file's profiles or inside another model, need not come this way: it has words of its own.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pydantic's own mark

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
    username: str | None = Field(default=None, description="User to connect as.")
    password: SecretText | None = Field(
        default=None, description="Password; better a `${VARIABLE}` or `password_file`."
    )
    password_file: FilePath | None = Field(
        default=None, description="File that holds the password; read again for each new connection."
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
    application_name: str | None = Field(default=None, description="Name under which the server lists our connections.")

    # Tables
    # One shared default each: they are frozen, and making two models per profile cost as much as validating it.
    sqlite: SQLiteSettings = Field(default=SQLiteSettings(), description="SQLite's own settings.")
    migrations: MigrationSettings = Field(default=MigrationSettings(), description="Migrations of this profile.")

    environment: str | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Accepted from callers of the upstream package; no key of the file.",
    )

    @property
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

    @property
    def has_address(self) -> bool:
        """Whether a URL or a driver says which database this is."""
        return self.database_url is not None or self.driver is not None

    @property
    def tls_mode(self) -> str:
        """The TLS mode in force: `tls`, else the URL's `?sslmode=`, else the database's default (contract C2)."""
        url = self.url
        return self.tls or url.tls or ("prefer" if url.backend == "postgresql" else "disable")


FILE_KEYS = frozenset(DatabaseSettings.model_fields) - {"environment"}
"""Every key that a profile may have in a file, besides those of inheritance."""

STRUCTURE_KEYS = frozenset({"extends", "abstract", "unset"})
"""Keys of a profile's table that shape the merge and are no settings."""

TABLE_MODELS: dict[str, type[BaseModel]] = {"sqlite": SQLiteSettings, "migrations": MigrationSettings}
"""Keys of a profile that are tables with keys of ours."""
