"""The alert rules and the dashboard ask for numbers that are there (contract C12.2)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from myfy_data import DatabaseSettings, DataModule, DataSettings
from tests.pages import ROOT

FILES = ROOT / "examples" / "telemetry"
_NAME = re.compile(r"\b(?:db_client|myfy_data)_\w+")
_LABELS = re.compile(r"\b(db_client_connection_(?:pool_name|state)|db_operation_name|error_type|outcome)\b")


def expressions(value: Any) -> list[str]:
    """Every query in a tree of JSON or YAML."""
    if isinstance(value, dict):
        own = [text for key, text in value.items() if key in ("expr", "series", "query") and isinstance(text, str)]
        return own + [text for inner in value.values() for text in expressions(inner)]
    return [text for inner in value for text in expressions(inner)] if isinstance(value, list) else []


def read(name: str) -> Any:
    text = (FILES / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def told() -> tuple[set[str], set[str]]:
    """The names of all samples, and of their labels."""
    profiles = {"main": DatabaseSettings(database_url="postgresql://app@localhost/shop")}
    data = DataModule(settings=DataSettings(profiles=profiles))
    text = data.telemetry.prometheus.exposition()[0].decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name for sample in samples}, {label for sample in samples for label in sample.labels}


@pytest.mark.parametrize("name", ["alerts.yml", "alerts_test.yml", "dashboard.json"])
def test_every_number_that_is_asked_for_is_there(name: str) -> None:
    names, labels = told()
    queries = expressions(read(name))
    asked = {found for query in queries for found in _NAME.findall(query)} - labels

    assert queries
    assert asked <= names
    assert {found for query in queries for found in _LABELS.findall(query)} <= labels


def test_there_are_four_rules_and_each_is_tried() -> None:
    rules = [rule["alert"] for group in read("alerts.yml")["groups"] for rule in group["rules"]]
    tried = {case["alertname"] for test in read("alerts_test.yml")["tests"] for case in test["alert_rule_test"]}

    assert len(rules) == 4
    assert tried == set(rules)


def test_a_panel_has_a_place_of_its_own() -> None:
    dashboard = read("dashboard.json")
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]

    assert len(places) == len(set(places)) == 8
    assert {variable["name"] for variable in dashboard["templating"]["list"]} == {"datasource", "profile"}
