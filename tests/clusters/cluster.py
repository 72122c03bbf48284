"""Servers that make a cluster, whichever database it is: made once, and put back as they were made after a test."""

from __future__ import annotations

import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from tests.clusters.server import ClusterServer
from tests.own_servers import Workspace

N = TypeVar("N", bound=ClusterServer)
C = TypeVar("C", bound="Cluster[Any]")


class Cluster(ABC, Generic[N]):
    """The servers of one cluster.

    Args:
        work: their directory.
        nodes: the servers.
    """

    def __init__(self, work: Workspace, nodes: Sequence[N]) -> None:
        self._work = work
        self.nodes = list(nodes)

    @property
    def addresses(self) -> list[str]:
        """All of them, as `hosts` takes them."""
        return [node.address for node in self.nodes]

    @property
    def is_touched(self) -> bool:
        """Whether a test changed one of them."""
        return any(node.is_touched for node in self.nodes)

    @abstractmethod
    def install(self) -> None:
        """Make the data directories, and what `made` gives; nothing runs."""

    @abstractmethod
    def launch(self) -> None:
        """Start all of them as a cluster."""

    def made(self, node: N) -> Path:
        """Where a copy of a server's data directory is kept."""
        return self._work.path / "made" / node.name

    def start(self) -> None:
        """Start them; from now on they are as they were made."""
        self.launch()
        for node in self.nodes:
            node.is_touched = False

    def reset(self) -> None:
        """All as it was made, whatever a test did; nothing to do costs nothing."""
        if self.is_touched:
            self.halt()
            for node in self.nodes:
                shutil.rmtree(node.data)
                self._work.run("cp", "-a", self.made(node), node.data)
            self.start()

    def halt(self) -> None:
        """End all of them."""
        for node in self.nodes:
            node.halt()

    def keep(self) -> None:
        """Keep copies of the data directories for `reset`; nothing runs."""
        self._work.run("mkdir", self._work.path / "made")
        for node in self.nodes:
            self._work.run("cp", "-a", node.data, self.made(node))


def new_name() -> str:
    """The name of a database of its own."""
    return f"test_{secrets.token_hex(4)}"


@contextmanager
def at_work(cluster: C) -> Iterator[C]:
    """Servers that are made, and end with the block."""
    try:
        cluster.install()
        cluster.start()
        yield cluster
    finally:
        cluster.halt()
