"""Fixes with a command or code that `tests/fixes` does not paste: which test does, or why none does."""

from __future__ import annotations

import re

HOLDS_CODE = re.compile(
    r"""[\w.\]]+\ ?=\ ?[\w"'{\[(]|myfy-data\ |^--\w|^[A-Z]{4,}\ |"""
    r"""^(?:pip|apt-get|chmod|mkdir|chown|ls|df|kill|mv|rm|python|timedatectl)\ |"""
    r"""`|[@\w]\w*\(|\w\[\w|MYFY_DATA_""",
    re.VERBOSE,
)
"""Something that can be pasted: a command, a statement, a line of a file, an expression."""


ADVICE = {
    r"(?:start|correct|renew|remove|lower|raise|add|wait|run|plan|drop|put|check|connect)\b": (
        "it changes the server, the network or an account, and which one only its reader knows"
    ),
    r"(?:end|look|get|give|write|name|delete|make|read|roll|import|restart|rename|use)\b": (
        "it is work of the reader's on their own program, file or process, and nothing of ours stands in it"
    ),
}
"""Fixes that hold nothing to paste, by how they begin, and why none could be there."""


def is_advice(fix: str) -> bool:
    """Whether it holds nothing to paste, and says in words what only its reader can do."""
    return HOLDS_CODE.search(fix) is None and any(re.match(begins, fix) for begins in ADVICE)


PIECES = frozenset(
    {"sqlite", "postgresql", "mysql", "mariadb-install-db", "; or end the other one: {}", "write these:{}"}
)
"""Pieces of a fix that are filled into another one, or keys of a table of them."""


PASTED = {
    "myfy-data {}": "contract/commands/test_dev_programs.py::test_a_command_in_quotes_runs_as_the_fix_says",
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
    "SET GLOBAL {} = {}": "integration/test_doctor_limits.py::test_a_mysql_in_production_that_limits_nothing",
    "sqlite3 {} 'PRAGMA wal_checkpoint(TRUNCATE)'": (
        "integration/test_doctor_journal.py::test_a_log_that_no_checkpoint_has_ended"
    ),
    "sqlite3 {} 'PRAGMA journal_mode = wal'": (
        "integration/test_doctor_journal.py::test_a_file_without_a_log_is_not_mended_by_who_only_reads"
    ),
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
    "migrate past it, with the server's own address in MYFY_DATA_PROFILES__{}__DATABASE_URL and "
    "MYFY_DATA_PROFILES__{}__POOLER=none": (
        "integration/test_migrations_lock.py::test_through_pgbouncer_nothing_is_migrated"
    ),
    "Annotated[{}, Qualifier({})]": (
        "contract/in_myfy/test_myfy_profiles.py::test_a_misspelt_qualifier_of_a_handler_stops_the_start"
    ),
    "Annotated[AsyncSession, Qualifier({})]": (
        "contract/in_myfy/test_myfy_profiles.py::test_a_misspelt_qualifier_of_a_provider_stops_the_start"
    ),
    **dict.fromkeys(
        [
            '@pytest.mark.data({}), or myfy_data_profiles = "{}"',
            '@pytest.mark.data(isolation="database")',
            "await session.commit(), or {}",
            "commit or end the first session before the second begins, or {}",
            'faults.at("COMMIT", "lose_answer")',
            "scope='function', or store them in a migration",
        ],
        "kit/test_fixes.py::test_each_fix_of_a_test_helps",
    ),
    'data.refuse(sqlstate="40001")': "kit/test_fixes.py::test_the_fix_where_no_network_leads_helps",
    **dict.fromkeys(
        [
            'myfy_data_app = "app:data"',
            'myfy_data_schema = "none"',
            'myfy_data_schema = "metadata:app.models:Base.metadata"',
        ],
        "kit/test_fixes.py::test_each_fix_of_the_options_helps",
    ),
    'config/test.toml: [data.profiles.{}] database = "{}"': (
        "kit/test_fixes.py::test_the_fix_for_the_database_of_another_environment_helps"
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
    "send its statements one by one": "the statements are the user's",
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
    'send it in a session without isolation_level = "AUTOCOMMIT": in a transaction the server refuses that': (
        "test_postgresql_read_only runs with it"
    ),
    "chmod +x {}": "test_dev_programs follows it",
    "name a program in it": "which one is the user's to say",
    "have its first line name a program that is here, as #!/bin/sh": "the program is the user's",
    "end write transactions sooner, and read in sessions that are read-only: data.session(read_only=True)": "words",
    "load related rows with the first query, such as select(User).options(selectinload(User.orders)), or ask for all "
    "of them at once: .where(User.id.in_(ids))": "an example of another model's",
    'await it under asyncio.run(), or anyio.run(main, backend="asyncio"); tests of anyio have a fixture '
    "anyio_backend for that, which returns 'asyncio'": "words",
    "DataModule()": "it takes away what a test gave; every other test of the kit runs with it",
    "DataModule(settings=app.settings.{}), or one profile for each": "the field is the application's",
    "import the name at the top of the module, outside of `if TYPE_CHECKING`": "a line of the application's moves up",
    "use it in a test with the fixture `session`": "words; test_factories runs with it",
    "of factory_boy, in class Meta: sqlalchemy_session_factory = current_session": "test_factories runs with it",
    'tls = "disable"': "the address between test and server is the kit's; test_faults runs with it",
    "hand over a database of its own: rehearse_migrations(settings=DatabaseSettings(database_url=...))": (
        "the address is the reader's; the page on migrations in CI runs with it"
    ),
    "myfy-data config check --environment {}": "it tells what is wrong there, which nobody can know",
    "a fixture `anyio_backend` in conftest.py that returns 'asyncio'": "test_loops runs with one",
    'sqlstate="40001"': "test_faults runs with it",
    '[data.profiles.{}] database_url = "{}://user@localhost/shop_test"': "the address is the reader's",
    "call the application in the test's own loop, or {}": "words; test_hosts and test_loops run with both",
    "await the same call of the AsyncSession; for code that is synchronous: await session.run_sync(function)": "words",
}
"""Why it is not pasted; what it names is what other tests run with."""
