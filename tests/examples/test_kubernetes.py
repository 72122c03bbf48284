"""The manifest of the page on Kubernetes fits what the hosts answer and how long they take (contract C12.1)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import kubernetes_validate
import pytest
import yaml

from myfy_data import DatabaseSettings, DataModule
from myfy_data.cli.app import main
from myfy_data.health.readiness import DEADLINE
from tests.pages import ROOT

MANIFEST = ROOT / "examples" / "kubernetes" / "deployment.yaml"
PAGE = ROOT / "docs" / "how-to" / "kubernetes.md"


VERSIONS = kubernetes_validate.utils.all_versions()


@pytest.fixture
def deployment() -> dict[str, Any]:
    """The whole manifest."""
    manifest: dict[str, Any] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return manifest


@pytest.fixture
def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    """The pod's spec."""
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def probes(pod: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, probe in pod["containers"][0].items():
        if name.endswith("Probe"):
            yield name, probe


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_the_manifest_is_one_by_the_schemas_of_kubernetes(deployment: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(deployment, version, strict=True)

    for breaks in (
        lambda spec: spec["containers"][0].update(livenesProbe={}),
        lambda spec: spec["containers"][0]["readinessProbe"].update(periodSeconds="2"),
        lambda spec: spec["containers"][0]["lifecycle"].update(preStop={"exec": {"command": "sleep 5"}}),
        lambda spec: spec["volumes"][0].pop("name"),
    ):
        broken = deepcopy(deployment)
        breaks(broken["spec"]["template"]["spec"])
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(broken, version, strict=True)


def test_each_probe_asks_a_path_that_is_answered(pod: dict[str, Any]) -> None:
    module = DataModule(settings=DatabaseSettings(database_url="sqlite+aiosqlite:///:memory:"), health="/health")
    asked = {name: probe["httpGet"]["path"] for name, probe in probes(pod)}

    assert set(asked) == {"startupProbe", "livenessProbe", "readinessProbe"}
    assert set(asked.values()) <= set(module.endpoints.answers)


def test_liveness_asks_no_database_and_readiness_does(pod: dict[str, Any]) -> None:
    asked = {name: probe["httpGet"]["path"] for name, probe in probes(pod)}

    assert (asked["livenessProbe"], asked["readinessProbe"]) == ("/health/live", "/health/ready")


def test_each_probe_asks_a_port_of_the_container(pod: dict[str, Any]) -> None:
    ports = {port["name"] for port in pod["containers"][0]["ports"]}

    assert {probe["httpGet"]["port"] for _, probe in probes(pod)} <= ports


def test_a_probe_waits_longer_than_the_answer_takes(pod: dict[str, Any]) -> None:
    assert all(probe["timeoutSeconds"] > DEADLINE for _, probe in probes(pod))


def test_the_end_fits_in_the_grace_period(pod: dict[str, Any]) -> None:
    before = float(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    drain = 5.0
    closing = DatabaseSettings().close_timeout

    assert pod["terminationGracePeriodSeconds"] > before + drain + closing


def test_the_init_container_runs_a_command_that_there_is(
    pod: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    [init] = pod["initContainers"]
    program, *arguments = init["command"]

    assert program == "myfy-data"
    assert main([*arguments, "--help"]) == 0
    assert "--wait SECONDS" in capsys.readouterr().out


def test_service_links_are_off(pod: dict[str, Any]) -> None:
    assert pod["enableServiceLinks"] is False
