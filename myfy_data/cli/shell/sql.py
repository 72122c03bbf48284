"""`sql`: the database's own client on a profile (contract C14.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_profiles
from myfy_data.cli.options import LoadOptions, load_options

if TYPE_CHECKING:
    from myfy_data.settings.data_settings import DataSettings
    from myfy_data.settings.database_settings import DatabaseSettings


@click.command(cls=StrictCommand)
@click.argument("profile", required=False, shell_complete=complete_profiles)
@click.option("--write", is_flag=True, help="In production: let its sessions write.")
@load_options
def sql(options: LoadOptions, *, profile: str | None, write: bool) -> int:
    """Open sqlite3, psql or mariadb on a profile's database.

    The password is in neither its arguments nor its variables. In production its sessions begin read-only, unless
    --write is given. The exit code is the client's.
    """
    from myfy_data.cli.child_process import run_command
    from myfy_data.cli.shell.clients import client_of
    from myfy_data.cli.shell.command import guarded
    from myfy_data.settings.servers import require_address

    settings = options.load_to_connect()
    name = settings.resolve_name(profile)
    settings.require_engines([name])
    require_address(name, settings.profiles[name], "sql")
    guarded_settings = guarded(settings, False if write else None)
    with client_of(name, _of_one_server(guarded_settings, name)) as client:
        return run_command(client.command, dict(client.environ))


def _of_one_server(settings: DataSettings, name: str) -> DatabaseSettings:
    """The profile with the one server that its sessions would come to: a client knows no roles."""
    import asyncio

    from myfy_data.engines.registry import EngineRegistry
    from myfy_data.settings.servers import has_several_servers

    if not has_several_servers(settings.profiles[name]):
        return settings.profiles[name]

    async def ask() -> DatabaseSettings:
        registry = EngineRegistry(settings.profiles)
        try:
            return await registry.present_settings(name)
        finally:
            await registry.close()

    return asyncio.run(ask())
