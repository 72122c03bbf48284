"""What the handlers do, said once for all hosts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
from sqlalchemy import event
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from tests.databases import slow
from tests.hosts.recorder import Scene
from tests.hosts.tables import Note, Reply, count_notes

SHORT = 0.05
"""Seconds until a handler's own deadline; what it waits for never comes, or takes much longer."""


class Handled(Exception):
    """The applications have a handler for it that answers 200."""


class Host(Protocol):
    """How a host says what an act wants to say."""

    def answer(self, status: int) -> Any:
        """A response without more ado."""

    def http_error(self, status: int) -> Exception:
        """The host's own exception for a status."""

    def stream(self, chunks: AsyncIterator[bytes]) -> Any:
        """A response whose body is made while it is sent."""

    def answer_then(self, task: Callable[[], Awaitable[None]]) -> Any:
        """A response with a background task."""


@dataclass(frozen=True)
class Act:
    """One request: its text, its sessions, and where it happens."""

    text: str
    session: AsyncSession
    second: AsyncSession
    host: Host
    scene: Scene

    async def store(self, suffix: str = "") -> None:
        """Store a note in the default profile."""
        self.session.add(Note(text=self.text + suffix))
        await self.session.flush()

    def open(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session of one's own, for what runs after the response began."""
        return self.scene.open()


async def returned(act: Act) -> Any:
    await act.store()
    return act.host.answer(200)


async def redirected(act: Act) -> Any:
    await act.store()
    return act.host.answer(303)


async def returned_422(act: Act) -> Any:
    await act.store()
    return act.host.answer(422)


async def raised(act: Act) -> Any:
    await act.store()
    raise RuntimeError("raised by the act")


async def http_exception(act: Act) -> Any:
    await act.store()
    raise act.host.http_error(409)


async def handled(act: Act) -> Any:
    await act.store()
    raise Handled


async def committed_then_raised(act: Act) -> Any:
    await act.store()
    await act.session.commit()
    await act.store("-2")
    raise RuntimeError("raised after a commit")


async def committed_then_more(act: Act) -> Any:
    await act.store()
    await act.session.commit()
    await act.store("-2")
    return act.host.answer(200)


async def rolled_back(act: Act) -> Any:
    await act.store()
    await act.session.rollback()
    return act.host.answer(200)


async def constraint_at_flush(act: Act) -> Any:
    act.session.add_all([Note(text=act.text), Note(text=act.text)])
    return act.host.answer(200)


async def constraint_at_commit(act: Act) -> Any:
    await act.store()
    act.session.add(Reply(note_id=2_000_000_000))
    await act.session.flush()
    return act.host.answer(200)


async def ended_by_the_database(act: Act) -> Any:
    """As a trigger, a full disk or a deadlock would."""
    await act.store()
    await act.session.execute(sql("ROLLBACK"))
    return act.host.answer(200)


async def timed_out(act: Act) -> Any:
    async with asyncio.timeout(SHORT):
        await act.store()
        await asyncio.Event().wait()


async def timed_out_in_a_statement(act: Act) -> Any:
    await act.store()
    with anyio.fail_after(SHORT):
        await act.session.execute(sql(slow(act.scene.database)))


async def went_on_after_a_cancelled_statement(act: Act) -> Any:
    await act.store()
    with anyio.move_on_after(SHORT):
        await act.session.execute(sql(slow(act.scene.database)))
    return act.host.answer(200)


async def streamed(act: Act) -> Any:
    await act.store()

    async def chunks() -> AsyncIterator[bytes]:
        async with act.open() as session:
            yield b"rows: "
            yield str(await count_notes(session, act.text)).encode()

    return act.host.stream(chunks())


async def streamed_with_the_session(act: Act) -> Any:
    await act.store()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"rows: "
        try:
            yield str(await count_notes(act.session, act.text)).encode()
        except Exception as error:  # noqa: BLE001 - the client is told what it was
            yield str(error).encode()

    return act.host.stream(chunks())


async def in_background(act: Act) -> Any:
    await act.store()

    async def task() -> None:
        async with act.open() as session:
            if await count_notes(session, act.text):
                session.add(Note(text=f"{act.text}-saw it"))
                await session.commit()

    return act.host.answer_then(task)


async def both(act: Act) -> Any:
    await act.store()
    act.second.add(Note(text=act.text))
    return act.host.answer(200)


async def second_raised(act: Act) -> Any:
    await act.store()
    act.second.add_all([Note(text=act.text), Note(text=act.text)])
    await act.second.flush()


async def second_fails_at_commit(act: Act) -> Any:
    await act.store()
    act.second.add_all([Note(text=act.text), Reply(note_id=2_000_000_000)])
    return act.host.answer(200)


async def waited(act: Act) -> Any:
    """Long enough for its client to leave."""
    await act.store()
    act.scene.event(f"{act.text}-entered").set()
    await act.scene.event(f"{act.text}-go").wait()
    return act.host.answer(200)


async def cancelled(act: Act) -> Any:
    await act.store()
    _cancel_this_task_after(0)
    await asyncio.Event().wait()


async def cancelled_in_a_statement(act: Act) -> Any:
    await act.store()
    _cancel_this_task_after(SHORT)
    await act.session.execute(sql(slow(act.scene.database)))


async def cancelled_at_commit(act: Act) -> Any:
    """COMMIT is on its way when the cancellation comes: the proxy holds it back."""
    await act.store()
    task = asyncio.current_task()
    assert task is not None
    connection = await act.session.connection()
    event.listen(connection.sync_connection, "commit", lambda _: asyncio.get_running_loop().call_soon(task.cancel))
    return act.host.answer(200)


def _cancel_this_task_after(seconds: float) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_later(seconds, task.cancel)


ACTS: dict[str, Callable[[Act], Awaitable[Any]]] = {
    act.__name__: act
    for act in (
        returned,
        redirected,
        returned_422,
        raised,
        http_exception,
        handled,
        committed_then_raised,
        committed_then_more,
        rolled_back,
        constraint_at_flush,
        constraint_at_commit,
        ended_by_the_database,
        timed_out,
        timed_out_in_a_statement,
        went_on_after_a_cancelled_statement,
        streamed,
        streamed_with_the_session,
        in_background,
        both,
        second_raised,
        second_fails_at_commit,
        waited,
        cancelled,
        cancelled_in_a_statement,
        cancelled_at_commit,
    )
}


async def perform(name: str, act: Act) -> Any:
    """Do what the URL names."""
    return await ACTS[name](act)
