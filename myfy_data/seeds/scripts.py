"""Running a file of SQL or Python inside of the seeds' one transaction."""

from __future__ import annotations

import importlib.util
import inspect
import shlex
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.files.document import LayerSyntaxError, read_text_file
from myfy_data.migrations.metadata import put_on_path
from myfy_data.migrations.target import Target
from myfy_data.seeds.errors import SeedError, first_line, place_in
from myfy_data.seeds.files import SeedFile
from myfy_data.seeds.one_transaction import EndsTransactionError
from myfy_data.seeds.statements import split_statements

SeedFunction = Callable[[AsyncSession], Awaitable[object]]


def read_script(file: SeedFile) -> str:
    """The text of a file of SQL or Python.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return read_text_file(file.path, file.place) or ""
    except LayerSyntaxError as error:
        raise ConfigError(error.problems) from None


async def run_sql(target: Target, file: SeedFile, text: str, connection: AsyncConnection) -> None:
    """Run the statements of a file, one after the other.

    Raises:
        SeedError: the database refuses one.
    """
    for statement in split_statements(text, target.backend):
        try:
            # No parameters: a % or a : in it is just text.
            await connection.exec_driver_sql(statement.text, execution_options={"no_parameters": True})
        except (DBAPIError, EndsTransactionError) as error:
            place, reason = f"{file.place}:{statement.line}", error.orig if isinstance(error, DBAPIError) else error
            raise SeedError(target.profile, place, first_line(reason), _fix(file)) from None


async def run_python(target: Target, file: SeedFile, connection: AsyncConnection) -> None:
    """Call `async def seed(session)` of a file.

    Its session commits to a savepoint: what it stores is stored with the other seeds, or not at all.

    Raises:
        ConfigError: it has no such function.
        SeedError: it raises.
    """
    put_on_path(target.root)
    try:
        seed = _function(file)
        # Everything that was flushed is the transaction's, whatever the function commits.
        async with AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            await seed(session)
            await session.commit()
    except ConfigError:
        raise
    except Exception as error:
        place = place_in(error, file)
        reason = (
            first_line(error.orig) if isinstance(error, DBAPIError) else f"{type(error).__name__}: {first_line(error)}"
        )
        raise SeedError(target.profile, place, reason, _fix(file)) from error


def _function(file: SeedFile) -> SeedFunction:
    spec = importlib.util.spec_from_file_location(f"myfy_seed_{file.path.stem.replace('-', '_')}", file.path)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - a file that ends with .py has both
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    seed = getattr(module, "seed", None)
    if not inspect.iscoroutinefunction(seed):
        message = "has no `async def seed(session)`" if seed is None else "its `seed` is no coroutine function"
        raise ConfigError([Problem(file.place, "", message, fix="async def seed(session): ...")])
    function: SeedFunction = seed
    return function


def _fix(file: SeedFile) -> str:
    return f"correct {shlex.quote(str(file.path))}, then run the same command again"
