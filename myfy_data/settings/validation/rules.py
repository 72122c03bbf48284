"""The rules of one profile: what `config check` accepts, the engine accepts, for both judge by these (contract C16.3).

They know neither SQLAlchemy nor a driver. A load judges what a profile says against itself; what its database and its
driver cannot do is judged by `config check`, by start-up and when an engine is made. What an engine alone can tell
(a plugin that only SQLAlchemy finds, a pool class given in code) stands in `engines.engine_options`.
"""

from __future__ import annotations

from collections.abc import Iterator

from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.urls import ConnectionURL
from myfy_data.settings.validation.clusters import cluster_faults
from myfy_data.settings.validation.credentials import provider_faults
from myfy_data.settings.validation.databases import database_faults, part_faults
from myfy_data.settings.validation.driver_options import CONTEXT
from myfy_data.settings.validation.engine_options import option_faults
from myfy_data.settings.validation.fault import Fault, Repair
from myfy_data.settings.validation.given_options import Given, driver_option_faults, given_options
from myfy_data.settings.validation.tls import Asked, find_asked, tls_engine_faults, tls_setting_faults


def profile_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """Why no engine can be made from a profile: everything that can be known without connecting.

    Args:
        settings: a validated profile.
        url: its address, the parts of the profile included.
    """
    yield from setting_faults(settings, url)
    yield from engine_faults(settings, url)


def setting_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """What a profile says against itself. It is part of every load, so that it costs next to nothing."""
    if url.tls or url.query or settings.tls_key or settings.tls:
        yield from tls_setting_faults(settings, url, _asked(settings, url, given_options(settings, url)))
    if url.backend == "sqlite":
        yield from part_faults(settings, url)
    if settings.hosts is not None or settings.reads.hosts:
        yield from cluster_faults(settings, url)
    for key, message, fix in option_faults(settings.engine_options, url.backend) if settings.engine_options else ():
        yield Fault(("engine_options", key), message, Repair(words=fix))


def engine_faults(settings: ProfileSettings, url: ConnectionURL) -> Iterator[Fault]:
    """What a profile asks for that its database or its driver cannot do."""
    given = given_options(settings, url)
    direct = next((one.path for one in given if one.name == "direct_tls" and one.value in (True, "true")), None)
    asked = _asked(settings, url, given)
    yield from tls_engine_faults(settings, url, asked, direct)
    yield from database_faults(settings, url)
    yield from provider_faults(settings)
    taken = {(one.path, one.name) for one in asked}
    yield from driver_option_faults(settings, url, [one for one in given if (one.path, one.name) not in taken])


def _asked(settings: ProfileSettings, url: ConnectionURL, given: list[Given]) -> list[Asked]:
    # A context that code gives is no request in words, unless another key says something about TLS as well.
    has_keys = settings.tls is not None or url.tls is not None or url.backend == "sqlite"
    about_tls = [one for one in given if has_keys or not (one.name == "ssl" and CONTEXT.fits(one.value))]
    return find_asked([(one.path, one.name, one.value) for one in about_tls])
