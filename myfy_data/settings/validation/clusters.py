"""What a profile with several servers cannot be, and what is worth a look (contract C11.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from myfy_data.origins import KeyPath
from myfy_data.settings.cluster_models import READERS
from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.servers import has_several_servers, reader_addresses
from myfy_data.settings.urls import SESSION_ATTRS, ConnectionURL
from myfy_data.settings.validation.fault import Fault, Repair

_WRITERS = frozenset({"read-write", "primary"})
_KNOWN = (*sorted(_WRITERS), *READERS, "any")


def cluster_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """What several servers of a profile cannot have; only asked where there are several, or a word about them."""
    if url.backend == "sqlite":
        yield from _sqlite_faults(settings)
        return
    yield from _duplicates(settings, url)
    if url.backend == "mysql":
        yield from _sockets(settings)
    if has_several_servers(settings):
        yield from _in_front(settings)
        yield from _session_attrs_faults(settings, url)


def _sqlite_faults(settings: ProfileSettings) -> Iterator[Fault]:
    if settings.hosts is not None:
        yield Fault(("hosts",), "means nothing to SQLite, which is a file", Repair(delete=(("hosts",),)))
    if settings.reads.hosts:
        path: KeyPath = ("reads", "hosts")
        yield Fault(path, "means nothing to SQLite, which is a file", Repair(delete=(path,)))


def _duplicates(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    own = list(settings.hosts or url.addresses)
    readers = list(reader_addresses(settings))
    said: KeyPath = ("hosts",) if "hosts" in settings.model_fields_set else ("database_url",)
    if twice := _twice(own):
        repair = (
            Repair(write=((said, _once(own)),)) if said == ("hosts",) else Repair(words=f"leave one {twice} in the URL")
        )
        yield Fault(said, f"names {twice} twice", repair)
    path: KeyPath = ("reads", "hosts")
    if twice := _twice(readers):
        yield Fault(path, f"names {twice} twice", Repair(write=((path, _once(readers)),)))
    elif both := _twice([*_once(own), *readers]):
        left = [reader for reader in readers if reader.casefold() not in {one.casefold() for one in own}]
        repair = Repair(write=((path, left),)) if left else Repair(delete=(path,))
        yield Fault(path, f"{both} is one of hosts already, whose role is asked of it", repair)


def _twice(addresses: list[str]) -> str | None:
    """The first address that is there twice; host names have no case."""
    counted = Counter(address.casefold() for address in addresses)
    return next((address for address in addresses if counted[address.casefold()] > 1), None)


def _once(addresses: list[str]) -> list[str]:
    return list({address.casefold(): address for address in reversed(addresses)}.values())[::-1]


def _sockets(settings: ProfileSettings) -> Iterator[Fault]:
    for path, addresses in ((("hosts",), settings.hosts), (("reads", "hosts"), settings.reads.hosts)):
        left = [address for address in addresses or () if not address.startswith(("/", "[/"))]
        if addresses and len(left) < len(addresses):
            repair = Repair(write=((path, left),)) if left else Repair(delete=(path,))
            yield Fault(path, "a directory is no server of MySQL's, whose sockets are files", repair)


def _in_front(settings: ProfileSettings) -> Iterator[Fault]:
    if settings.pooler != "none" and settings.hosts is not None and len(settings.hosts) > 1:
        message = (
            f"{settings.pooler} hides the servers behind it, so that several hosts cannot be asked for their roles"
        )
        yield Fault(("pooler",), message, Repair(write=((("pooler",), "none"),)))
    if isinstance(settings.engine_options.get("poolclass"), type):
        path: KeyPath = ("engine_options", "poolclass")
        message = "the pools of several servers are watched together, so they are the profile's own"
        yield Fault(path, message, Repair(delete=(path,)))
    if SESSION_ATTRS in settings.connect_args:
        path = ("connect_args", SESSION_ATTRS)
        message = "the servers are asked for their roles, one by one"
        yield Fault(path, message, Repair(delete=(path,)))


def _session_attrs_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    said = url.session_attrs
    if said is None:
        return
    in_query = settings.query is not None and SESSION_ATTRS in settings.query
    path: KeyPath = ("query", SESSION_ATTRS) if in_query else ("database_url",)
    repair = Repair(delete=(path,)) if in_query else Repair(from_url=(SESSION_ATTRS,))
    if said not in _KNOWN:
        yield Fault(path, f"{SESSION_ATTRS} is none of {', '.join(_KNOWN)}", repair)
    elif said in READERS and "read_only" in settings.model_fields_set and not settings.read_only:
        yield Fault(path, f"{SESSION_ATTRS}={said} asks for servers that only read, and read_only is false", repair)


def cluster_doubts(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """What works, and is probably not meant."""
    if url.session_attrs == "any":
        in_query = settings.query is not None and SESSION_ATTRS in settings.query
        path: KeyPath = ("query", SESSION_ATTRS) if in_query else ("database_url",)
        repair = Repair(delete=(path,)) if in_query else Repair(from_url=(SESSION_ATTRS,))
        message = f"{SESSION_ATTRS}=any has no meaning here: sessions that write go to the primary"
        yield Fault(path, message, repair)
