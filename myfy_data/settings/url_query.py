"""What stands before and behind the `?` of a database URL: hosts with their ports, and options, each said once."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

from myfy_data.redaction import looks_secret, secret_behind

_TLS_QUERY_KEYS = frozenset({"sslmode", "ssl"})
_TLS_BY_SSLMODE = {
    "allow": "prefer",  # libpq's weaker word for the same promise: none
    **{mode: mode for mode in ("disable", "prefer", "require", "verify-ca", "verify-full")},
}

_LISTS = frozenset({"host", "port"})
"""What PostgreSQL's URL may say several times: each host is tried in turn."""

_NAME = r"([A-Z][A-Z0-9_]*)"  # in small letters it may be a password in the wrong place
_UNEXPANDED = re.compile(rf"\$(?:{_NAME}|\{{{_NAME}\}}|\({_NAME}\))|%{_NAME}%")
_PATH = re.compile(r"[\w./-]+\.[\w.-]*[A-Za-z]\w*")


TWICE = "the servers are given twice"


class URLError(Exception):
    """A URL that cannot be used: `message` and `fix` hold nothing of its secrets.

    Attributes:
        message: what is wrong.
        fix: what mends it.
        variable: the variable whose value was meant; its own source says how a reference to it is written there.
    """

    def __init__(self, message: str, fix: str, variable: str = "") -> None:
        self.message = message
        self.fix = fix
        self.variable = variable
        super().__init__(message)


def split_hosts(text: str) -> list[tuple[str, int | None]]:
    """Hosts with their ports, as they stand behind `host=` with commas between.

    Raises:
        URLError: a host is empty, or a port is no number.
    """
    found: list[tuple[str, int | None]] = []
    for item in text.split(","):
        # An address of version 6 without brackets has colons of its own, and no port; so have Google's sockets.
        is_name = item.startswith("[") or item.count(":") < 2
        host, port = host_and_port(item) if is_name else (item, None)
        if host is None:
            raise URLError("a host of the query is empty", "write it as ?host=a:5432&host=b:5432")
        found.append((host, port))
    return found


def split_netloc(netloc: str) -> list[tuple[str | None, int | None]]:
    """Hosts with their ports, as libpq has them between `//` and `/`; mostly one.

    Raises:
        URLError: a host of several is empty, or a port is no number.
    """
    if "," not in netloc:
        return [host_and_port(netloc)]
    found = [host_and_port(item) for item in netloc.split(",")]
    if any(host is None for host, _ in found):
        raise URLError("a host of the URL is empty", "write it as postgresql+asyncpg://a:5432,b:5432/main")
    return found


def address_text(host: str, port: int | None) -> str:
    """A host and its port as one text, which `split_hosts` takes apart again."""
    return _in_brackets(host) if port is None else f"{_in_brackets(host)}:{port}"


def host_and_port(netloc: str) -> tuple[str | None, int | None]:
    """A host and its port, as they stand between `//` and `/`.

    Raises:
        URLError: the port is no number.
    """
    if netloc.startswith("["):
        host, _, port = netloc[1:].partition("]")
        colon, port = port[:1], port.removeprefix(":")
    else:
        host, colon, port = netloc.partition(":")
    if not colon:
        return unquote(host) or None, None
    # Nothing behind the colon is no port either: it may be `user:/password` whose `@host` was forgotten.
    # isascii: str.isdigit accepts digits that int() reads but no server expects.
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise URLError(
            "the port is not a number from 1 to 65535",
            "write it as host:5432; a ':', '/' or '?' inside the password must be written %3A, %2F or %3F",
        )
    return unquote(host) or None, int(port)


