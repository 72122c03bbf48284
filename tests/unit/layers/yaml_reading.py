"""Reads YAML in tests, with libyaml and without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from myfy_data.layers.syntax import DEFAULT_LIMITS, LayerSyntaxError, Limits, Locate
from myfy_data.layers.yaml.reader import parse_yaml

PARSERS = ["libyaml", "python"]


@contextmanager
def using(parser: str) -> Iterator[None]:
    """Hide libyaml, as on a platform where PyYAML was built without it."""
    with pytest.MonkeyPatch.context() as patch:
        if parser == "python":
            patch.delattr(yaml, "CSafeLoader")
        yield


def read(text: str, parser: str = "libyaml", limits: Limits = DEFAULT_LIMITS) -> tuple[dict[str, Any], Locate]:
    with using(parser):
        return parse_yaml(text, "myfy.yaml", limits)


def refusal(text: str, parser: str = "libyaml", limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(LayerSyntaxError) as caught:
        read(text, parser, limits)
    assert caught.value.__context__ is None
    return str(caught.value)
