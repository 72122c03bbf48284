"""Another tool's database URL as ours: an async driver, its password a reference, TLS and pool as keys."""

from __future__ import annotations

import re
from urllib.parse import unquote

from myfy_data.cli.migrate.draft import Draft, ProfileDraft
from myfy_data.settings.urls import DRIVERS, SUPPORTED

_SCHEME = re.compile(r"(?:jdbc:)?([A-Za-z0-9+_.-]+)://(.*)", re.DOTALL)
_WHOLE = re.compile(r"\$\{\w+(?::-[^}]*)?\}")
_FIRST = 0xE000  # of the characters for private use, which no address has
_HIDDEN = re.compile("[\ue000-\uf8ff]")
_SECRET_OPTION = re.compile(r"([?&])(password|sslpassword|token)=([^&]*)")


def put_url(draft: Draft, profile: ProfileDraft, url: object, place: str) -> bool:
    """Carry a URL over.

    Returns:
        Whether it says a database that is supported.
    """
    text = str(url).strip().strip("'\"")
    if _WHOLE.fullmatch(text):
        put_reference(draft, profile, text, place)
        return True
    found = _SCHEME.fullmatch(text)
    if found is None:
        draft.note(place, "is no database URL, and was left out")
        return False
    driver = async_driver(found[1])
    if driver is None:
        draft.note(place, f"{found[1].partition('+')[0]} is no supported database, and was left out")
        return False
    if driver != found[1] and "+" in found[1]:
        draft.note(place, f"the driver {found[1]} is not asynchronous: {driver} is written in its place")
    _put_location(draft, profile, driver, found[2], place)
    return True


def _put_location(draft: Draft, profile: ProfileDraft, driver: str, rest: str, place: str) -> None:
    """What stands behind the `://`, its password as a key of its own."""
    if rest.count("@") > 1:
        draft.note(place, "the address holds '@' more than once: look at the host")
    references: list[str] = []
    rest = _WHOLE.sub(lambda each: _hidden(references, each[0]), rest)  # a default may hold ':' and '@'
    rest = _without_secret_options(draft, profile, rest, place)
    parts = (_HIDDEN.sub(lambda each: references[ord(each[0]) - _FIRST], part) for part in _userinfo(rest))
    username, password, location = parts
    at = f"{username}@" if username else ""
    profile.put("database_url", f"{driver}://{at}{location}", place)
    if password:
        draft.put_secret(profile, ("password",), _decoded(password), place)


def put_reference(draft: Draft, profile: ProfileDraft, text: str, place: str) -> None:
    """Carry over a URL that is a variable's whole value; its default, which may hold a password, stays behind."""
    name = re.sub(r"\$\{(\w+).*", r"\1", text)
    if ":-" in text:
        default = text.partition(":-")[2].rstrip("}")
        if default.startswith("sqlite") and "@" not in default:
            profile.put("database_url", text, place)
            return
        draft.note(place, f"the default of {name} is not carried over: it may hold a password")
    profile.put("database_url", f"${{{name}}}", place)
    draft.note(
        place, f"{name} is read as it is: a driver in it has to be one of {', '.join(SUPPORTED)}, or a short form"
    )


def async_driver(scheme: str) -> str | None:
    """The driver that a URL's scheme leads to; None for a database that is not supported."""
    scheme = scheme.lower()
    if scheme in SUPPORTED:
        return scheme
    name = scheme.partition("+")[0]
    return DRIVERS.get({"sqlite3": "sqlite", "psql": "postgresql", "pgsql": "postgresql"}.get(name, name))


def _hidden(references: list[str], text: str) -> str:
    """A character that stands for a reference while a URL is taken apart."""
    references.append(text)
    return chr(_FIRST + len(references) - 1)


def _userinfo(rest: str) -> tuple[str, str, str]:
    """User, password and what follows them; the password may hold any sign, so the last `@` ends it."""
    userinfo, at, location = rest.rpartition("@")
    if not at:
        return "", "", rest
    username, _, password = userinfo.partition(":")
    return username, password, location


def _without_secret_options(draft: Draft, profile: ProfileDraft, rest: str, place: str) -> str:
    for _, name, value in _SECRET_OPTION.findall(rest):
        if name == "password":
            draft.put_secret(profile, ("password",), _decoded(value), place)
        else:
            draft.note(place, f"the option {name} is not carried over")
    stripped = _SECRET_OPTION.sub(r"\1", rest)
    return re.sub(r"[?&]+$", "", re.sub(r"([?&])&+", r"\1", stripped))


def _decoded(password: str) -> str:
    return password if "${" in password else unquote(password)
