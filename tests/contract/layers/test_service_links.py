"""Contract C3.6: what Kubernetes sets for a Service called myfy-data."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, warnings
from tests.sandbox import Sandbox


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MYFY_DATA_SERVICE_HOST", "10.0.0.1"),
        ("MYFY_DATA_SERVICE_PORT", "80"),
        ("MYFY_DATA_SERVICE_PORT_HTTP", "80"),
        ("MYFY_DATA_PORT", "tcp://10.0.0.1:5432"),
        ("MYFY_DATA_PORT_5432_TCP", "tcp://10.0.0.1:5432"),
        ("MYFY_DATA_PORT_5432_TCP_PROTO", "tcp"),
        ("MYFY_DATA_PORT_5432_TCP_PORT", "5432"),
        ("MYFY_DATA_PORT_53_UDP_ADDR", "10.0.0.1"),
        ("MYFY_DATA_REPLICA_SERVICE_HOST", "10.0.0.1"),
        ("MYFY_DATA_REPLICA_PORT", "tcp://10.0.0.1:5432"),
    ],
)
def test_service_links_of_kubernetes_are_ignored_with_a_note(project: Sandbox, name: str, value: str) -> None:
    assert warnings(environ={name: value}) == [
        (
            f"env {name}: ignored: Kubernetes sets it for a Service of that name\n"
            "  fix: set enableServiceLinks: false in the pod's spec"
        )
    ]


def test_service_links_are_no_port_of_ours(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndriver = "postgresql"\nport = 6000\n')

    assert project.load(environ={"MYFY_DATA_PORT": "tcp://10.0.0.1:5432"}).profile().port == 6000


def test_service_links_do_not_hide_a_port_of_ours(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndriver = "postgresql"\n')

    assert project.load(environ={"MYFY_DATA_PORT": "6000"}).profile().port == 6000


def test_service_links_are_no_excuse_for_two_underscores(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN)

    assert "expected a whole number" in only_problem(environ={"MYFY_DATA_PROFILES__MAIN__PORT": "tcp://10.0.0.1:5432"})