def read_query(text: str, *, is_postgresql: bool) -> tuple[dict[str, str], str | None, str]:
    """The options of a URL's query, what TLS it asks for in the words of the `tls` setting, and by which option.

    An option that asks for TLS in other words stays among the others, and is refused with them (`validation.tls`).

    Args:
        text: what stands behind the `?`.
        is_postgresql: whether `host` and `port` may be lists.

    Raises:
        URLError: an option is said twice, is a secret, or cannot be read.
    """
    lists = _LISTS if is_postgresql else frozenset()
    pairs = parse_qsl(text, keep_blank_values=True)
    for name, _ in pairs:
        _check_name(name)
    query: dict[str, str] = {}
    if not pairs:
        return query, None, ""
    for name, value in pairs:
        if name in query and name not in lists:
            raise URLError(f"the query says {name!r} twice", f"leave one {name}=... in the URL")
        query[name] = f"{query[name]},{value}" if name in query else value
    if lists and "host" in query:
        _join_ports(query)
    asked = [name for name in query if name in _TLS_QUERY_KEYS]
    if len(asked) > 1:
        raise URLError(f"the query says twice what TLS is wanted: {' and '.join(asked)}", _one_tls(query, asked))
    mode = _TLS_BY_SSLMODE.get(query[asked[0]]) if asked else None
    if mode is None:
        return query, None, ""
    del query[asked[0]]
    return query, mode, asked[0]


def _one_tls(query: dict[str, str], asked: list[str]) -> str:
    """Which of two words for TLS stays: one that is known and promises no less than the other."""
    known = list(_TLS_BY_SSLMODE)
    stays = max(asked, key=lambda name: known.index(query[name]) if query[name] in known else len(known))
    return f"leave {stays}=... alone in the URL"


def refuse_secret_behind(location: str) -> None:
    """Refuse `;password=` and `#password=`, which other tools read as options, and which would be a name's end here.

    Raises:
        URLError: there is one.
    """
    if found := secret_behind(location):
        _check_name(found[1].strip())


def _check_name(name: str) -> None:
    if "@" in name:  # it may be `user?more:password@host`
        raise URLError(
            "there is an '@' behind a '?', so nobody can tell where the host begins",
            "write %3F for each '?' of user and password, and %40 for each '@' but the one before the host",
        )
    if name.lower().replace("_", "").replace("-", "") in ("sslkey", "tlskey"):  # a file, and not its content
        raise URLError(
            f"{name} is no option of a URL here: the key has a key of its own",
            f"take {name} out of the query and give the file as `tls_key`, beside `tls_cert`",
        )
    if looks_secret(name):
        raise URLError(
            f"a secret in the URL ({name}=...) would end up in logs",
            f"take {name} out of the query and give it as `password` or `password_file`",
        )


def _join_ports(query: dict[str, str]) -> None:
    """Put the ports of `host=a,b&port=1,2` to their hosts, as SQLAlchemy and libpq read them.

    Raises:
        URLError: they do not fit together.
    """
    hosts = split_hosts(query["host"])
    ports = query.pop("port", "").split(",")
    if ports != [""]:
        if len(ports) not in (1, len(hosts)) or any(port is not None for _, port in hosts):
            raise URLError("the hosts and ports of the query do not fit", "write them as ?host=a:5432&host=b:5432")
        every = ports * len(hosts) if len(ports) == 1 else ports
        hosts = split_hosts(
            ",".join(f"{_in_brackets(host)}:{port}" for (host, _), port in zip(hosts, every, strict=True))
        )
    query["host"] = ",".join(address_text(host, port) for host, port in hosts)


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def no_url(text: str) -> URLError:
    """What is wrong with text that holds no `://`."""
    if variable := _UNEXPANDED.fullmatch(text):
        name = next(filter(None, variable.groups()))
        # In single quotes, and in files, a shell puts no value there.
        message = f"is the name of the variable {name}: nothing has put its value in that place"
        return URLError(message, f'database_url = "${{{name}}}"', name)
    if text.startswith(("sqlite:", "file:")):
        return URLError("not a database URL", f"write it as {sqlite_url(text.partition(':')[2])}")
    return URLError("not a database URL", "write it as postgresql+asyncpg://user@host:5432/name")


def sqlite_url(path: str) -> str:
    """The URL of a file, where its path can be shown; anything else may hold a secret."""
    shown = path.removeprefix("./") if _PATH.fullmatch(path) else "app.db"
    return f"sqlite+aiosqlite:///{shown}" if shown.startswith("/") else f"sqlite+aiosqlite:///./{shown}"
