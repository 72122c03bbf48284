"""A Galera node that lost its cluster: it answers, and refuses statements, COMMIT and even ROLLBACK with 1047.

Questions that touch no table are still answered, so the node can be asked what is wrong with it; the ROLLBACK that
follows a question must not hide the answer.
"""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.pool import PoolProxiedConnection

from myfy_data.engines.connect.backend import Ask
from myfy_data.engines.mysql.error_codes import UNKNOWN_COMMAND

WORDS = "wsrep"
"""What stands in each refusal of Galera's."""

_CLUSTER = "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_provider_name')"

_IN_TRANSACTION = 1
"""The bit of a server's status that says so."""


def is_outside_cluster(error: BaseException) -> bool:
    """Whether a driver's error is a node's refusal to do anything without its cluster."""
    number = error.args[0] if error.args else None
    return number == UNKNOWN_COMMAND and WORDS in str(error.args).lower()


async def has_cluster(ask: Ask) -> bool:
    """Whether a node is with its cluster, or belongs to none."""
    cluster = {row[0]: row[1] for row in await ask(_CLUSTER)}
    return not cluster.get("wsrep_provider_name") or cluster.get("wsrep_ready") == "ON"


def forgive_rollbacks(engine: Engine) -> None:
    """Take a refused ROLLBACK for done where nothing was open. No event of SQLAlchemy's wraps it."""
    dialect = engine.dialect
    roll_back = dialect.do_rollback

    def do_rollback(dbapi_connection: PoolProxiedConnection) -> None:
        try:
            roll_back(dbapi_connection)
        except Exception as error:
            if not is_outside_cluster(error) or _may_be_open(dbapi_connection):
                raise

    dialect.do_rollback = do_rollback  # type: ignore[method-assign]  # see above


def _may_be_open(dbapi_connection: object) -> bool:
    """Whether the server says that a transaction is open; its answer to a ping tells."""
    adapted = getattr(dbapi_connection, "dbapi_connection", dbapi_connection)
    if not isinstance(adapted, AdaptedConnection):
        return True
    adapted.run_async(lambda driver: driver.ping(reconnect=False))
    return bool(adapted.driver_connection.server_status & _IN_TRANSACTION)
