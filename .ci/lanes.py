"""Run lanes side by side; the first step that fails or falls silent ends the run, and is named.

Usage: `python .ci/lanes.py [--at-once 2] [--silence 900] [--logs FOLDER] "LANE: STEP; STEP" ...`. A lane is a chain of
commands. Each line of a lane's output begins with the lane's name, and the whole stands in `FOLDER/LANE.log`, too.
"""

from __future__ import annotations

import argparse
import codecs
import os
import queue
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

LAST_LINES = 60
"""Of a step that failed, told once more at the end, where no other lane writes between them."""

PATIENCE = 60.0
"""Seconds for a step that was told to stop: tests drop their databases and stop their servers."""


@dataclass(frozen=True)
class Lane:
    """Steps that follow one another.

    Attributes:
        name: stands before each line of its output.
        steps: commands, as a shell splits them.
    """

    name: str
    steps: Sequence[str]

    @classmethod
    def read(cls, text: str) -> Lane:
        """Read `NAME: STEP; STEP`.

        Raises:
            ValueError: there is no name, or no step.
        """
        name, _, rest = text.partition(":")
        steps = [step.strip() for step in rest.split(";") if step.strip()]
        if not name.strip() or not steps:
            message = f"a lane is written 'NAME: STEP; STEP', not {text!r}"
            raise ValueError(message)
        return cls(name.strip(), steps)


@dataclass
class Result:
    """What a step came to; `failure` is empty when it ended well."""

    lane: str
    step: str
    seconds: float = 0.0
    failure: str = ""
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


Say = Callable[[str], None]


class Step:
    """One command in a process group of its own, so that all it started can be ended."""

    def __init__(self, lane: str, command: str, say: Say, log: Path) -> None:
        self.result = Result(lane, command)
        self._say = say
        self._log = log
        self._process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self, silence: float) -> Result:
        """Follow it to its end, or end it once it has said nothing for so many seconds.

        How long it takes says more about the machine, and what else runs there, than about the step.
        """
        began = time.monotonic()
        with self._log.open("a", encoding="utf-8") as log:
            for line in self._lines(silence):
                log.write(line)
                self.result.last_lines.append(line.rstrip("\n"))
                self._say(f"{self.result.lane} | {line}")
        code = self._process.wait()
        self.result.seconds = time.monotonic() - began
        self.result.failure = self.result.failure or (f"exit code {code}" if code else "")
        return self.result

    def _lines(self, silence: float) -> Iterator[str]:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        pipe = self._process.stdout.fileno()
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        rest = ""
        while True:
            if not (self.result.failure or select.select([pipe], [], [], silence)[0]):
                self.result.failure = f"silent for {silence / 60:g} min"
                threading.Thread(target=self.end).start()  # it may have much to say about its end, so we go on reading
            piece = os.read(pipe, 65536)
            *lines, rest = (rest + decode(piece, not piece)).split("\n")
            yield from (f"{line}\n" for line in lines)
            if not piece:
                break
        self._process.stdout.close()
        if rest:
            yield f"{rest}\n"

    def end(self) -> None:
        """Tell the group to stop, as Ctrl-C does; what does not is killed. Returns at once when it has ended."""
        for number, patience in ((signal.SIGINT, PATIENCE), (signal.SIGTERM, PATIENCE), (signal.SIGKILL, None)):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(patience)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


class Runner:
    """Runs lanes, so many at once.

    Attributes:
        results: the steps that ended, in the order of their ends.
    """

    def __init__(self, at_once: int, silence: float, logs: Path, say: Say) -> None:
        self.results: list[Result] = []
        self._at_once = at_once
        self._silence = silence
        self._logs = logs
        self._lock = threading.RLock()
        self._running: set[Step] = set()
        self._is_over = False
        self._out = say

    def run(self, lanes: Sequence[Lane]) -> Result | None:
        """Run all of them; the step that failed first, None when none did."""
        waiting: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        for lane in lanes:
            waiting.put(lane)
        threads = [threading.Thread(target=self._work, args=[waiting]) for _ in range(self._at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # a join without a limit would hold back signals
                thread.join(0.5)
        return next((result for result in self.results if result.failure), None)

    def end(self) -> None:
        """Start nothing more and end what runs."""
        with self._lock:
            self._is_over = True
            running = list(self._running)
        ends = [threading.Thread(target=step.end) for step in running]
        for end in ends:
            end.start()

    def _work(self, waiting: queue.SimpleQueue[Lane]) -> None:
        while not waiting.empty():
            try:
                lane = waiting.get_nowait()
            except queue.Empty:
                return
            if not all(self._passes(lane.name, command) for command in lane.steps):
                self.end()
                return

    def _passes(self, lane: str, command: str) -> bool:
        with self._lock:
            if self._is_over:
                return False
            self._say(f"{lane} | === {command}\n")
            try:
                step = Step(lane, command, self._say, self._logs / f"{lane}.log")
            except (OSError, ValueError) as error:
                return self._ends(Result(lane, command, failure=f"cannot be started: {error}"))
            self._running.add(step)
        result = step.wait(self._silence)
        with self._lock:
            self._running.discard(step)
        return self._ends(result)

    def _ends(self, result: Result) -> bool:
        """Note what came of a step, unless another one failed first; whether the next one may begin."""
        with self._lock:
            if self._is_over:
                return False
            self._is_over = bool(result.failure)
            self.results.append(result)
        self._say(f"{result.lane} | {result.failure or 'done'} after {result.seconds:.0f} s: {result.step}\n")
        return not result.failure

    def _say(self, line: str) -> None:
        with self._lock:
            self._out(line)


def _out(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


def _report(runner: Runner, failed: Result | None) -> None:
    if failed is not None:
        _out("\n" + "\n".join(failed.last_lines) + "\n")
    _out("\n")
    for result in runner.results:
        _out(f"{result.seconds:5.0f} s  {result.lane}: {result.step}\n")
    if failed is not None:
        _out(f"FAILED in lane {failed.lane}: {failed.step} ({failed.failure})\n")


def main(arguments: list[str]) -> int:
    """Run the lanes; 1 when a step failed, 2 when a lane cannot be read, 130 or 143 when it was ended from outside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lanes", nargs="+", type=Lane.read)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--silence", type=float, default=900.0, help="seconds without a word until a step hangs")
    parser.add_argument("--logs", type=Path, default=Path())
    options = parser.parse_args(arguments)
    runner = Runner(options.at_once, options.silence, options.logs, _out)
    ended: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        ended.append(number)
        runner.end()

    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell told us to ignore the first
        signal.signal(number, stop)
    failed = runner.run(options.lanes)
    _report(runner, failed)
    if ended:
        _out(f"ENDED from outside by {signal.Signals(ended[0]).name}\n")
        return 128 + ended[0]
    return int(failed is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
