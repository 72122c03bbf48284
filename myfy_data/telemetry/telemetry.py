"""Who listens to a module's engines (ADR 36). Nothing listens where nothing was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from myfy_data.engines.cluster.status import ClusterStatus
from myfy_data.engines.factory import OpenEngine
from myfy_data.engines.instrumentation import attach_observers
from myfy_data.engines.observation import EngineObserver, Incident
from myfy_data.engines.pool.status import PoolStatus, build_status, pool_size
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.slow import SlowBounds, SlowSettings, slow_bounds
from myfy_data.telemetry.numbers import DatabaseFacts, database_facts
from myfy_data.telemetry.otel import metric_observer, span_observer
from myfy_data.telemetry.pool_numbers import PoolNumbers
from myfy_data.telemetry.prometheus import PrometheusNumbers, load_prometheus
from myfy_data.telemetry.slow_log import SlowLog
from myfy_data.telemetry.slow_queries import SlowQueries, SlowQuery


class Telemetry:
    """The observers of a module's engines; it outlives the engines of the day.

    Args:
        settings: gives the module's settings.
    """

    def __init__(self, settings: Callable[[], DataSettings]) -> None:
        self._settings = settings
        self._facts = _Facts(settings)
        self._has_spans = self._has_metrics = False
        self._prometheus: PrometheusNumbers | None = None
        self._wants_prometheus = False
        self._memory = SlowQueries()
        self._everywhere: list[EngineObserver] = []
        self._observers: dict[str, list[EngineObserver]] = {}
        self._slow: dict[str, SlowLog] = {}
        self._opened: Callable[[], list[OpenEngine]] = list
        self._clusters: Callable[[], list[tuple[str, ClusterStatus]]] = list

    def slow_queries(self) -> tuple[SlowQuery, ...]:
        """The worst of what was slow, the slowest first."""
        return self._memory.worst()

    def watch(
        self, opened: Callable[[], list[OpenEngine]], clusters: Callable[[], list[tuple[str, ClusterStatus]]] = list
    ) -> None:
        """Tell of a new set of engines.

        Args:
            opened: gives those that are open.
            clusters: gives what is known of profiles with several servers.
        """
        self._opened, self._clusters = opened, clusters

    def tell(self, kind: Incident, outcome: str, profile: str = "") -> None:
        """Have counted what happened to no connection; without a profile it concerns the module."""
        for observer in self._of(profile) if profile else self._everywhere:
            observer.incident(profile, kind, outcome)

    def on_open(self, opened: OpenEngine) -> None:
        """Attach to an engine what listens to its profile, if anything does."""
        profile = opened.profile
        self.look_for_providers()
        if self._wants_prometheus:
            _ = self.prometheus
        self._apply(opened, self._bounds(opened.backend.settings.slow))
        observers = self._of(profile)
        if observers:
            attach_observers(opened, observers)

    def listen(self, observer: EngineObserver) -> None:
        """Have an observer hear every engine, those that are open included."""
        if observer in self._everywhere:
            return
        self._everywhere.append(observer)
        for observers in self._observers.values():
            observers.append(observer)
        for opened in self._opened():
            attach_observers(opened, self._of(opened.profile))

    def apply_slow(self, profile: str, settings: SlowSettings) -> None:
        """Use other bounds for what is slow in a profile, from now on."""
        for opened in self._opened():
            if opened.profile == profile:
                self._apply(opened, self._bounds(settings))
                if self._of(profile):
                    attach_observers(opened, self._of(profile))

    def forget(self, profiles: Iterable[str]) -> None:
        """Other databases stand behind some profiles from now on; engines that open are told of as theirs."""
        for profile in profiles:
            self._facts.pop(profile, None)
        if self._prometheus is not None:
            self._prometheus.begin_series(self.facts)

    def look_for_providers(self) -> None:
        """Make spans and metrics for OpenTelemetry from now on, if the process has set a provider of them."""
        if not self._has_spans and (spans := span_observer(self.facts)) is not None:
            self._has_spans = True
            self.listen(spans)
        if not self._has_metrics and (metrics := metric_observer(self.facts, self.pools)) is not None:
            self._has_metrics = True
            self.listen(metrics)

    def count_for_prometheus(self) -> None:
        """Count for Prometheus from the first engine on; settings need not be there yet.

        Raises:
            MissingPackageError: the client library is not installed.
        """
        load_prometheus()
        self._wants_prometheus = True

    @property
    def is_counted(self) -> bool:
        """Whether numbers for Prometheus are kept."""
        return self._prometheus is not None

    @property
    def prometheus(self) -> PrometheusNumbers:
        """The numbers for Prometheus; counted from the first call on.

        Raises:
            MissingPackageError: the client library is not installed.
        """
        if self._prometheus is None:
            self._prometheus = PrometheusNumbers(self.facts, self.pools)
            self.listen(self._prometheus.observer)
        return self._prometheus

    @property
    def pools(self) -> PoolNumbers:
        """The pools of the module as they are when they are asked."""
        return PoolNumbers(self._profiles, self._open_now, self._known_clusters)

    @property
    def facts(self) -> Callable[[str], DatabaseFacts]:
        """What is known of a profile's database; asked for each operation, so without a call of ours."""
        return self._facts.__getitem__

    def _profiles(self) -> Mapping[str, DatabaseSettings]:
        return {name: settings for name, settings in self._settings().profiles.items() if settings.active}

    def _open_now(self) -> list[OpenEngine]:
        return self._opened()  # of the registry of the day

    def _known_clusters(self) -> list[tuple[str, ClusterStatus]]:
        return self._clusters()  # as above

    def _bounds(self, settings: SlowSettings) -> SlowBounds:
        return slow_bounds(settings, self._settings().environment)

    def _of(self, profile: str) -> list[EngineObserver]:
        return self._observers.setdefault(profile, list(self._everywhere))

    def _apply(self, opened: OpenEngine, bounds: SlowBounds) -> None:
        profile = opened.profile
        log, database = self._slow.get(profile), opened.backend.settings.url.backend
        if log is not None and log.database != database:  # the engine before goes on with the list that it has
            self._observers[profile] = [each for each in self._of(profile) if each is not log]
            log = None
        if log is not None:
            log.bounds = bounds
        elif bounds.is_any:
            log = self._slow[profile] = SlowLog(profile, database, bounds, self._memory, lambda: self._status(profile))
            self._of(profile).append(log)

    def _status(self, profile: str) -> PoolStatus | None:
        opened = [each for each in self._opened() if each.profile == profile]
        if not opened:
            return None
        pools = [each.engine.pool for each in opened]
        return build_status(profile, pool_size(opened[0].backend.settings), pools)


class _Facts(dict[str, DatabaseFacts]):
    """What is known of each profile's database, found out once."""

    def __init__(self, settings: Callable[[], DataSettings]) -> None:
        super().__init__()
        self._settings = settings

    def __missing__(self, profile: str) -> DatabaseFacts:
        found = self[profile] = database_facts(self._settings().profiles[profile])
        return found
