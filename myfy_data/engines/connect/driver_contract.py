"""The private names of the drivers that the engines use (contract C16.1; ADR 25).

One declaration for each package. `load_driver` verifies it; what only an object has is verified on each new connection
before it is handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from myfy_data.package_contract import BadVersions, Kind, PackageContract, PrivateName

AIOMYSQL_CONNECTION = "aiomysql.connection:Connection"
AIOMYSQL_RESULT = "aiomysql.connection:MySQLResult"
AIOSQLITE_CONNECTION = "aiosqlite.core:Connection"
ASYNCPG_CONNECTION = "asyncpg.connection:Connection"

PYMYSQL = ("1.1.1", "1.3")
"""aiomysql stands on it and names no bound: the first release that works, and the first that does not."""

_PYMYSQL = f"it needs PyMySQL {PYMYSQL[0]} or later, before {PYMYSQL[1]}"
_LOGIN = f"{AIOMYSQL_CONNECTION}._request_authentication"
_SWITCH = f"{AIOMYSQL_CONNECTION}._process_auth"
_RELOADS = "changes the deadline of statements at a reload"
_ENDED = "refuses what comes behind the end of a transaction"
_PACKETS = "reads the packets of an answer"
_CLEAR_TEXT = "refuses a password in clear text"
_CONNECTS = "asyncpg.connect_utils:__connect_addr"
_PROTOCOL = "asyncpg.protocol:Protocol"
_TRANSACTION = "asyncpg.transaction:Transaction"


def names_of(owner: str, kind: Kind, names: Iterable[tuple[str, str]]) -> Iterator[PrivateName]:
    """Names of one owner and kind, each with its purpose."""
    for name, purpose in names:
        yield PrivateName(owner, name, kind, purpose)


AIOMYSQL = PackageContract(
    "aiomysql",
    "aiomysql",
    names=(
        PrivateName(
            AIOMYSQL_CONNECTION,
            "_connect",
            "coroutine",
            "logs in, and never a second time",
            is_protection=True,
            callers=(f"{AIOMYSQL_CONNECTION}.ping",),
        ),
        PrivateName(
            AIOMYSQL_CONNECTION,
            "_request_authentication",
            "coroutine",
            _CLEAR_TEXT,
            is_protection=True,
            callers=(f"{AIOMYSQL_CONNECTION}._connect",),
        ),
        PrivateName(
            AIOMYSQL_CONNECTION, "_process_auth", "coroutine", _CLEAR_TEXT, is_protection=True, callers=(_LOGIN,)
        ),
        PrivateName(
            AIOMYSQL_CONNECTION,
            "_read_packet",
            "coroutine",
            "ends the wait for an answer",
            is_protection=True,
            callers=(_LOGIN, _SWITCH, f"{AIOMYSQL_CONNECTION}._read_ok_packet"),
        ),
        PrivateName(
            AIOMYSQL_CONNECTION,
            "_read_bytes",
            "coroutine",
            _PACKETS,
            is_protection=True,
            callers=(f"{AIOMYSQL_CONNECTION}._read_packet",),
        ),
        PrivateName(
            AIOMYSQL_CONNECTION,
            "_write_bytes",
            "method",
            _CLEAR_TEXT,
            is_protection=True,
            callers=(f"{AIOMYSQL_CONNECTION}.write_packet", f"{AIOMYSQL_CONNECTION}._execute_command"),
        ),
        PrivateName(
            AIOMYSQL_CONNECTION, "write_packet", "method", _CLEAR_TEXT, is_protection=True, callers=(_LOGIN, _SWITCH)
        ),
        PrivateName(
            AIOMYSQL_CONNECTION,
            "_execute_command",
            "coroutine",
            _ENDED,
            is_protection=True,
            callers=tuple(f"{AIOMYSQL_CONNECTION}.{name}" for name in ("query", "commit", "rollback", "ping", "begin")),
        ),
        PrivateName(
            AIOMYSQL_CONNECTION,
            "_read_ok_packet",
            "coroutine",
            _ENDED,
            is_protection=True,
            callers=tuple(f"{AIOMYSQL_CONNECTION}.{name}" for name in ("commit", "rollback", "ping", "begin")),
        ),
        PrivateName(
            AIOMYSQL_CONNECTION,
            "_read_query_result",
            "coroutine",
            _ENDED,
            is_protection=True,
            callers=(f"{AIOMYSQL_CONNECTION}.query", f"{AIOMYSQL_CONNECTION}.next_result"),
        ),
        PrivateName(
            AIOMYSQL_RESULT,
            "_read_ok_packet",
            "method",
            _ENDED,
            is_protection=True,
            callers=(f"{AIOMYSQL_RESULT}.read", f"{AIOMYSQL_RESULT}.init_unbuffered_query"),
        ),
        PrivateName(
            AIOMYSQL_RESULT,
            "_check_packet_is_eof",
            "method",
            _ENDED,
            is_protection=True,
            callers=(f"{AIOMYSQL_RESULT}._read_rowdata_packet", f"{AIOMYSQL_RESULT}._read_rowdata_packet_unbuffered"),
        ),
        PrivateName(
            AIOMYSQL_RESULT,
            "_read_rowdata_packet_unbuffered",
            "coroutine",
            "tells of rows that a stream has lost",
            is_protection=True,
            callers=("aiomysql.cursors:SSCursor._read_next",),
        ),
        PrivateName(AIOMYSQL_CONNECTION, "_send_autocommit_mode", "coroutine", "ends an autocommit of a statement's"),
        PrivateName(AIOMYSQL_CONNECTION, "_affected_rows", "instance attribute", "counts the rows of a statement"),
        PrivateName(AIOMYSQL_CONNECTION, "_secure", "instance attribute", _CLEAR_TEXT, is_protection=True),
        PrivateName(AIOMYSQL_CONNECTION, "_ssl_context", "instance attribute", _CLEAR_TEXT, is_protection=True),
        PrivateName(AIOMYSQL_CONNECTION, "_client_auth_plugin", "instance attribute", _CLEAR_TEXT, is_protection=True),
        PrivateName(AIOMYSQL_CONNECTION, "_server_auth_plugin", "instance attribute", _CLEAR_TEXT, is_protection=True),
        *names_of(
            AIOMYSQL_CONNECTION,
            "instance attribute",
            (
                ("_writer", "keepalive, liveness and abort"),
                ("_reader", "notices a server that has left"),
                ("_loop", "ends the wait for an answer"),
                ("_result", "knows whether a transaction is open"),
                ("_next_seq_id", _PACKETS),
                ("_encoding", _PACKETS),
            ),
        ),
        PrivateName("aiomysql.connection:_StreamReader", "eof_received", "attribute", "notices a server that has left"),
    ),
    companions=("PyMySQL",),
    known_bad=(
        BadVersions((("PyMySQL", "0", PYMYSQL[0]),), _PYMYSQL),
        BadVersions((("PyMySQL", PYMYSQL[1], ""),), _PYMYSQL),
    ),
)

AIOSQLITE = PackageContract(
    "aiosqlite",
    "aiosqlite",
    names=(
        PrivateName(
            AIOSQLITE_CONNECTION,
            "_execute",
            "coroutine",
            "interrupts a statement",
            is_protection=True,
            callers=(f"{AIOSQLITE_CONNECTION}.commit", f"{AIOSQLITE_CONNECTION}.create_function"),
        ),
        *names_of(
            AIOSQLITE_CONNECTION,
            "instance attribute",
            (
                ("_tx", "closes a file whose opening was cancelled"),
                ("_thread", "lets the process end beside a stuck statement"),
                ("_connection", "interrupts a statement"),
            ),
        ),
        PrivateName(AIOSQLITE_CONNECTION, "_conn", "attribute", "the sqlite3 connection"),
        *names_of(
            "aiosqlite.cursor:Cursor",
            "instance attribute",
            (("_conn", "reads rows in bunches"), ("_cursor", "reads rows in bunches")),
        ),
    ),
)

_ANY_DOOR = "keeps every door inside the session's transaction"
_REPLACES = "replaces a dead connection unseen"

_GATED: tuple[tuple[str, str, Kind, tuple[str, ...]], ...] = (
    ("asyncpg.connect_utils", "protocol", "attribute", (_CONNECTS,)),
    ("asyncpg.protocol", "Protocol", "attribute", (_CONNECTS,)),
    (ASYNCPG_CONNECTION, "_protocol", "instance attribute", ()),
    (ASYNCPG_CONNECTION, "_top_xact", "instance attribute", (f"{_TRANSACTION}.start",)),
    (_TRANSACTION, "_state", "instance attribute", ()),
    (_PROTOCOL, "prepare", "method", (f"{ASYNCPG_CONNECTION}._get_statement",)),
    (_PROTOCOL, "bind_execute", "method", ("asyncpg.prepared_stmt:PreparedStatement",)),
    (_PROTOCOL, "bind_execute_many", "method", (f"{ASYNCPG_CONNECTION}._executemany",)),
    (_PROTOCOL, "bind", "method", ("asyncpg.cursor:BaseCursor",)),
    (_PROTOCOL, "execute", "method", ("asyncpg.cursor:BaseCursor",)),
    (_PROTOCOL, "query", "method", (f"{ASYNCPG_CONNECTION}.execute",)),
    (_PROTOCOL, "copy_in", "method", (f"{ASYNCPG_CONNECTION}._copy_in",)),
    (_PROTOCOL, "copy_out", "method", (f"{ASYNCPG_CONNECTION}._copy_out",)),
    (_PROTOCOL, "is_in_transaction", "method", (f"{ASYNCPG_CONNECTION}.is_in_transaction",)),
)

ASYNCPG = PackageContract(
    "asyncpg",
    "asyncpg",
    names=(
        PrivateName("asyncpg.connect_utils:_ClientConfiguration", "_replace", "method", _RELOADS),
        PrivateName(ASYNCPG_CONNECTION, "_transport", "instance attribute", "keepalive, liveness and abort"),
        *(
            PrivateName(owner, name, kind, _ANY_DOOR, is_protection=True, callers=callers)
            for owner, name, kind, callers in _GATED
        ),
        *(
            PrivateName(_PROTOCOL, name, "method", _CLEAR_TEXT, is_protection=True)
            for name in ("data_received", "connection_made")
        ),
        PrivateName(_PROTOCOL, "is_connected", "method", _REPLACES, callers=(f"{ASYNCPG_CONNECTION}.is_closed",)),
        PrivateName(_PROTOCOL, "set_connection", "method", _REPLACES, callers=(_CONNECTS,)),
        PrivateName(_PROTOCOL, "connection_lost", "method", _REPLACES),
        *names_of(
            ASYNCPG_CONNECTION,
            "instance attribute",
            (
                ("_aborted", _REPLACES),
                ("_addr", _REPLACES),
                ("_params", _REPLACES),
                ("_config", _RELOADS),
                ("_server_version", _REPLACES),
                ("_server_caps", _REPLACES),
                ("_intro_query", _REPLACES),
                ("_stmt_cache", _REPLACES),
                ("_stmts_to_close", _REPLACES),
                ("_query_loggers", "lets a user's logger hear COMMIT"),
            ),
        ),
    ),
)

ASYNCIO = PackageContract(
    "asyncio",
    "",
    names=(
        PrivateName(
            "asyncio.transports:Transport",
            "_loop",
            "instance attribute",
            "closes the socket of a loop that is closed",
            is_optional=True,
        ),
        PrivateName(
            "asyncio.transports:Transport",
            "_ssl_protocol",
            "instance attribute",
            "finds the socket below TLS",
            is_optional=True,
        ),
        PrivateName(
            "asyncio.sslproto:SSLProtocol",
            "_transport",
            "instance attribute",
            "finds the socket below TLS",
            is_optional=True,
        ),
        PrivateName(
            "asyncio.transports:Transport",
            "_call_connection_lost",
            "method",
            "closes the socket of a loop that is closed",
            is_optional=True,
        ),
        PrivateName("asyncio.events", "_get_running_loop", "method", "knows which loop runs"),
    ),
)
"""Of no package that pip installs; uvloop's transports have none of them, and there the garbage collector closes."""

DRIVERS = {"sqlite": AIOSQLITE, "postgresql": ASYNCPG, "mysql": AIOMYSQL}
"""The driver of each backend."""
