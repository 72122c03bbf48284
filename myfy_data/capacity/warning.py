"""The warning at start in production: servers that will refuse connections when the application is busy."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from myfy_data.capacity.report import LimitReader, read_capacity
from myfy_data.errors import DataModuleError
from myfy_data.settings.data_settings import DataSettings

logger: logging.Logger = logging.getLogger("myfy_data")


async def warn_of_capacity(settings: DataSettings, reader: LimitReader, profiles: Iterable[str]) -> None:
    """Log a warning for each server that takes fewer connections than may be opened; in production only.

    A server that does not tell its limits is no reason to fail a start that succeeded so far.
    """
    if not settings.blocks_auto_create:
        return
    try:
        servers = await read_capacity(settings, reader, list(profiles))
    except DataModuleError as error:
        logger.debug("the limits of connections are not known: %s", error)
        return
    for server in servers:
        if not server.fits:
            logger.warning("server %s: %s\n  fix: %s", server.server, server, server.fix)
