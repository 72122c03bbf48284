"""MySQL's and MariaDB's error numbers by what they mean, each told once; the drivers' own and ours beside them."""

from __future__ import annotations

TLS_NOT_OFFERED = 9001
UNSAFE_LOGIN = 9002
"""Numbers of ours, beyond those that servers and clients use."""

UNKNOWN_COMMAND = 1047
"""What Galera means by it, its words tell."""

READ_ONLY_MODE = 1836
OPTION_PREVENTS = 1290
"""The server refuses every write. The last has other meanings as well, which its words tell."""

READ_ONLY_TRANSACTION = 1792

DEADLOCK = 1213
"""Galera: certification failed, also at COMMIT."""

LOCK_WAIT_TIMEOUT = 1205
"""The session rolls back the whole transaction."""

MAY_ROLL_BACK = frozenset({LOCK_WAIT_TIMEOUT, DEADLOCK, 1020, 1206, 1402, 1613, 1614})
"""The status of the answer tells whether they rolled the whole transaction back; of 1205 it is a setting."""

TIDB_CONFLICTS = frozenset({8002, 8022, 9007})
"""TiDB, also at COMMIT: another transaction wrote the same. By its documentation and a scripted server, not by TiDB."""
TIDB_SCHEMA_CHANGED = 8028
"""TiDB: DDL ran meanwhile; as above."""

SHUTDOWN = 1053
KILLED = 1927
GONE_AWAY = 2006
LOST_DURING_QUERY = 2013

COMMIT_FAILED = 1180
"""A COMMIT that failed half-way."""

OUTCOME_UNKNOWN = frozenset({SHUTDOWN, COMMIT_FAILED, KILLED})
"""The statement may have taken effect."""

MISSING_PRIVILEGE = 1227

DATABASE_DENIED = 1044
ACCESS_DENIED = 1045
ACCESS_DENIED_NO_PASSWORD = 1698

UNKNOWN_DATABASE = 1049

TLS_REQUIRED = 3159
"""`require_secure_transport`, and the line has none."""

TOO_MANY_CONNECTIONS = 1040
TOO_MANY_USER_CONNECTIONS = 1203

NOT_READY = frozenset({TOO_MANY_CONNECTIONS, TOO_MANY_USER_CONNECTIONS, SHUTDOWN, LOST_DURING_QUERY})
"""What a server says to a new connection while it is full, starting or stopping."""

AWAY = frozenset({SHUTDOWN, KILLED, LOCK_WAIT_TIMEOUT, GONE_AWAY, LOST_DURING_QUERY, 2003, 2055})
"""What is heard, while connecting, of a server that stops or is not there; Galera: 1205, with `wsrep_sync_wait`."""

NAMES_NOTHING = frozenset({1054, 1146})
"""A column or a table that is not there."""

ALREADY_SO = frozenset({1050, 1051, 1060, 1061, 1091, 1826})
"""What DDL that ran before is refused with."""

FIRST_OF_SERVER = 1000
CLIENT = range(2000, 3000)
"""Numbers that the client library gives to its own errors: the server said nothing."""
