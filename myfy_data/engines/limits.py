"""How many connections a server takes: what each limit is, and which of them holds first (contract C11.7)."""

from __future__ import annotations

from dataclasses import dataclass

from myfy_data.engines.connect.connect_errors import other_failure
from myfy_data.engines.connect.position import Answer
from myfy_data.engines.listeners.timeouts import close_politely
from myfy_data.engines.ping import Opened


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a server told of itself to one profile; None where there is no limit.

    Attributes:
        server: host and port.
        connections: connections that the server takes, less those that it keeps for administrators.
        role: connections of this user.
        database: connections to this database.
    """

    server: str
    connections: int | None
    role: int | None = None
    database: int | None = None

    @classmethod
    def of_answer(cls, server: str, answer: Answer) -> ConnectionLimits:
        """The limits in the one row that a server answered with."""
        connections, role, database = (None if value is None else int(value) for value in answer)
        return cls(server, connections, role, database)


async def ask_limits(opened: Opened) -> ConnectionLimits | None:
    """Ask over a connection that is opened for it, and closed; None for a database without a server.

    Raises:
        DatabaseConnectionError: the server did not answer.
    """
    backend = opened.backend
    if not backend.connection_limits:
        return None
    driver = await opened.connector.open_detached()
    try:
        [answer] = await backend.ask(driver, backend.connection_limits)
    except TimeoutError:
        raise
    except Exception as error:  # whatever the driver raises
        raise backend.connect_error(backend.explain(error) or other_failure(error, None)) from error
    finally:
        await close_politely(driver, backend)
    return ConnectionLimits.of_answer(backend.address, answer)
