"""Finding a provider by its name, and asking it: a function of the project, of a package, or one of ours."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import traceback
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from myfy_data.credentials.types import CredentialRequest, Credentials, ProviderError
from myfy_data.suggestions import listed, nearest

GROUP = "myfy_data.credentials"
"""Entry points of this group are providers by name."""

OURS = {"command": "myfy_data.credentials.command:run_command", "file": "myfy_data.credentials.file:read_file"}
"""Providers that come with the package; they are told the project's root, for their paths are relative to it."""

EXAMPLE = "app.auth:token"

Answer = Credentials | ProviderError


@dataclass(frozen=True, slots=True)
class Provider:
    """A function that gives credentials.

    Attributes:
        name: how settings name it.
        function: takes a `CredentialRequest` and gives `Credentials`, or something to be awaited that does.
    """

    name: str
    function: Callable[[CredentialRequest], Any]

    @property
    def is_async(self) -> bool:
        """Whether it is called in the event loop; every other one is called in a thread."""
        inner = self.function.func if isinstance(self.function, partial) else self.function
        call = getattr(inner, "__call__", None)  # noqa: B004 - the method itself is looked at
        return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(call)

    def ask(self, request: CredentialRequest) -> asyncio.Future[Answer]:
        """Begin to ask it, in the running loop. What comes is an answer or why there is none, never an exception.

        An asynchronous one ends when the future is cancelled; a thread cannot be ended, and goes on.
        """
        if self.is_async:
            return asyncio.ensure_future(_answered(partial(self.function, request)))
        return _in_a_thread(partial(self.function, request))


def load_provider(name: str, root: Path | None) -> Provider:
    """The provider that settings name.

    Args:
        name: `package.module:function`, or the name of an entry point.
        root: the project's root, which is put on `sys.path`; the working directory when None.

    Raises:
        ProviderError: there is none, or it cannot be imported.
    """
    place = root or Path.cwd()
    if name in OURS:
        return Provider(name, partial(_imported(OURS[name]), root=place))
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
    function = _imported(name) if ":" in name else _loaded(find_entry_point(name))
    if not callable(function):
        raise ProviderError(f"{name!r} is a {type(function).__name__}, no function", f'credentials = "{EXAMPLE}"')
    return Provider(name, function)


def find_entry_point(name: str) -> EntryPoint:
    """The entry point of this name; nothing is imported.

    Raises:
        ProviderError: no installed package has one, or several have.
    """
    installed = entry_points(group=GROUP)
    found = {one.value: one for one in installed if one.name == name}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise ProviderError(f"several packages provide {name!r}: {listed(found)}", f'credentials = "{min(found)}"')
    known = sorted({*OURS, *installed.names})
    near = nearest(name, known)
    hint = f". Did you mean {near!r}?" if near else ""
    fix = f'credentials = "{near}"' if near else f'install the package that provides it, or credentials = "{EXAMPLE}"'
    raise ProviderError(f"no provider is called {name!r}; there are: {listed(known)}{hint}", fix)


def _loaded(point: EntryPoint) -> object:
    return _imported(point.value)


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        value: Any = import_module(module)
    except Exception as error:  # noqa: BLE001 - the module is the user's, and may raise anything
        raise ProviderError(f"cannot import {module}: {_told(error)}", f"python -c 'import {module}'") from None
    for part in name.split("."):
        if not hasattr(value, part):
            near = nearest(part, [known for known in dir(value) if not known.startswith("_")])
            raise ProviderError(f"{module} has no {name!r}", f'credentials = "{module}:{near or "token"}"')
        value = getattr(value, part)
    return value


def _told(error: BaseException) -> str:
    """An exception by the name of its class and its line; its text may hold a secret."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"there is no module {error.name!r}"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def _judged(given: object) -> Answer:
    if isinstance(given, Credentials):
        return given
    fix = "return Credentials(password=token) of myfy_data"
    return ProviderError(f"gives a {type(given).__name__}, no Credentials", fix)


def _failed(error: BaseException) -> ProviderError:
    """A failure without the frames of the provider, whose variables hold secrets."""
    if isinstance(error, ProviderError):
        return ProviderError(error.message, error.fix)
    return ProviderError(f"failed: {_told(error)}")


async def _answered(call: Callable[[], Any]) -> Answer:
    try:
        return _judged(await call())
    except Exception as error:  # noqa: BLE001 - whatever a provider raises
        return _failed(error)


def _in_a_thread(call: Callable[[], object]) -> asyncio.Future[Answer]:
    """Run a call in a thread of its own, which keeps neither the loop nor the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()
    context = copy_context()

    def run() -> None:
        try:
            given = context.run(call)
        except BaseException as error:  # noqa: BLE001 - it must not end the thread without an answer
            given = _failed(error)
        try:
            loop.call_soon_threadsafe(_deliver, future, given)
        except RuntimeError:  # the loop is closed
            if inspect.iscoroutine(given):
                given.close()

    threading.Thread(target=run, name="myfy_data.credentials", daemon=True).start()
    return future


def _deliver(future: asyncio.Future[Answer], given: object) -> None:
    if future.done():
        return
    if isinstance(given, ProviderError):
        future.set_result(given)
    elif inspect.isawaitable(given):  # a plain function that gives something to be awaited
        _relay(asyncio.ensure_future(_answered(lambda: given)), future)
    else:
        future.set_result(_judged(given))


def _relay(task: asyncio.Future[Answer], future: asyncio.Future[Answer]) -> None:
    def end(_: object) -> None:
        if not future.done():
            future.set_result(ProviderError("failed: it was cancelled") if task.cancelled() else task.result())

    task.add_done_callback(end)
    future.add_done_callback(lambda _: task.cancel())
