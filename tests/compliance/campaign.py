"""The whole comparison: each database, each suite, on plain engines and on ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tests.compliance.comparison import Comparison, Difference, differences_of, explained, same_of
from tests.compliance.databases import Kind
from tests.compliance.reasons import REASONS
from tests.compliance.runs import Job, Record, end_processes, server_of
from tests.servers import Server

Say = Callable[[str], None]


@dataclass(frozen=True)
class Campaign:
    """What is compared, and how.

    Attributes:
        source: the root of the tests.
        suites: the files of each suite, for a kind of database.
        folder: where the processes work.
        processes: how many run at the same time on each sort of engine.
        options: further ones for pytest.
        say: told how far it is.
        revision: the project's commit, for the record.
    """

    source: Path
    suites: Callable[[Kind], dict[str, list[str]]]
    folder: Path
    say: Say
    processes: int = 1
    options: Sequence[str] = ()
    revision: str = ""

    def compare(self, kind: Kind, server: Server | None) -> Iterator[Comparison]:
        """Compare each suite on one database."""
        for suite, files in self.suites(kind).items():
            name = f"cmp_{kind.name[:2]}_{suite}"
            comparison = self._compare(Job(name, kind, server, True, self.source, files, self.folder), suite)
            count = len(comparison.differences)
            self.say(f"{kind.title}, {suite}: {comparison.same.total()} same, {count} differ")
            yield comparison

    def _compare(self, job: Job, suite: str) -> Comparison:
        plain, ours = self._both(replace(job, options=self.options), self.processes)
        first = differences_of(job.kind.name, plain, ours)
        steady = self._again(job, plain, ours, first) if first else set()
        return Comparison(
            job.kind.name,
            suite,
            same_of(plain, ours),
            explained((each for each in first if each.test in steady), REASONS),
            [each for each in first if each.test not in steady],
            ours.made,
            server_of(ours.ids.values()),
            self.revision,
        )

    def _again(self, job: Job, plain: Record, ours: Record, first: Sequence[Difference]) -> set[str]:
        """Run tests that differ once more, without those that do not: which of them differ again."""
        ids = plain.ids | ours.ids
        only = frozenset(ids[each.test] for each in first)
        files = sorted({node.partition("::")[0] for node in only})
        again = replace(job, name=f"{job.name}_again", files=files, only=only)
        return {each.test for each in differences_of(job.kind.name, *self._both(again, 1))}

    def _both(self, job: Job, processes: int) -> tuple[Record, Record]:
        shares = shared(self.source, job.files, processes)
        jobs = [
            replace(job, name=f"{job.name}_{sort}_{number}", ours=sort == "ours", files=share)
            for number, share in enumerate(shares)
            for sort in ("plain", "ours")
        ]
        plain, ours = Record(), Record()
        with ThreadPoolExecutor(len(jobs)) as executor:
            try:
                for each, record in zip(jobs, executor.map(Job.run, jobs), strict=True):
                    (ours if each.ours else plain).join(record)
            except BaseException:
                end_processes()
                raise
        return plain, ours


def shared(source: Path, files: Sequence[str], processes: int) -> list[list[str]]:
    """Files for each process, about as many bytes for each."""
    shares: list[list[str]] = [[] for _ in range(min(processes, len(files)))]
    weights = [0] * len(shares)
    for file in sorted(files, key=lambda file: (source / file).stat().st_size, reverse=True):
        lightest = weights.index(min(weights))
        shares[lightest].append(file)
        weights[lightest] += (source / file).stat().st_size
    return shares
