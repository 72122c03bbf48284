"""What the engines use of SQLAlchemy beyond what it promises (contract C16.1; ADR 25); `load_driver` verifies it."""

from __future__ import annotations

from myfy_data.engines.connect.driver_contract import names_of
from myfy_data.package_contract import Kind, PackageContract, PrivateName

_POOL = "sqlalchemy.pool.impl:QueuePool"
_ENTRY = "sqlalchemy.pool.base:_ConnectionRecord"
_ADAPTER = "sqlalchemy.dialects.postgresql.asyncpg:AsyncAdapt_asyncpg_connection"
_CONNECTION = "sqlalchemy.engine.base:Connection"
_ENGINE = "sqlalchemy.engine.base:Engine"
_ROOT = "sqlalchemy.engine.base:RootTransaction"
_DEFAULT = "sqlalchemy.engine.default:DefaultDialect"
_ANY_DOOR = "keeps every door inside the session's transaction"
_LEVEL = "keeps the isolation level that a connection has"
_READS = "knows which statements only read"
_REPLACES = "replaces a dead connection unseen"

_SESSION = "sqlalchemy.ext.asyncio.session:AsyncSession"
_BINDS: tuple[tuple[str, Kind], ...] = (("_async_bind", "instance attribute"), ("_translate_binds", "attribute"))
"""SQLAlchemy 2.1's."""

_HEARD = "lets listeners on one engine hear several servers"

_DIALECT: tuple[tuple[str, Kind, str, tuple[str, ...]], ...] = (
    ("do_begin", "method", "begins transactions", (f"{_CONNECTION}._begin_impl",)),
    ("do_commit", "method", "commits nothing that the database has ended", (f"{_CONNECTION}._commit_impl",)),
    (
        "do_rollback",
        "method",
        "ends what is open, and forgives a refusal",
        (f"{_CONNECTION}._rollback_impl", "sqlalchemy.pool.base:_ConnectionFairy._reset"),
    ),
    ("do_execute", "method", "begins with the first statement", (f"{_CONNECTION}._exec_single_context",)),
    ("do_executemany", "method", "tells of statements", (f"{_CONNECTION}._exec_single_context",)),
    ("do_execute_no_params", "method", "tells of statements", (f"{_CONNECTION}._exec_single_context",)),
    ("do_prepare_twophase", "method", "ends by design", (f"{_CONNECTION}._prepare_twophase_impl",)),
    ("do_commit_twophase", "method", "ends by design", (f"{_CONNECTION}._commit_twophase_impl",)),
    ("do_rollback_twophase", "method", "ends by design", (f"{_CONNECTION}._rollback_twophase_impl",)),
    ("initialize", "method", "bounds an engine's first questions", ("sqlalchemy.engine.create:create_engine",)),
    ("statement_compiler", "attribute", _READS, ("sqlalchemy.sql.elements:ClauseElement._compiler",)),
    (
        "reset_isolation_level",
        "method",
        _LEVEL,
        ("sqlalchemy.engine.characteristics:IsolationLevelCharacteristic.reset_characteristic",),
    ),
    ("set_isolation_level", "method", _LEVEL, (f"{_DEFAULT}._assert_and_set_isolation_level",)),
    ("get_isolation_level", "method", _LEVEL, (f"{_CONNECTION}.get_isolation_level",)),
    ("detect_autocommit_setting", "method", _LEVEL, (f"{_DEFAULT}.do_rollback",)),
    ("dbapi", "instance attribute", _ANY_DOOR, ()),
    ("loaded_dbapi", "attribute", _ANY_DOOR, (f"{_DEFAULT}.connect",)),
    (
        "connection_characteristics",
        "attribute",
        "makes a session read-only",
        (f"{_DEFAULT}.set_connection_execution_options", f"{_DEFAULT}._reset_characteristics"),
    ),
    ("set_engine_execution_options", "method", "makes a session read-only", (f"{_ENGINE}.update_execution_options",)),
)
"""Methods and attributes of each dialect that a backend replaces: public, but their callers are not documented."""

SQLALCHEMY = PackageContract(
    "sqlalchemy",
    "sqlalchemy",
    names=(
        PrivateName(
            _POOL,
            "_do_get",
            "method",
            "hands out connections first come, first served",
            is_protection=True,
            callers=(f"{_ENTRY}.checkout",),
        ),
        PrivateName(
            _POOL,
            "_do_return_conn",
            "method",
            "hands a connection to the longest waiter",
            is_protection=True,
            callers=("sqlalchemy.pool.base:Pool._return_conn",),
        ),
        *names_of(
            _POOL,
            "method",
            (
                ("_create_connection", "opens a connection in a free place"),
                ("_inc_overflow", "counts the places"),
                ("_dec_overflow", "counts the places"),
            ),
        ),
        *names_of(
            _POOL,
            "instance attribute",
            (
                ("_pool", "the idle connections"),
                ("_overflow", "counts the places"),
                ("_max_overflow", "counts the places"),
                ("_timeout", "the bound of a wait"),
                ("_recycle", "the age of a connection"),
                ("_invalidate_time", "replaces every connection at its next use"),
            ),
        ),
        PrivateName(
            "sqlalchemy.pool.impl:AsyncAdaptedQueuePool",
            "_queue_class",
            "attribute",
            "keeps the idle connections",
            callers=(f"{_POOL}.__init__",),
        ),
        *(
            PrivateName(_SESSION, name, kind, "knows the engine of a session", is_optional=True)
            for name, kind in _BINDS
        ),
        PrivateName(_ENTRY, "_invoke_creator", "word", _REPLACES),
        *(
            PrivateName(_DEFAULT, name, kind, purpose, is_protection=True, callers=callers)
            for name, kind, purpose, callers in _DIALECT
        ),
        PrivateName("sqlalchemy.event.base:_Dispatch", "_join", "method", _HEARD),
        PrivateName(_ENGINE, "_has_events", "attribute", _HEARD, callers=(f"{_CONNECTION}._begin_impl",)),
        PrivateName(
            _CONNECTION,
            "_has_events",
            "instance attribute",
            _HEARD,
            is_protection=True,
            callers=(f"{_CONNECTION}._begin_impl",),
        ),
        PrivateName(
            "sqlalchemy.engine.interfaces:Dialect",
            "_has_events",
            "attribute",
            _HEARD,
            callers=(f"{_CONNECTION}._exec_single_context",),
        ),
        PrivateName(
            "sqlalchemy.pool.base:_ConnectionFairy",
            "_connection_record",
            "instance attribute",
            "knows whose turn it was",
            is_protection=True,
        ),
        PrivateName(
            _ENTRY,
            "finalize_callback",
            "instance attribute",
            "makes a session read-only",
            is_protection=True,
            callers=(f"{_ENTRY}.checkin",),
        ),
        PrivateName(
            _ENGINE,
            "_option_cls",
            "attribute",
            "makes a session read-only",
            is_protection=True,
            callers=(f"{_ENGINE}.execution_options",),
        ),
    ),
)

