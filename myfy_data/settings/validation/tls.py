"""TLS: what a profile asks for by whatever words, and that no fix asks for less (contract C2, C9).

A file that the mode in force would not look at is refused: a user that names an authority believes that it is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from myfy_data.origins import KeyPath
from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.urls import ConnectionURL
from myfy_data.settings.validation.fault import Fault, Repair, joined
from myfy_data.settings.validation.foreign_tls import STRENGTH, TLSAsk, asked_tls

_VERIFYING = frozenset({"verify-ca", "verify-full"})
_PREFER_ON_MYSQL = "'prefer' cannot be done safely on MySQL: the driver would fall back without a word"
_NO_NETWORK = "SQLite is a file: nothing goes over a network"
_NOTHING = Repair()


@dataclass(frozen=True, slots=True)
class Asked:
    """An option that asks for TLS in another tool's words, and where it stands."""

    path: KeyPath
    name: str
    ask: TLSAsk


def strictest(modes: Iterable[str | None]) -> str | None:
    """The mode that promises all that the others promise; None when there is none."""
    return max((mode for mode in modes if mode is not None), key=STRENGTH.index, default=None)


def find_asked(options: Iterable[tuple[KeyPath, str, object]]) -> list[Asked]:
    """Those of a profile's options that are about TLS; each is its path, its name and its value."""
    found = ((path, name, asked_tls(name, value)) for path, name, value in options)
    return [Asked(path, name, ask) for path, name, ask in found if ask is not None]


def tls_setting_faults(settings: ProfileSettings, url: ConnectionURL, asked: Sequence[Asked]) -> Iterator[Fault]:
    """What a profile says about TLS against itself, or in a word of `sslmode` that means nothing.

    Args:
        settings: the profile.
        url: its address.
        asked: its options that ask for TLS in another tool's words.
    """
    if url.backend == "sqlite":
        return  # whatever is said of it is in vain
    wanted = _wanted(settings, url, asked)
    if _is_misspelt(asked):
        yield from _foreign(settings, url, asked, wanted)
    elif _is_contradicted(settings, url):
        yield _contradiction(settings, url, wanted)
    if settings.tls_key is not None and settings.tls_cert is None:
        mode = wanted if wanted in ("require", *_VERIFYING) else "verify-full"
        repair = say_tls(settings, url, mode, Repair(write=((("tls_cert",), "client.crt"),)))
        yield Fault(("tls_key",), "is given without tls_cert", repair)


def tls_engine_faults(
    settings: ProfileSettings, url: ConnectionURL, asked: Sequence[Asked], direct: KeyPath | None
) -> Iterator[Fault]:
    """What of TLS no engine can do.

    Args:
        settings: the profile.
        url: its address.
        asked: as for `tls_setting_faults`.
        direct: where asyncpg is told to begin with TLS, not to ask for it first; None where it is not.
    """
    if url.backend == "sqlite":
        yield from _on_sqlite(settings, url, asked)
        return
    wanted = _wanted(settings, url, asked)
    if asked and not _is_misspelt(asked):
        yield from _foreign(settings, url, asked, wanted)
    mode = wanted or ("prefer" if url.backend == "postgresql" else "disable")
    yield from _files(settings, url, mode)
    if direct is not None and mode in ("disable", "prefer"):
        message = f"direct_tls begins with TLS, and tls is {mode!r}"
        yield Fault(direct, message, say_tls(settings, url, "require"))


def _wanted(settings: ProfileSettings, url: ConnectionURL, asked: Sequence[Asked]) -> str | None:
    """The mode that gives all that is asked for."""
    wanted = strictest([settings.tls, url.tls, *(one.ask.mode for one in asked)])
    return "require" if wanted == "prefer" and url.backend == "mysql" else wanted


def _is_misspelt(asked: Sequence[Asked]) -> bool:
    """Whether the URL has the options for TLS that are read there, with a word that is not."""
    return any(one.path == ("database_url",) and one.name in ("ssl", "sslmode") for one in asked)


def _is_contradicted(settings: ProfileSettings, url: ConnectionURL) -> bool:
    is_prefer_on_mysql = url.backend == "mysql" and "prefer" in (settings.tls, url.tls)
    return is_prefer_on_mysql or (settings.tls is not None and url.tls not in (None, settings.tls))


