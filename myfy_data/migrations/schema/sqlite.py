"""SQLite keeps the text of each CREATE statement."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Connection, text

_OBJECTS = """
SELECT sql FROM sqlite_schema AS found
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  AND lower(tbl_name) NOT IN (SELECT value FROM json_each(:hidden))
  AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 WHEN 'view' THEN 3 ELSE 4 END, name
"""


def read_schema(connection: Connection, hidden: list[str]) -> Iterator[str]:
    """The statements that make the schema, without tables of ours.

    Args:
        connection: the database.
        hidden: names of tables to leave out, in lower case.
    """
    rows = connection.execute(text(_OBJECTS), {"hidden": json.dumps(hidden)})
    yield from (row.sql for row in rows)
