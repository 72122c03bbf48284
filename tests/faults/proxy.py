"""The proxy: one listening socket on this machine, one server behind it, and the rules that tests arm."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tests.asyncio_servers import close_server
from tests.faults.framing import Conversation
from tests.faults.line import Line
from tests.faults.messages import Message, Predicate
from tests.faults.mysql import MySQLConversation
from tests.faults.postgresql import PostgreSQLConversation
from tests.faults.rules import Fault, Rule

LOOPBACK = "127.0.0.1"
REMEMBERED = 1000

T = TypeVar("T")

_PROTOCOLS: dict[str, tuple[Callable[[], Conversation], int]] = {
    "postgres": (PostgreSQLConversation, 5432),
    "mysql": (MySQLConversation, 3306),
    "mariadb": (MySQLConversation, 3306),
}


class FaultProxy:
    """A server on this machine that passes messages on to another one, until an armed fault falls.

    It offers no TLS. May be armed and read from any thread.

    Attributes:
        port: where it listens, on 127.0.0.1.
        connections: clients that were accepted.
        client_messages: messages that clients have sent, `connect` not among them.
        round_trips: how often clients have sent something, however much, and were answered.
        messages: the last messages, `connect` among them.
    """

    def __init__(self, host: str, port: int, conversation: Callable[[], Conversation]) -> None:
        self.port = 0
        self.connections = 0
        self.client_messages = 0
        self.round_trips = 0
        self.messages: deque[Message] = deque(maxlen=REMEMBERED)
        self._target = (host, port)
        self._conversation = conversation
        self._rules: list[Rule] = []
        self._last: Rule | None = None
        self._is_silent = False
        self._when_unheard: Callable[[], object] = lambda: None
        self._lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def through(self, url: str) -> str:
        """The URL that leads through the proxy."""
        parts = urlsplit(url)
        account, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{account}{at}{LOOPBACK}:{self.port}").geturl()

    # -- faults ------------------------------------------------------------------------------------------------

    def arm(self, fault: Fault, *, when: Predicate | None = None, nth: int = 1, **details: Any) -> Rule:
        """Let a fault fall, once, on the n-th message from now that `when` picks (any message without it).

        Several faults may be armed at once. `connect` counts as a message: the client was accepted.

        Args:
            fault: what happens.
            when: which messages count: `commit`, `connecting`, `statement("INSERT")`, or a function of your own.
            nth: at the how-manieth of them it falls, over all connections.
            details: `seconds` of a delay, `at` which byte of the answer to cut, `everywhere=True` to silence the
                whole proxy from then on, `then` what to call when the client waits in vain.
        """
        self._last = Rule(fault, when, nth, **details)
        self._rules.append(self._last)
        return self._last

    def disarm(self) -> None:
        """Forget every fault that has not fallen yet."""
        self._rules.clear()

    @property
    def fired(self) -> bool:
        """Whether the fault that was armed last has fallen."""
        return self._last is not None and self._last.fired

    @property
    def open_connections(self) -> int:
        """Clients that are being served."""
        return len(self._lines)

    async def until_fired(self) -> None:
        """Wait until the fault that was armed last has fallen; only in the proxy's own loop."""
        while not self.fired:
            self._changed.clear()
            await self._changed.wait()

    def silence(self, then: Callable[[], object] = lambda: None) -> None:
        """Swallow everything on every connection, old and new, until `heal()`; `then` for each message of a client."""
        self._when_unheard = then
        self._in_loop(self._silence)

    def heal(self) -> None:
        """Pass everything on again; connections that lost something are reset, and nothing is armed."""
        self._in_loop(self._heal)

    def reset(self) -> None:
        """Reset every connection; new ones are accepted."""
        self._in_loop(self._reset)

    def _reset(self) -> None:
        for line in list(self._lines):
            line.reset()

    def _silence(self) -> None:
        self._is_silent = True
        for line in self._lines:
            line.is_silent, line.when_unheard = True, self._when_unheard

    def _heal(self) -> None:
        self._is_silent = False
        self._rules.clear()
        for line in list(self._lines):
            line.is_silent = False
            if line.lost_something:
                line.reset()

    def _in_loop(self, action: Callable[[], object]) -> None:
        if _running_loop() is self._loop:
            action()
            return
        done = threading.Event()
        self._loop.call_soon_threadsafe(action)
        self._loop.call_soon_threadsafe(done.set)
        done.wait()

    def _judge(self, message: Message) -> Rule | None:
        self.messages.append(message)
        self.client_messages += message.kind != "connect"
        fallen = next((rule for rule in list(self._rules) if rule.falls_on(message)), None)
        if fallen is not None:
            self._rules.remove(fallen)
            self._changed.set()
            if fallen.everywhere:
                self._silence()
        return fallen

    def _count_round_trip(self) -> None:
        self.round_trips += 1

    # -- connections -------------------------------------------------------------------------------------------

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            server = await asyncio.open_connection(*self._target)
            line = Line((reader, writer), server, self._conversation(), self._judge, self._count_round_trip)
            line.is_silent, line.when_unheard = self._is_silent, self._when_unheard
            self._lines.add(line)
            try:
                await line.serve()
            finally:
                self._lines.discard(line)
                server[1].transport.abort()
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()  # no server behind us, or the test is over
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        """End every connection and wait until none is being served."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def fault_proxy(url: str) -> AsyncIterator[tuple[FaultProxy, str]]:
    """A proxy before the server of a URL, and the same URL through the proxy; both in the running loop."""
    parts = urlsplit(url)
    conversation, port = next(found for name, found in _PROTOCOLS.items() if parts.scheme.startswith(name))
    proxy = FaultProxy(parts.hostname or LOOPBACK, parts.port or port, conversation)
    server = await asyncio.start_server(proxy.accept, LOOPBACK, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, proxy.through(url)
    finally:
        await close_server(server)
        await proxy.close()


@contextmanager
def fault_proxy_in_thread(url: str) -> Iterator[tuple[FaultProxy, str]]:
    """As `fault_proxy`, in a thread with a loop of its own: for synchronous tests and for those of other processes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fault-proxy", daemon=True)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    stack = AsyncExitStack()
    try:
        yield run(stack.enter_async_context(fault_proxy(url)))
    finally:
        run(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
