"""What a MariaDB server's answers mean, without a server (contract C11.3; ADR 46)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pymysql.err import InternalError, OperationalError

from myfy_data import DatabaseConnectionError, DatabaseSettings
from myfy_data.engines.connect.look import Look
from myfy_data.engines.mysql.backend import MySQL
from myfy_data.engines.mysql.look import Answers, read_look

NODE = {
    "SLAVES_RUNNING": "0",
    "WSREP_CLUSTER_CONF_ID": "3",
    "WSREP_CLUSTER_STATE_UUID": "u",
    "WSREP_CLUSTER_STATUS": "Primary",
    "WSREP_LOCAL_STATE": "4",
    "WSREP_LOCAL_STATE_COMMENT": "Synced",
    "WSREP_PROVIDER_NAME": "Galera",
    "WSREP_READY": "ON",
}


def source(receives: str = "Yes", applies: str = "Yes", behind: int | None = 0, error: str = "") -> dict[str, Any]:
    """A row of `SHOW ALL SLAVES STATUS`."""
    running = {"Slave_IO_Running": receives, "Slave_SQL_Running": applies, "Seconds_Behind_Master": behind}
    return {**running, "Master_Server_Id": 1, "Last_SQL_Error": error, "Last_IO_Error": ""}


def look(
    *sources: dict[str, Any], refuses: bool = True, is_exempt: bool = False, status: Mapping[str, str] | None = None
) -> Look:
    return read_look(Answers(refuses, "2", "app@%", is_exempt, status or {"SLAVES_RUNNING": "0"}, sources))


def test_a_server_that_takes_writes_and_follows_nobody_is_a_primary() -> None:
    assert look(refuses=False) == Look(is_primary=True, member="2", lag=0.0)


def test_a_source_that_was_stopped_by_hand_is_none() -> None:
    assert look(source("No", "No", None), refuses=False).is_primary


@pytest.mark.parametrize("refuses", [True, False])
@pytest.mark.parametrize(
    ("row", "follows", "lag"),
    [
        (source(behind=7), True, 7.0),
        (source("Connecting", behind=None), False, None),
        (source("Yes", "No", None), True, None),
        (source("No", "Yes", None), False, None),
    ],
)
def test_a_replica(row: dict[str, Any], follows: bool, lag: float | None, refuses: bool) -> None:
    found = look(row, refuses=refuses)

    assert (found.is_primary, found.follows, found.lag) == (False, follows, lag)


def test_of_several_sources_the_one_that_is_furthest_behind_counts() -> None:
    assert look(source(behind=1), source(behind=9)).lag == 9.0
    assert look(source(behind=1), source("Yes", "No", None)).lag is None


def test_a_server_that_refuses_writes_and_follows_nobody_is_none_of_both() -> None:
    found = look()

    assert (found.is_primary, found.follows, found.lag) == (False, False, None)


@pytest.mark.parametrize(
    ("refuses", "is_exempt", "cut_off"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_what_would_be_taken_is_cut_off(refuses: bool, is_exempt: bool, cut_off: bool) -> None:
    assert look(source(), refuses=refuses, is_exempt=is_exempt).cut_off is cut_off


@pytest.mark.parametrize(("applying", "follows"), [("1", None), ("0", False)])
def test_an_account_that_may_not_see_the_sources(applying: str, follows: bool | None) -> None:
    found = read_look(Answers(True, "2", "a@b@%", False, {"SLAVES_RUNNING": applying}, None))

    assert (found.is_primary, found.follows, found.lag) == (False, follows, None)
    assert found.hint == "GRANT SLAVE MONITOR ON *.* TO 'a@b'@'%'"


def test_such_an_account_takes_a_server_that_applies_for_a_replica_whatever_it_refuses() -> None:
    assert not read_look(Answers(False, "2", "app@%", False, {"SLAVES_RUNNING": "1"}, None)).is_primary
    assert read_look(Answers(False, "2", "app@%", False, {"SLAVES_RUNNING": "0"}, None)).is_primary


def test_a_node_that_is_synchronised() -> None:
    expected = Look(is_primary=True, system="u", timeline=3, lag=0.0, peers="u")

    assert look(refuses=False, status=NODE) == expected


@pytest.mark.parametrize(
    ("change", "follows", "is_cut_off"),
    [
        ({"WSREP_LOCAL_STATE": "2", "WSREP_LOCAL_STATE_COMMENT": "Donor/Desynced"}, True, False),
        ({"WSREP_CLUSTER_STATUS": "non-Primary"}, False, True),
        ({"WSREP_READY": "OFF"}, False, True),
    ],
)
def test_a_node_that_is_not(change: dict[str, str], follows: bool, is_cut_off: bool) -> None:
    found = look(refuses=False, status=NODE | change)

    assert (found.is_primary, found.lag, found.follows, found.cut_off) == (False, None, follows, is_cut_off)
    assert change.get("WSREP_LOCAL_STATE_COMMENT", "Synced") in found.reason


@pytest.mark.parametrize(("number", "progress"), [("17", {"u": 17}), ("-1", {}), ("", {})])
def test_a_node_counts_the_transactions_of_its_cluster(number: str, progress: Mapping[str, int]) -> None:
    assert look(refuses=False, status=NODE | {"WSREP_LAST_COMMITTED": number}).progress == progress


def test_a_primary_counts_what_it_logged_and_a_replica_what_it_has() -> None:
    gtids: Any = {"logged": "0-1-7,3-1-2", "applied": "0-1-5"}
    status = {"SLAVES_RUNNING": "0"}

    assert read_look(Answers(False, "1", "app@%", False, status, [], **gtids)).progress == {"0": 7, "3": 2}
    assert read_look(Answers(False, "1", "app@%", False, status, None, **gtids)).progress == {"0": 7, "3": 2}
    assert read_look(Answers(True, "1", "app@%", False, status, [source()], **gtids)).progress == {"0": 5}


def test_a_node_that_is_read_only_serves_readers() -> None:
    found = look(refuses=True, status=NODE)

    assert (found.is_primary, found.lag) == (False, 0.0)


def backend() -> MySQL:
    settings = DatabaseSettings(database_url="mysql://app@127.0.0.1/d")
    return MySQL("main", settings, MySQL.build_arguments(settings))


class Oracles:
    """A connection to a server of MySQL's."""

    def get_server_info(self) -> str:
        """Its version."""
        return "8.4.3"


def test_mysql_is_refused_in_words() -> None:
    with pytest.raises(DatabaseConnectionError, match="several servers are watched on MariaDB and Galera"):
        asyncio.run(backend().look(Oracles()))


@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        (OperationalError(1053, "Server shutdown in progress"), True),
        (OperationalError(2013, "Lost connection to MySQL server during query"), True),
        (OperationalError(1047, "WSREP has not yet prepared node for application use"), True),
        (InternalError(1047, "Unknown command"), False),
        (OperationalError(1045, "Access denied"), False),
        (OperationalError(1049, "Unknown database"), False),
        (OperationalError(), False),
    ],
)
def test_which_failures_to_connect_another_server_may_help(error: Exception, is_away: bool) -> None:
    assert backend().is_away(error) is is_away
