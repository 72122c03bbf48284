"""Tokens on Galera: the numbers that a cluster gives its transactions (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from myfy_data.engines.cluster.token import Token
from myfy_data.engines.connect.position import Position
from myfy_data.engines.mysql.backend import MySQL
from myfy_data.engines.mysql.position import POSITIONS
from tests.asyncio_servers import PATIENCE
from tests.clusters.galera import GaleraCluster
from tests.clusters.profiles import running, until
from tests.integration.test_cluster_galera import profile, table, writer_and_others
from tests.integration.test_cluster_mariadb import ports
from tests.integration.test_cluster_own_writes import in_another_task
from tests.integration.test_cluster_tokens import TIMES, insert

pytestmark = pytest.mark.mysql

__all__ = ["table"]

READS = {"from": "prefer-replica", "max_lag": 3600.0, "wait": PATIENCE}


async def test_no_read_after_a_token_misses_the_row(galera: GaleraCluster, table: str) -> None:
    """Nodes are mostly so near that one without a token would not, either: the next test shows that they are asked."""
    async with running(profile(galera, table, reads=READS)) as data:
        await until(lambda: [host.role for host in data.cluster().hosts].count("replica") == 2)
        stale, found = 0, set()
        for number in range(TIMES):
            token = await in_another_task(lambda number=number: insert(data, number))  # type: ignore[misc]  # a default
            async with data.session(read_only=True, after=token) as session:
                row = await session.execute(text(f"SELECT @@port, count(*) FROM t WHERE i = {number}"))
                port, seen = row.one()
            found.add(port)
            stale += seen == 0

        _, others = writer_and_others(galera, data)
        assert stale == 0
        assert found & {node.port for node in others}


async def test_a_read_waits_for_the_number_of_its_token(
    galera: GaleraCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bool] = []

    def reaches(row: Sequence[Any], position: str) -> bool:
        answers.append(POSITIONS.reaches(row, position))
        return answers[-1]

    monkeypatch.setattr(MySQL, "positions", replace(POSITIONS, reaches=reaches))
    async with running(profile(galera, table, reads=READS)) as data:
        await until(lambda: [host.role for host in data.cluster().hosts].count("replica") == 2)
        _, others = writer_and_others(galera, data)
        token = Token.parse(await in_another_task(lambda: insert(data, 1)))
        assert token is not None
        assert token.position is not None
        cluster, number = token.position.text.split(":")
        assert token.position == Position(f"{cluster}:{number}", cluster)
        ahead = Token(Position(f"{cluster}:{int(number) + 1}", cluster)).text

        read = asyncio.create_task(ports(data, 1, read_only=True, after=ahead))
        await until(lambda: False in answers)
        assert not read.done()
        await in_another_task(lambda: insert(data, 2))
        assert set(await read) <= {node.port for node in others}