_CLASSES: tuple[tuple[str, str, Kind, str], ...] = (
    (_ENGINE, "_connection_cls", "attribute", f"{_ENGINE}.connect"),
    (_CONNECTION, "_begin_impl", "method", f"{_ROOT}._connection_begin_impl"),
)
"""Where an engine says what its connections are, and what they begin by."""

_OWN_CONNECTIONS = tuple(
    PrivateName(owner, name, kind, "has connections of a class of ours", is_protection=True, callers=(caller,))
    for owner, name, kind, caller in _CLASSES
)

_TURNS: tuple[tuple[str, str, Kind, str], ...] = (
    (_ENGINE, "raw_connection", "method", f"{_CONNECTION}._revalidate_connection"),
    (_CONNECTION, "_execute_context", "method", f"{_CONNECTION}.exec_driver_sql"),
    (_CONNECTION, "_autobegin", "method", f"{_CONNECTION}._execute_context"),
    (_CONNECTION, "_revalidate_connection", "method", f"{_CONNECTION}._execute_context"),
    (_CONNECTION, "_dbapi_connection", "instance attribute", f"{_CONNECTION}._revalidate_connection"),
    (_CONNECTION, "_transaction", "instance attribute", f"{_CONNECTION}._execute_context"),
)
"""What a connection is made and begun by, with its caller."""

SQLALCHEMY_AIOSQLITE = PackageContract(
    "sqlalchemy",
    "sqlalchemy",
    names=(
        *_OWN_CONNECTIONS,
        *(
            PrivateName(owner, name, kind, "waits for the turn to write", is_protection=True, callers=(caller,))
            for owner, name, kind, caller in _TURNS
        ),
        PrivateName(
            "sqlalchemy.connectors.asyncio:AsyncAdapt_dbapi_cursor", "_rows", "instance attribute", "counts rows"
        ),
    ),
)

_LISTENERS: tuple[tuple[str, str, Kind, str], ...] = (
    (
        _CONNECTION,
        "_begin_twophase_impl",
        "method",
        "sqlalchemy.engine.base:TwoPhaseTransaction._connection_begin_impl",
    ),
    (_CONNECTION, "_revalidate_connection", "method", f"{_CONNECTION}._execute_context"),
    (_ENTRY, "fairy_ref", "instance attribute", f"{_ENTRY}.checkout"),
)
"""What makes a connection and begins its transaction, around listeners."""

SQLALCHEMY_ASYNCPG = PackageContract(
    "sqlalchemy",
    "sqlalchemy",
    names=(
        *_OWN_CONNECTIONS,
        *(
            PrivateName(owner, name, kind, _ANY_DOOR, is_protection=True, callers=(caller,))
            for owner, name, kind, caller in _LISTENERS
        ),
        PrivateName(_ADAPTER, "_handle_exception", "method", "translates asyncpg's errors"),
        PrivateName(_ADAPTER, "_start_transaction", "coroutine", "begins a transaction"),
        PrivateName(_ADAPTER, "_check_type_cache_invalidation", "coroutine", _REPLACES),
        *names_of(
            _ADAPTER,
            "instance attribute",
            (
                ("_isolation_setting", _REPLACES),
                ("_execute_mutex", _REPLACES),
                ("_prepared_statement_cache", _REPLACES),
                ("_invalidate_schema_cache_asof", _REPLACES),
            ),
        ),
        PrivateName(
            "sqlalchemy.engine.default:DefaultDialect",
            "_on_connect_isolation_level",
            "instance attribute",
            "resets the isolation level",
        ),
        *names_of(
            "sqlalchemy.sql.selectable:Select",
            "attribute",
            tuple((name, _READS) for name in ("_prefixes", "_suffixes", "_hints", "_statement_hints")),
        ),
        PrivateName("sqlalchemy.ext.compiler:compiles", "_compiler_dispatcher", "word", _READS),
        PrivateName(_ADAPTER, "_transaction", "instance attribute", "knows whether a transaction is open"),
        PrivateName(
            _ADAPTER, "_started", "instance attribute", "knows whether a transaction is open", is_optional=True
        ),
    ),
)

SQLALCHEMY_DIALECTS = {"sqlite": SQLALCHEMY_AIOSQLITE, "postgresql": SQLALCHEMY_ASYNCPG}
"""What is used with one backend alone."""
