"""Alembic's environment for the profile 'main': the library connects, locks and configures.

Both `myfy-data db` and `alembic` run it. The database comes from myfy.toml; there is no URL here, and no secret.
"""

from myfy_data.migrations import run_env

# More arguments of Alembic's context.configure go in here, such as compare_server_default=True or include_object=...
run_env()
