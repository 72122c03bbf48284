"""A server that takes no writes is not migrated: it is a replica, or became one (contract C11.5)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.engines.backends import BACKENDS
from myfy_data.engines.connect.position import Answer
from myfy_data.errors import MigrationError
from myfy_data.migrations.target import Target


async def require_writable(target: Target, connection: AsyncConnection) -> None:
    """Ask the server before anything is done to it; leaves the connection outside of any transaction.

    MySQL lets an administrator write to a replica, which nothing would bring to the primary: so it is asked what it is.

    Args:
        target: the profile.
        connection: the connection that will migrate.

    Raises:
        MigrationError: it takes no writes.
    """
    backend = BACKENDS[target.backend]
    if not backend.may_refuse_writes:
        return

    async def ask(question: str) -> Sequence[Answer]:
        return (await connection.exec_driver_sql(question)).all()

    [(_, *role)] = await ask(backend.version_and_role)
    takes_writes = await backend.takes_writes(ask, role)
    await connection.rollback()
    if not takes_writes:
        url = target.settings.url
        where = f"{url.host or 'the server'}:{url.port or url.default_port}"
        reason = f"{where} takes no writes: it is a replica, or read-only, so nothing was migrated"
        key = f"profiles.{target.profile}"
        fix = f"give {key}.database_url the primary; or list all servers in {key}.hosts, and the primary is found"
        raise MigrationError(target.profile, reason, fix=fix)
