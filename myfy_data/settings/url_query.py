"""What stands before and behind the `?` of a database URL: hosts with their ports, and options, each said once."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from myfy_data.redaction import looks_secret

_TLS_QUERY_KEYS = frozenset({"sslmode", "ssl"})
_TLS_BY_SSLMODE = {"allow": "prefer"}  # libpq's weaker word for the same promise: none

_LISTS = frozenset({"host", "port"})
"""What PostgreSQL's URL may say several times: each host is tried in turn."""


class URLError(Exception):
    """A URL that cannot be used: `message` and `fix` hold nothing of its secrets."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(message)


def split_hosts(text: str) -> list[tuple[str, int | None]]:
    """Hosts with their ports, as they stand behind `host=` with commas between.

    Raises:
        URLError: a host is empty, or a port is no number.
    """
    found: list[tuple[str, int | None]] = []
    for item in text.split(","):
        # An address of version 6 without brackets has colons of its own, and no port.
        is_name = item.startswith(("[", "/")) or item.count(":") < 2
        host, port = host_and_port(item) if is_name else (item, None)
        if host is None:
            raise URLError("a host of the query is empty", "write it as ?host=a:5432&host=b:5432")
        found.append((host, port))
    return found


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


def read_query(text: str, *, is_postgresql: bool) -> tuple[dict[str, str], str | None]:
    """The options of a URL's query, TLS excepted, and what TLS it asks for, in the words of the `tls` setting.

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
    for name, value in pairs:
        if name in query and name not in lists:
            raise URLError(f"the query says {name!r} twice", f"leave one {name}=... in the URL")
        query[name] = f"{query[name]},{value}" if name in query else value
    if lists:
        _join_ports(query)
    asked = [(name, query.pop(name)) for name in list(query) if name in _TLS_QUERY_KEYS]
    if len(asked) > 1:
        said = " and ".join(name for name, _ in asked)
        raise URLError(f"the query says twice what TLS is wanted: {said}", f"leave {asked[0][0]}=... alone in the URL")
    return query, _TLS_BY_SSLMODE.get(asked[0][1], asked[0][1]) if asked else None


def _check_name(name: str) -> None:
    if "@" in name:  # it may be `user?more:password@host`
        raise URLError(
            "there is an '@' behind a '?', so nobody can tell where the host begins",
            "write %3F for each '?' of user and password, and %40 for each '@' but the one before the host",
        )
    if looks_secret(name):
        raise URLError(
            f"a secret in the URL's query ({name}=...) would end up in logs",
            f"take {name} out of the query and give it as `password` or `password_file`",
        )


def _join_ports(query: dict[str, str]) -> None:
    """Put the ports of `host=a,b&port=1,2` to their hosts, as SQLAlchemy and libpq read them.

    Raises:
        URLError: they do not fit together.
    """
    if "host" not in query:
        return
    hosts = split_hosts(query["host"])
    ports = query.pop("port", "").split(",")
    if ports != [""]:
        if len(ports) not in (1, len(hosts)) or any(port is not None for _, port in hosts):
            raise URLError("the hosts and ports of the query do not fit", "write them as ?host=a:5432&host=b:5432")
        every = ports * len(hosts) if len(ports) == 1 else ports
        hosts = split_hosts(
            ",".join(f"{_in_brackets(host)}:{port}" for (host, _), port in zip(hosts, every, strict=True))
        )
    query["host"] = ",".join(
        _in_brackets(host) if port is None else f"{_in_brackets(host)}:{port}" for host, port in hosts
    )


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host
