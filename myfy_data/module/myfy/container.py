"""A look into myfy's container, which has no public way to ask what is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from myfy.core.di import Container
from myfy.core.di.types import ProviderKey

if TYPE_CHECKING:
    from myfy.core.di.container import ProviderRegistration


def registrations(container: Container) -> dict[ProviderKey, ProviderRegistration]:
    """Every registration by its key: type, qualifier and name."""
    found: dict[ProviderKey, ProviderRegistration] = container._providers  # noqa: SLF001 - as above
    return found


def qualifiers(container: Container, kind: type) -> list[str]:
    """The qualifiers under which a type is registered."""
    return sorted(key.qualifier for key in registrations(container) if key.type is kind and key.qualifier)
