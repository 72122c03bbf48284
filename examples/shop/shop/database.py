"""The application's databases. Importing it connects to nothing."""

from __future__ import annotations

from myfy_data import DataModule, load_settings

in_development = load_settings().environment == "development"
data = DataModule(health="/health", dev="/_data" if in_development else None)
