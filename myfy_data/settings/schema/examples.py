"""What a value of each key looks like, for editors that offer one and for readers; each passes the schema itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EXAMPLES: Mapping[str, list[Any]] = {
    "environment": ["production", "staging", "${APP_ENVIRONMENT:-development}"],
    "default": ["main"],
    "secrets_dir": ["/run/secrets"],
    "capacity": [{"instances": 6, "workers": 4, "surge": 0.25}],
    "capacity.instances": [6],
    "capacity.workers": [4],
    "reload": [{"watch": True}],
    "driver": ["postgresql", "mysql", "sqlite"],
    "host": ["db.internal", "${DB_HOST:-localhost}"],
    "port": [5432, 3306],
    "username": ["app"],
    "password": ["${DB_PASSWORD}"],
    "password_file": ["/run/secrets/db"],
    "database": ["shop"],
    "credentials": ["app.tokens:database_token", "file"],
    "credentials_options": [{"path": "/run/secrets/db.json"}],
    "query": [{"target_session_attrs": "primary"}],
    "execution_options": [{"logging_token": "shop"}],
    "connect_args": [{"server_settings": {"jit": "off"}}],
    "engine_options": [{"query_cache_size": 1000}],
    "pool_leak_detection_threshold": [30.0],
    "statement_timeout": [5.0],
    "tls_ca": ["/etc/ssl/db-ca.pem"],
    "tls_cert": ["certificates/client.pem"],
    "tls_key": ["certificates/client.key"],
    "application_name": ["shop-web"],
    "migrations.directory": ["migrations/main"],
    "migrations.metadata": ["app.models:Base.metadata"],
    "sqlite": [{"busy_timeout": 10.0}],
    "migrations": [{"metadata": "app.models:Base.metadata"}],
    "slow": [{"statement": 0.5, "wait": 0.1}],
    "slow.statement": [0.5],
    "slow.wait": [0.1],
    "slow.transaction": [5.0],
    "seeds": [{"environments": ["development", "test"]}],
    "cluster": [{"failover_timeout": 30.0}],
    "reads": [{"from": "prefer-replica", "max_lag": 2.0}],
    "reads.pool_size": [10],
    "reads.hosts": [["db2.internal:5432"]],
    "extends": ["main"],
}
"""For keys whose type and default say too little."""

_BY_TYPE: Mapping[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [1],
    "number": [1.0],
}
"""Where these show nothing, the key has examples of its own."""


def examples_of(key: str, told: Mapping[str, Any]) -> list[object]:
    """The examples of a key: its own, else its words, its default, or what its type has.

    Args:
        key: the key, its table before a dot.
        told: the key's JSON Schema.
    """
    if said := told.get("examples") or _EXAMPLES.get(key) or told.get("enum"):
        return list(said)
    kind = told["type"] if isinstance(told["type"], str) else told["type"][0]
    default = told.get("default")
    if kind in ("boolean", "object") or default is None:  # a table's default holds keys that are not set
        return _BY_TYPE[kind]
    return [default]
