"""Fixes that hold a command or code and that `tests/fixes` does not paste: who does, and what nobody pastes and why."""

from __future__ import annotations

import re

_HOLDS_CODE = re.compile(
    r"""^[\w.]+\ =\ |myfy-data\ |^--\w|^[A-Z]{4,}\ |"""
    r"""^(?:pip|apt-get|chmod|mkdir|chown|ls|df|kill|mv|rm|python|timedatectl)\ """,
    re.VERBOSE,
)


def holds_code(fix: str) -> bool:
    """Whether it is a command, a statement or a line of a file. Python has trials where they can be made."""
    return _HOLDS_CODE.search(fix) is not None


PASTED = {
    "myfy-data config migrate .env": "contract/test_printed_fixes.py::test_following_the_fix_helps",  # with its words
    'metadata = "{}"': "contract/test_printed_fixes.py::test_following_the_fix_helps",  # filled in, it is the others
    "{}; if the server wants TLS: {}": (
        "integration/test_tls_matrix.py::test_a_mariadb_that_lets_nobody_in_without_tls_says_so_in_the_fix"
    ),
    "{}; or {}": "applications/test_lazy_loads.py::test_the_attribute_is_named_and_loaded_as_the_fix_says",
    "{}; or, where the database has all of it already, as from create_all: {}": (
        "contract/migrations/test_newcomers.py::test_tables_that_create_all_made_are_adopted_as_the_fix_says"
    ),
    "--wait {}": "integration/test_ping_wait.py::test_a_server_that_stays_silent_is_told_with_a_longer_wait",
    "ALTER DATABASE {} SET {} = '60s'": "integration/test_doctor.py::test_a_server_in_production_that_limits_nothing",
    "profiles.{}.read_only = true": "integration/test_doctor.py::test_a_server_that_takes_no_writes",
    "profiles.{}.max_overflow = 10": "integration/test_doctor.py::test_no_limit_at_all",
    "myfy-data config migrate {}": "unit/cli/test_migrate.py::test_a_directory_leads_to_a_file_in_it",
    "myfy-data config migrate {} > {}": "unit/cli/test_migrate.py::test_it_writes_over_no_file_and_the_fix_helps",
    'reads.from = "prefer-replica" lets the primary serve them': (
        "integration/test_cluster_own_writes.py::test_a_replica_alone_is_refused_and_both_fixes_work"
    ),
    'data.session(read_only=True, read_from="primary"); or reads.consistency = "eventual", which may miss it': (
        "integration/test_cluster_own_writes.py::test_a_replica_alone_is_refused_and_both_fixes_work"
    ),
    'tls = "verify-full", or "require" where you trust the line': (
        "integration/test_tls_matrix.py::test_a_mariadb_that_lets_nobody_in_without_tls_says_so_in_the_fix"
    ),
    "wait longer, with --lock-timeout {} or lock_timeout = {} in [data.profiles.{}.migrations]": (
        "integration/test_migrations_lock.py::test_a_lock_that_could_not_be_had_is_waited_for_as_the_fix_says"
    ),
    "ALTER ROLE {} CREATEDB": "contract/test_printed_fixes.py::test_who_may_not_create_databases_may_after_the_fix",
    "GRANT ALL ON {}.* TO {}": "contract/test_printed_fixes.py::test_who_may_not_create_databases_may_after_the_fix",
    "GRANT ALL ON DATABASE {} TO {}; GRANT ALL ON SCHEMA public TO {}": (
        "contract/test_printed_fixes.py::test_who_may_not_mark_a_database_may_after_the_fix"
    ),
    "myfy-data db merge{}": "contract/migrations/test_honest_commands.py::test_two_heads_are_merged_as_the_fix_says",
    "myfy-data db {} {}{}": "contract/migrations/test_newcomers.py::test_a_name_that_is_none_leads_to_one_that_is",
    "myfy-data db {} {}{}{}": "contract/migrations/test_newcomers.py::test_a_name_that_is_none_leads_to_one_that_is",
    "deploy the code that has it; or, where its history was squashed into one revision that says the same: "
    "myfy-data db stamp --purge head --profile {}": (
        "contract/migrations/test_honest_commands.py::test_a_squashed_history_is_adopted_as_the_fix_says"
    ),
    "{}; or undo these by hand, then: myfy-data db stamp REVISION --profile {}": (
        "integration/test_migrations_half_done.py::test_it_is_finished_as_the_fix_says"
    ),
    "await session.refresh({})": (
        "applications/test_lazy_loads.py::test_what_has_expired_is_refreshed_as_the_fix_says"
    ),
}
"""The test that pastes it, by fix."""

PACKAGES = frozenset(
    {
        "pip install aiosqlite",
        "pip install cryptography",
        'pip install "myfy-data[{}]"',
        "pip install 'myfy-data[postgresql]'",
        "pip install 'myfy-data[mysql]'",
        "pip install 'myfy-data[retry]'",
        'pip install "myfy-data[prometheus]"',
    }
)
"""Nothing is installed by a test; that such a package or extra is there, one looks up in `pyproject.toml`."""

OF_THE_MACHINE = frozenset(
    {
        "apt-get install {}",
        "chmod u+rw {}",
        "chmod u+w {}",
        "chown $(id -u) {}",
        "df -h {}",
        "kill {}",
        "ls -la {}",
        "ls -ld {}",
        "pip uninstall {}",
        "timedatectl set-ntp true",
        "CREATE EXTENSION pg_stat_statements",
    }
)
"""It changes or shows the machine, or a server that is everybody's; root, as CI is, lacks no right."""

IN_WORDS = {
    'tls = "verify-full", or have the server ask for scram-sha-256 (pg_hba.conf)': "verified TLS is the matrix's",
    'profiles.{}.tls = "verify-full"': "so it is",
    'name the authority that signed it, tls_ca = "/path/to/ca.crt"': "so it is, with the authority",
    'name its authority, tls_ca = "/path/to/ca.crt"': "so it is",
    'password_file = "/path/to/a/file/with/the/password"': "the path is the user's",
    'pooler = "pgbouncer"': "test_pgbouncer runs with it",
    'profiles.{}.pooler = "pgbouncer"': "so it does",
    'journal_mode = "{}"': "a file system without shared memory",
    "put it back, or begin anew: a module that starts, or an engine after `dispose()`, creates an empty one": "words",
    "put the statements that ran back, in their order; or undo them by hand, then: myfy-data db stamp REVISION": "work",
    "await data.stop() in that loop, or run the application in it (httpx.ASGITransport does, in tests)": "words",
    "end write transactions sooner, and read in sessions that are read-only: data.session(read_only=True)": "words",
    "load related rows with the first query, such as select(User).options(selectinload(User.orders)), or ask for all "
    "of them at once: .where(User.id.in_(ids))": "an example of another model's",
    'await it under asyncio.run(), or anyio.run(main, backend="asyncio"); tests of anyio have a fixture '
    "anyio_backend for that, which returns 'asyncio'": "words",
    "await the same call of the AsyncSession; for code that is synchronous: await session.run_sync(function)": "words",
}
"""Why it is not pasted; what it names is what other tests run with."""

OTHER_ROOMS = re.compile(r"testing/|integrations/|module/myfy/|asgi|sessions/unit_of_work|module/missing_tables")
"""Code in an application of a host or in a test: `tests/hosts`, `tests/kit` and `test_docs` run with what they name."""
