"""What to say when an adapter's framework is not installed."""

from __future__ import annotations

from myfy_data.errors import MissingPackageError


def missing_framework(package: str) -> MissingPackageError:
    """The error for a framework that is not there; the extra that brings it bears its name."""
    return MissingPackageError(
        f"myfy_data.integrations.{package} needs {package}, which is not installed",
        package=package,
        install=f'pip install "myfy-data[{package}]"',
    )
