"""Providers of credentials that nothing installed is called (contract C12.4, C16.3)."""

from __future__ import annotations

from collections.abc import Iterator

from myfy_data.credentials.types import ProviderError
from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.validation.fault import Fault, Repair


def provider_faults(settings: ProfileSettings) -> Iterator[Fault]:
    """A name that no installed package knows. Nothing is imported: a function is looked for at start-up."""
    name = settings.credentials
    if name is None:
        if settings.credentials_options:
            message = "stands beside no `credentials`, so nothing reads it"
            yield Fault(("credentials_options",), message, Repair(write=((("credentials",), "app.auth:token"),)))
        return
    from myfy_data.credentials.provider import OURS, find_entry_point  # noqa: PLC0415 - asyncio, for few profiles

    if ":" in name or name in OURS:
        return
    try:
        find_entry_point(str(name))
    except ProviderError as error:
        yield Fault(("credentials",), error.message, Repair(words=error.fix))
