"""The options that a profile gives to its driver (URL, `query`, `connect_args`), and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from myfy_data.origins import KeyPath
from myfy_data.redaction import looks_secret
from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.urls import ConnectionURL
from myfy_data.settings.validation.driver_options import (
    OF_THE_URL,
    OPTIONS,
    SWITCH,
    TEXT,
    TEXTS,
    WHOLE,
    Option,
    read_option,
    read_switch,
    read_whole,
)
from myfy_data.settings.validation.fault import Fault, Repair, joined
from myfy_data.settings.validation.foreign_options import Meaning, meaning_of
from myfy_data.suggestions import nearest


@dataclass(frozen=True, slots=True)
class Given:
    """One option as a profile gives it.

    Attributes:
        path: where it stands, below the profile.
        name: its name.
        value: its value, as it was written.
    """

    path: KeyPath
    name: str
    value: object

    @property
    def in_url(self) -> bool:
        """Whether it stands in the URL itself."""
        return self.path == ("database_url",)


def given_options(settings: ProfileSettings, url: ConnectionURL) -> list[Given]:
    """Every option that a profile gives to its driver, and where."""
    part = settings.query or {}
    skipped = OF_THE_URL[url.backend]
    found = [
        Given(("query", name) if name in part else ("database_url",), name, value)
        for name, value in url.query.items()
        if name not in skipped
    ]
    return [*found, *(Given(("connect_args", name), name, value) for name, value in settings.connect_args.items())]


def driver_option_faults(settings: ProfileSettings, url: ConnectionURL, given: list[Given]) -> Iterator[Fault]:
    """What is wrong with the options that a profile gives to its driver, TLS excepted.

    Args:
        settings: the profile.
        url: its address.
        given: the options that are not about TLS.
    """
    options = OPTIONS[url.backend]
    for one in given:
        option = options.get(one.name)
        fault = _unknown(settings, url, one) if option is None else _wrong_type(one, option)
        if fault is not None:
            yield fault


def _wrong_type(one: Given, option: Option) -> Fault | None:
    is_query = one.path[0] != "connect_args"
    if is_query and option.read is None:
        return Fault(one.path, f"{one.name} has no place in a URL: it takes {option.expected}", _removal(one))
    value = read_option(option, one.value) if is_query else one.value
    if option.fits(value):
        return None
    if isinstance(value, Mapping) and option is TEXTS:
        return _wrong_text(one, value)
    sample = _meant(option, one.value)
    if sample is None:
        return Fault(one.path, f"{_called(one)}expected {option.expected}", _removal(one))
    if one.in_url:
        repair = Repair(from_url=(one.name,), in_url=(f"{one.name}={_in_query(sample)}",))
    else:
        repair = Repair(write=((one.path, _in_query(sample) if is_query else sample),))
    return Fault(one.path, f"{_called(one)}expected {option.expected}", repair)


def _called(one: Given) -> str:
    """The option's name, where the path does not say it."""
    return f"{one.name}: " if one.in_url else ""


def _in_query(sample: object) -> str:
    return str(sample).lower() if isinstance(sample, bool) else str(sample)


def _meant(option: Option, value: object) -> object:
    """What was probably meant, else a sample; a choice is found by its spelling, as a name is."""
    if option is WHOLE and isinstance(value, str) and option.fits(read_whole(value)):
        return read_whole(value)
    if option is SWITCH and isinstance(value, str) and isinstance(read_switch(value), bool):
        return read_switch(value)
    if option is TEXT and isinstance(value, list) and all(map(option.fits, value)):
        return ",".join(value)  # as `sql_mode` has it
    near = nearest(value, option.choices) if isinstance(value, str) else None
    return near or option.sample


def _wrong_text(one: Given, table: Mapping[str, object]) -> Fault:
    key, value = next((key, value) for key, value in table.items() if not isinstance(value, str) or "\0" in value)
    text = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    path = (*one.path, str(key))
    if isinstance(value, Mapping | list | str) or looks_secret(str(key)):
        return Fault(path, "expected text", Repair(delete=(path,)))
    return Fault(path, "expected text: the server is told every setting as text", Repair(write=((path, text),)))


def _removal(one: Given) -> Repair:
    return Repair(from_url=(one.name,)) if one.in_url else Repair(delete=(one.path,))


def _unknown(settings: ProfileSettings, url: ConnectionURL, one: Given) -> Fault:
    driver = url.driver.partition("+")[2]
    meaning = meaning_of(one.name, one.value, url.backend)
    if meaning is not None:
        return _foreign(settings, one, driver, meaning)
    near = nearest(one.name, OPTIONS[url.backend])
    name = f"{one.name} " if one.in_url else ""
    message = f"{name}is no option that {driver} may be given{f'. Did you mean {near!r}?' if near else ''}"
    if not near:
        return Fault(one.path, message, _removal(one))
    if one.in_url:
        return Fault(one.path, message, Repair(words=f"write {near}=... in place of {one.name}=... in the URL"))
    return Fault(one.path, message, Repair(words=f"rename it to {near}"))


def _foreign(settings: ProfileSettings, one: Given, driver: str, meaning: Meaning) -> Fault:
    """The fault of an option that another tool knows, or that has a key of its own."""
    if meaning.in_url and one.in_url:
        message = f"{one.name} is what {driver} calls {meaning.in_url.partition('=')[0]}"
        return Fault(one.path, message, Repair(from_url=(one.name,), in_url=(meaning.in_url,)))
    write = meaning.write
    if meaning.in_url:
        name, _, value = meaning.in_url.partition("=")
        write = ((("connect_args", name), value),)
    removal = _removal(one)
    keys = joined([*dict.fromkeys(map(".".join, (path for path, _ in write))), meaning.key][: len(write) or 1])
    where = "the URL" if one.in_url else one.path[0]
    message = f"{f'{one.name} ' if one.in_url else ''}is no option of {driver}; here it is {keys}"
    if keys == one.name:
        message = f"{_called(one)}has a key of its own in the profile"
    if meaning.key:
        return Fault(one.path, message, Repair(words=f"move it out of {where}, as {meaning.key}"))
    if not write:
        message = f"{f'{one.name} ' if one.in_url else ''}is no option of {driver}: {meaning.why}"
    missing = tuple((path, value) for path, value in write if not _is_said(settings, path))
    return Fault(one.path, message, Repair(removal.from_url, (), removal.delete, missing))


def _is_said(settings: ProfileSettings, path: KeyPath) -> bool:
    """Whether the profile gives this key a value already, which is the one that stays."""
    value: object = settings
    for key in path[:-1]:
        value = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
    if isinstance(value, Mapping):
        return path[-1] in value
    said = value is not None and path[-1] in getattr(value, "model_fields_set", ())
    # These two hold only where they are switched on.
    return said and (path[-1] not in ("pooler", "read_only") or bool(getattr(value, path[-1]) not in ("none", False)))
