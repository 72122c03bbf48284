"""Random schedules of sessions, run in a test and on separate connections of a database beside it."""

import asyncio
import random

from app.models import Item, Slot
from sqlalchemy import delete, insert, select, text, update

from myfy_data import SessionError

OVERLAP = "and this test runs on one connection"
ENDS = ("commit", "rollback")


def make_schedule(number):
    """Steps `(session, operation, key)` of two to four sessions; most end a transaction before another one begins."""
    chosen = random.Random(number)
    sessions = range(chosen.randint(2, 4))
    steps, current = [], 0
    for _ in range(chosen.randint(8, 16)):
        name = chosen.choice(
            ["insert", "insert", "update", "delete", "read", "slot", "slot", "nested", "breaks", *ENDS]
        )
        steps.append((current, name, chosen.randint(1, 3)))
        if name in ENDS or chosen.random() < 0.04:
            current = chosen.choice(sessions)
    return steps


NEXT = select(text("coalesce(max(id), 0) + 1 FROM slots")).scalar_subquery()
STATEMENTS = {
    "insert": lambda key: insert(Item).values(id=key, name="new"),
    "update": lambda key: update(Item).where(Item.id == key).values(name=Item.name + "!"),
    "delete": lambda key: delete(Item).where(Item.id == key),
    "slot": lambda key: insert(Slot).values(id=NEXT, place=key),  # unique, and looked at when the transaction ends
    "read": lambda key: select(Item.id, Item.name).order_by(Item.id),
    "breaks": lambda key: text("SELECT 1 / 0"),
}


async def act(session, name, key):
    """One operation; what it gave: rows, or the error's class and code."""
    try:
        if name in ENDS:
            await getattr(session, name)()
        elif name == "nested":
            async with session.begin_nested() as savepoint:
                await session.execute(update(Item).values(name="undone"))
                await savepoint.rollback()
        else:
            result = await session.execute(STATEMENTS[name](key))
            return [tuple(row) for row in result] if name == "read" else "done"
    except Exception as error:
        if isinstance(error, SessionError) and OVERLAP in str(error):
            raise
        return type(error).__name__, getattr(getattr(error, "orig", None), "sqlstate", None)
    return "done"


async def one_after_the_other(factory, steps):
    """Take the steps of a schedule in one task, in their order; what each one gave."""
    sessions = {}
    try:
        return [await act(sessions.setdefault(who, factory.create_session()), name, key) for who, name, key in steps]
    finally:
        for session in sessions.values():
            await session.close()


async def at_once(factory, steps):
    """Take them in a task for each session; the steps in the order of the transactions' turns, and what each gave."""
    turns = []

    async def work(who):
        turn = None
        async with factory.create_session() as session:
            for step in [*(step for step in steps if step[0] == who), (who, "rollback", 0)]:
                given = await act(session, *step[1:])
                if turn is None:  # the first of its transaction
                    turns.append(turn := [])
                turn.append((step, given))
                if step[1] in ENDS:
                    turn = None

    await asyncio.gather(*(work(who) for who in sorted({step[0] for step in steps})))
    done = [pair for turn in turns for pair in turn]
    return [step for step, _ in done], [given for _, given in done]


async def rows(factory):
    """Everything that is stored, by a session that comes last."""
    async with factory.session_context() as session:
        items = await session.execute(select(Item.id, Item.name).order_by(Item.id))
        slots = await session.execute(select(Slot.id, Slot.place).order_by(Slot.id))
        return [tuple(row) for row in items], [tuple(row) for row in slots]
