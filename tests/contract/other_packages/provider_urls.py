"""URLs as hosted databases hand them out and as other tools want them, with what they ask for (contract C16.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

STRENGTH = ("disable", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class ProviderURL:
    """One URL.

    Attributes:
        url: as it is handed out; hosts do not exist.
        tls: the mode of `tls` that must hold at least, once every fix was followed.
        says: keys with the values that they must have then.
    """

    url: str
    tls: str = "disable"
    says: dict[str, Any] = field(default_factory=dict)


def _postgresql(query: str, at_least: str, **says: Any) -> ProviderURL:
    return ProviderURL(f"postgresql://app@db.example:5432/shop{query and '?'}{query}", at_least, says)


def _mysql(query: str, at_least: str, **says: Any) -> ProviderURL:
    return ProviderURL(f"mysql://app@db.example:3306/shop{query and '?'}{query}", at_least, says)


def _settings(**server: str) -> dict[str, Any]:
    return {"server_settings": server}


URLS: dict[str, ProviderURL] = {
    "neon": _postgresql("sslmode=require&channel_binding=require", "verify-full"),
    "neon without sni": _postgresql(
        "sslmode=require&options=endpoint%3Dep-cool-darkness-123456",
        "require",
        connect_args=_settings(options="endpoint=ep-cool-darkness-123456"),
    ),
    "supabase pooler": _postgresql("pgbouncer=true", "prefer", pooler="pgbouncer"),
    "supabase on vercel": _postgresql("sslmode=require&supa=base-pooler.x", "require"),
    "prisma": _postgresql(
        "schema=app&connection_limit=3&pool_timeout=20&socket_timeout=5&connect_timeout=7",
        "prefer",
        connect_args=_settings(search_path="app"),
        pool_size=3,
        max_overflow=0,
        pool_timeout=20.0,
        command_timeout=5.0,
        connect_timeout=7.0,
    ),
    "prisma with tls": _postgresql("sslmode=require&sslaccept=strict&sslrootcert=ca.pem", "verify-full"),
    "prisma without verification": _postgresql("sslaccept=accept_invalid_certs", "require"),
    "heroku": ProviderURL("postgres://app@ec2-1-2-3-4.example:5432/d1abc", "prefer"),
    "heroku by node": _postgresql("sslmode=no-verify", "require"),
    "render": _postgresql("ssl=true", "verify-full"),
    "railway": ProviderURL("postgresql://postgres@containers-1.example:6543/railway", "prefer"),
    "planetscale by node": _mysql('ssl={"rejectUnauthorized":true}', "verify-full"),
    "planetscale by node, escaped": _mysql("ssl=%7B%22rejectUnauthorized%22%3Atrue%7D", "verify-full"),
    "planetscale by prisma": _mysql("sslaccept=strict", "verify-full"),
    "planetscale by python": _mysql("ssl_ca=ca.pem&ssl_verify_identity=true", "verify-full"),
    "tidb": _mysql("ssl_verify_cert=true&ssl_verify_identity=true&ssl_ca=ca.pem", "verify-full"),
    "tidb by jdbc": _mysql("sslMode=VERIFY_IDENTITY&enabledTLSProtocols=TLSv1.2,TLSv1.3", "verify-full"),
    "aws rds": _postgresql("sslmode=verify-full&sslrootcert=ca.pem", "verify-full"),
    "aws aurora": _mysql("ssl-mode=VERIFY_IDENTITY&ssl-ca=ca.pem", "verify-full"),
    "aws rds by jdbc": _mysql("useSSL=true&requireSSL=true&verifyServerCertificate=true", "verify-ca"),
    "google cloud sql": ProviderURL("postgresql://app@/shop?host=/cloudsql/project:europe-west1:main", "prefer"),
    "google cloud sql, mysql": ProviderURL("mysql://app@/shop?unix_socket=/cloudsql/project:europe-west1:main"),
    "azure": _postgresql("sslmode=require", "require"),
    "azure, mysql": _mysql("useSSL=true&requireSSL=false", "require"),
    "digitalocean": _postgresql("sslmode=require", "require"),
    "digitalocean, mysql": _mysql("ssl-mode=REQUIRED", "require"),
    "aiven": _postgresql("sslmode=require", "require"),
    "aiven, mysql": _mysql("ssl-mode=REQUIRED", "require"),
    "cockroachdb": _postgresql(
        "sslmode=verify-full&options=--cluster%3Dshop-123",
        "verify-full",
        connect_args=_settings(options="--cluster=shop-123"),
    ),
    "libpq options": _postgresql(
        "options=-c%20search_path%3Dapp%2Cpublic%20-c%20statement_timeout%3D5000",
        "prefer",
        connect_args=_settings(search_path="app,public"),
        statement_timeout=5.0,
    ),
    "jdbc": _postgresql(
        "ssl=true&currentSchema=app&ApplicationName=till&targetServerType=primary&prepareThreshold=0&socketTimeout=30",
        "verify-full",
        application_name="till",
        command_timeout=30.0,
    ),
    "jdbc, mysql": _mysql(
        "useSSL=true&verifyServerCertificate=false&serverTimezone=UTC&connectTimeout=5000&autoReconnect=true"
        "&useUnicode=true&characterEncoding=UTF-8&allowPublicKeyRetrieval=true",
        "require",
        connect_timeout=5.0,
    ),
    "go, mysql": _mysql(
        "tls=true&parseTime=true&loc=UTC&readTimeout=30s&timeout=5s", "verify-full", command_timeout=30.0
    ),
    "go without verification": _mysql("tls=skip-verify", "require"),
    "pgx": _postgresql("sslmode=verify-ca&pool_max_conns=7&pool_max_conn_lifetime=1h", "verify-ca", pool_size=7),
    "mysql, tls preferred": _mysql("ssl-mode=PREFERRED", "require"),
    "mysql, tls disabled": _mysql("ssl-mode=DISABLED", "disable", tls="disable"),
    "sslmode in capitals": _postgresql("sslmode=REQUIRE", "require"),
    "sslmode misspelt": _postgresql("sslmode=verify_ful", "verify-full"),
    "tls of two minds": _postgresql("sslmode=disable&sslaccept=strict", "verify-full"),
    "psql of postgresql 17": _postgresql("sslmode=require&sslnegotiation=direct", "require"),
    "a misspelt option": _postgresql("target_session_atrs=primary", "prefer"),
    "an option of nobody": _postgresql("frobnicate=1", "prefer"),
    "sqlite by python": ProviderURL("sqlite:///app.db?mode=ro&timeout=5&uri=true", says={"read_only": True}),
    "sqlite with tls": ProviderURL("sqlite:///app.db?sslmode=require"),
}
