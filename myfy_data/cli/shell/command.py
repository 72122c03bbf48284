"""`shell`: Python on a profile's database, with `await`; in production the server refuses writes (contract C14.3)."""

from __future__ import annotations

import contextlib
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_profiles
from myfy_data.cli.options import LoadOptions, load_options

if TYPE_CHECKING:
    from myfy_data.settings.data_settings import DataSettings


@click.command(cls=StrictCommand)
@click.argument("profile", required=False, shell_complete=complete_profiles)
@click.option(
    "--read-only/--write", "read_only", default=None, help="Let the server refuse writes, as in production, or not."
)
@load_options
def shell(options: LoadOptions, *, profile: str | None, read_only: bool | None) -> int:
    """Open Python, with await, on a profile's database.

    data, session, select and text are there. In production the server refuses writes in every session, unless --write
    is given. A statement that raises is rolled back. Piped, it runs each statement, goes on after an error and ends
    with 1 when one failed; what is not committed is rolled back.
    """
    from myfy_data.settings.servers import require_address

    settings = options.load_to_connect()
    name = settings.resolve_name(profile)
    settings.require_engines([name])
    require_address(name, settings.profiles[name], "shell")
    with redirect_stdout(output.answers()):
        return _run(guarded(settings, read_only), name)


def guarded(settings: DataSettings, read_only: bool | None) -> DataSettings:  # noqa: FBT001 - as the option says it
    """The settings, with every profile read-only where the shell is: the one guard that all engines pass.

    Args:
        settings: the loaded settings.
        read_only: what was asked for; read-only in production, and not elsewhere, when None.
    """
    if not (settings.blocks_auto_create if read_only is None else read_only):
        return settings
    profiles = {name: profile.model_copy(update={"read_only": True}) for name, profile in settings.profiles.items()}
    return settings.model_copy(update={"profiles": profiles})


def _run(settings: DataSettings, name: str) -> int:
    import asyncio

    from sqlalchemy import select, text

    from myfy_data.cli.shell.console import Console
    from myfy_data.migrations.metadata import put_on_path
    from myfy_data.module.module import DataModule

    if settings.project_root is not None:
        put_on_path(settings.project_root)
    data = DataModule(name, settings=settings)
    with asyncio.Runner() as runner:
        session = data.get_session_factory().create_session()
        names: dict[str, Any] = {
            "__name__": "__main__",
            "data": data,
            "session": session,
            "select": select,
            "text": text,
        }
        prompt = f"{name} ({settings.environment}{', read-only' if settings.profiles[name].read_only else ''})"
        console = Console(names, session, runner, prompt)
        try:
            if sys.stdin.isatty():
                return _typed(console)
            return console.run_piped(sys.stdin.read())
        finally:
            runner.run(session.close())
            runner.run(data.stop())


def _typed(console: Any) -> int:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - editing of lines, where Python has it
    banner = "data, session, select and text are there; await works. Ctrl-D ends it."
    code: int = console.run_typed(banner, lambda question: click.confirm(question, err=True))
    return code
