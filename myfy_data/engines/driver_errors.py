"""Errors of the drivers as a server's answer makes them, for tests that provoke what production does."""

from __future__ import annotations


def postgresql_error(sqlstate: str) -> Exception:
    """Asyncpg's error of a SQLSTATE."""
    import asyncpg  # noqa: PLC0415 - the driver may be absent

    classes = (each for each in vars(asyncpg).values() if isinstance(each, type) and issubclass(each, Exception))
    kind = next((each for each in classes if getattr(each, "sqlstate", None) == sqlstate), asyncpg.PostgresError)
    error: Exception = kind("refused on purpose, by data.refuse()")
    error.sqlstate = sqlstate  # type: ignore[attr-defined]  # of every error of asyncpg's
    return error


def mysql_error(number: int, text: str) -> Exception:
    """The driver's error of a number."""
    from pymysql import err  # noqa: PLC0415 - as above

    kind: type[Exception] = err.error_map.get(number, err.OperationalError)
    return kind(number, text)