def say_tls(settings: ProfileSettings, url: ConnectionURL, mode: str | None, repair: Repair = _NOTHING) -> Repair:
    """A repair after which `mode` is in force and one place says it, the key or the URL.

    Args:
        settings: the profile.
        url: its address.
        mode: what is to be in force; None for what is.
        repair: what else is to be done.
    """
    if url.tls is not None and url.tls != mode:
        repair = replace(repair, from_url=(*repair.from_url, url.tls_name))
    said = settings.tls or (url.tls if url.tls == mode else None)
    return repair if mode in (None, said) else replace(repair, write=((("tls",), mode), *repair.write))


def _on_sqlite(settings: ProfileSettings, url: ConnectionURL, asked: Sequence[Asked]) -> Iterator[Fault]:
    for key in ("tls", "tls_ca", "tls_cert", "tls_key"):
        if getattr(settings, key) not in (None, "disable"):
            yield Fault((key,), _NO_NETWORK, Repair(delete=((key,),)))
    if url.tls not in (None, "disable"):
        yield Fault(("database_url",), _NO_NETWORK, Repair(from_url=(url.tls_name,)))
    for one in asked:
        yield Fault(one.path, f"{one.name}: {_NO_NETWORK}", _without([one]))


def _without(asked: Sequence[Asked]) -> Repair:
    return Repair(
        from_url=tuple(one.name for one in asked if one.path == ("database_url",)),
        delete=tuple(one.path for one in asked if one.path != ("database_url",)),
    )


def _foreign(
    settings: ProfileSettings, url: ConnectionURL, asked: Sequence[Asked], wanted: str | None
) -> Iterator[Fault]:
    """One fault for each place, so that each place is mended as a whole."""
    for path in dict.fromkeys(one.path for one in asked):
        here = [one for one in asked if one.path == path]
        names = joined([one.name for one in here])
        cannot = next((one.ask.cannot for one in here if one.ask.cannot), "")
        if cannot:
            words = "give an ssl.SSLContext of your own in code: connect_args={'ssl': context}"
            yield Fault(path, f"{names} {cannot}", Repair(words=words))
            continue
        write = tuple(
            (key, value)
            for one in here
            for key, value in one.ask.write
            if len(key) != 1 or getattr(settings, key[0]) is None
        )
        repair = say_tls(settings, url, wanted, replace(_without(here), write=write))
        yield Fault(path, _asks(names, here, url, wanted), repair)


def _asks(names: str, here: Sequence[Asked], url: ConnectionURL, wanted: str | None) -> str:
    driver = url.driver.partition("+")[2]
    if _is_misspelt(here):
        return f"{names}: expected one of {', '.join(STRENGTH)}; here it is tls = {wanted!r}"
    if here[0].path[-1] == "ssl":  # the driver has it, and what it takes besides a context does not verify
        return f"TLS has keys of its own in the profile; here it is tls = {wanted!r}"
    if wanted is None:
        return f"{names} is no option of {driver}, and asks for nothing that `tls` does not say"
    many = len(here) > 1
    return f"{names} {'are no options' if many else 'is no option'} of {driver}; here it is tls = {wanted!r}"


def _contradiction(settings: ProfileSettings, url: ConnectionURL, wanted: str | None) -> Fault:
    path: KeyPath = ("tls",) if settings.tls else ("database_url",)
    if settings.tls and url.tls and settings.tls != url.tls:
        message = f"says {settings.tls!r}, but the URL's query says {url.tls!r}"
    else:
        message = _PREFER_ON_MYSQL
    return Fault(path, message, say_tls(settings, url, wanted))


def _files(settings: ProfileSettings, url: ConnectionURL, mode: str) -> Iterator[Fault]:
    if settings.tls_ca is not None and mode not in _VERIFYING:
        yield Fault(("tls_ca",), f"has no effect while tls is {mode!r}", say_tls(settings, url, "verify-full"))
    if settings.tls_cert is not None and mode in ("disable", "prefer"):
        yield Fault(("tls_cert",), f"has no effect while tls is {mode!r}", say_tls(settings, url, "verify-full"))
