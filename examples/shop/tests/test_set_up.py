"""Migrations, seeds and the overlay of production belong together."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from myfy_data import load_settings
from shop.models import Item, Shop

ROOT = Path(__file__).parents[1]


def test_every_seed_is_a_row_of_the_models():
    seeds = tomllib.loads((ROOT / "seeds/main/01-goods.toml").read_text(encoding="utf-8"))

    assert set(seeds) <= set(Shop.metadata.tables)
    assert all(Item(**row).stock >= 0 for row in seeds["items"][0]["rows"])


async def test_the_server_itself_refuses_a_negative_stock(session):
    session.add(Item(name="pear", price=1, stock=-1))

    with pytest.raises(Exception, match="items_stock"):
        await session.flush()


def test_production_reads_from_replicas():
    settings = load_settings(ROOT, environment="production", environ={"DB_PASSWORD": "x"})

    assert settings.profile("main").reads.from_ == "prefer-replica"
    assert len(settings.profile("main").hosts) == 3
