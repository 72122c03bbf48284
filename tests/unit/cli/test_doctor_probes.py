"""`doctor` looks at the probes in the project's manifests (C12.6): each broken one, and the fix that mends it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from myfy_data.cli.doctor.finding import Finding
from myfy_data.cli.doctor.probes import probe_findings
from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run

MANIFEST = (Path(__file__).parents[3] / "examples/kubernetes/deployment.yaml").read_text(encoding="utf-8")
LIVE, READY = "path: /health/live", "path: /health/ready"


def told(folder: Path) -> list[Finding]:
    return list(probe_findings(folder))


def written(project: Sandbox, text: str, name: str = "deploy/shop.yaml") -> Path:
    assert project.write(name, text).is_file()
    return project.path


def test_the_manifest_of_the_page_is_well(project: Sandbox) -> None:
    [finding] = told(written(project, MANIFEST))

    assert (finding.status, finding.fix) == ("ok", "")
    assert "shop in deploy/shop.yaml" in finding.message


@pytest.mark.parametrize(
    ("right", "wrong", "probe"),
    [
        (LIVE, "path: /health", "livenessProbe"),
        (LIVE, "path: /health/", "livenessProbe"),
        (LIVE, READY, "livenessProbe"),
        (READY, LIVE, "readinessProbe"),
    ],
)
def test_a_probe_that_asks_the_wrong_question(project: Sandbox, right: str, wrong: str, probe: str) -> None:
    line = re.compile(rf"({probe}:[^\n]*\n[^\n]*){right}\b")
    assert line.search(MANIFEST)
    [finding] = told(written(project, line.sub(rf"\g<1>{wrong}", MANIFEST)))

    assert (finding.status, finding.fix) == ("warn", f"write {right} for the {probe}")
    mended = finding.fix.removeprefix("write ").removesuffix(f" for the {probe}")
    assert [each.status for each in told(written(project, line.sub(rf"\g<1>{mended}", MANIFEST)))] == ["ok"]


def test_liveness_alone_that_asks_databases(project: Sandbox) -> None:
    container = {"name": "shop", "livenessProbe": {"httpGet": {"path": "/health"}}}
    [finding] = told(written(project, json.dumps({"containers": [container]})))

    assert (finding.status, finding.fix) == ("warn", "write path: /health/live for the livenessProbe")


def test_a_readiness_that_is_given_up_too_soon(project: Sandbox) -> None:
    hasty = MANIFEST.replace("timeoutSeconds: 3 # the answer", "timeoutSeconds: 1 # the answer")
    silent = MANIFEST.replace("timeoutSeconds: 3 # the answer", "# the answer")
    assert MANIFEST not in (hasty, silent)

    assert [(each.status, each.fix) for text in (hasty, silent) for each in told(written(project, text))] == [
        ("warn", "write timeoutSeconds: 3 for the readinessProbe")
    ] * 2


@pytest.mark.parametrize(
    ("live", "ready"),
    [
        ("/api/health", "/api/health"),
        ("/minio/health/live", "/minio/health/live"),
        ("/auth/health/ready", "/auth/health/ready"),
        ("/health/live/", ""),
        ("", "/health/ready"),
        ("/health/live", "/health"),
        ("/up", "/ready"),
        ("/", "/"),
    ],
)
def test_what_is_anothers_is_not_judged(project: Sandbox, live: str, ready: str) -> None:
    asked = {"livenessProbe": live, "readinessProbe": ready}
    probes = {probe: {"httpGet": {"path": path}} for probe, path in asked.items() if path}

    assert told(written(project, json.dumps({"containers": [{"name": "proxy", **probes}]}))) == []


def test_what_is_asked_in_another_way_is_not_judged(project: Sandbox) -> None:
    probes = {"livenessProbe": {"tcpSocket": {"port": 80}}, "readinessProbe": {"exec": {"command": ["true"]}}}

    assert told(written(project, json.dumps({"containers": [{"name": "proxy", **probes}]}))) == []


def test_a_schema_of_containers_is_none(project: Sandbox) -> None:
    live = {"type": "object", "httpGet": {"path": "/health"}}
    schema = {"properties": {"name": {"type": "string"}, "livenessProbe": live}}

    assert told(written(project, json.dumps(schema))) == []


@pytest.mark.parametrize("value", ["!!bool foo", "!!int ''", "!!float ''", "!!timestamp x", "!!binary ü", "!!int {}"])
def test_yaml_that_cannot_be_made_is_passed_by(project: Sandbox, value: str) -> None:
    project.write("a/other.yaml", f"livenessProbe: {value}\n")

    assert [each.status for each in told(written(project, MANIFEST))] == ["ok"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (MANIFEST, "node_modules/other/shop.yaml"),
        (MANIFEST, ".cache/shop.yaml"),
        (MANIFEST, "a/b/c/d/e/shop.yaml"),
        ("livenessProbe: {{ .Values.live }}\n", "chart/templates/shop.yaml"),
        ("livenessProbe: on\nreadinessProbe: [1, 2]\n", "shop.yaml"),
        ("a: &a [livenessProbe, *a]\n", "shop.yaml"),
        ("livenessProbe: " + "[" * 5000, "shop.yaml"),
        (MANIFEST + "#" * 2**18, "shop.yaml"),
        ("database: { host: db }\n", "config/production.yaml"),
    ],
    ids=["of others", "hidden", "deep", "template", "no probe", "circle", "brackets", "large", "configuration"],
)
def test_what_is_no_manifest_of_the_project_is_passed_by(project: Sandbox, text: str, name: str) -> None:
    assert told(written(project, text, name)) == []


def test_the_command_tells(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\n')
    written(project, MANIFEST.replace(LIVE, READY))

    assert [each["status"] for each in run("doctor", "--json").json if each["check"] == "probes"] == ["warn"]


def test_without_a_project_nothing_is_read() -> None:
    assert list(probe_findings(None)) == []
