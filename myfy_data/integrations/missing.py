"""What to say when an adapter's framework cannot be imported."""

from __future__ import annotations

from myfy_data.errors import DataModuleError, MissingPackageError
from myfy_data.integrations.host_contract import HOSTS
from myfy_data.package_contract import is_absent, unusable


def framework_error(package: str, error: ImportError) -> DataModuleError:
    """The error for a framework whose import failed: it is not there, or it is broken.

    Args:
        package: its name, which the extra that brings it bears as well.
        error: what the import raised.
    """
    if not is_absent(package, error):
        return unusable(HOSTS[package], error)
    return MissingPackageError(
        f"myfy_data.integrations.{package} needs {package}, which is not installed",
        package=package,
        install=f'pip install "myfy-data[{package}]"',
    )
