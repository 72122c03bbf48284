"""What a test in a transaction sends to its server: nothing that the run knows already (contract C13.1)."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import make_url

from myfy_data.testing.proxy import Connection, Proxy
from tests.kit.conftest import Server
from tests.kit.project import KitProject

STORES = """
@pytest.mark.parametrize("number", range({number}))
async def test_one(number):
    await store("a")
"""


def test_a_test_asks_its_server_only_once_what_sqlalchemy_asks_on_first_connections(
    kit_project: KitProject, postgresql: Server
) -> None:
    url, heard = make_url(postgresql.url()), Counter[str]()

    def hear(connection: Connection, sql: str, message: bytes) -> None:
        heard[sql.split(maxsplit=1)[0].upper()] += 1
        connection.to_server(message)

    assert url.host is not None
    proxy = Proxy("postgresql", (url.host, url.port or 5432))
    port = proxy.start(hear)
    try:
        through = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        kit_project.profile(through, more='tls = "disable"')
        kit_project.run(STORES.format(number=1))  # makes the database and its tables
        sent = []
        for number in (1, 4):
            heard.clear()
            result = kit_project.run(STORES.format(number=number))
            assert result.passed, result.output
            sent.append(Counter(heard))
    finally:
        proxy.close()
    few, many = sent
    assert many - few == {"BEGIN": 3, "SAVEPOINT": 3, "INSERT": 3, "SET": 3}
