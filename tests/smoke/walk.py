"""One line per step, with its figure; a failed step is said and counted, and the walk goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.worlds.sandbox import Sandbox

T = TypeVar("T")


class Failed(Exception):
    """A step did not show what it must. The text says what was seen instead."""


def must(condition: object, says: str) -> None:
    if not condition:
        raise Failed(says)


def eventually(look: Callable[[], T], *, within: float, says: str, every: float = 0.05) -> T:
    """Return the first true value of `look`. Seconds. :raises Failed: if there is none in time"""
    deadline = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > deadline:
            raise Failed(f"not within {within:.0f} s: {says}")
        time.sleep(every)
    return found


def as_described(sandbox: Sandbox) -> str:
    """Return how many calls Google's descriptions fit. :raises Failed: if they do not fit one"""
    differ = sandbox.violations()
    must(not differ, f"{len(differ)} do not fit, such as {differ[:3]}")
    checked = sandbox.checked()
    must(checked, "nothing was checked")
    return f"{checked:,} calls and their answers"


@dataclass
class Walk:
    passed: int = 0
    failed: int = 0
    figures: dict[str, str] = field(default_factory=dict)
    bypasses: list[str] = field(default_factory=list)

    def step(self, title: str, act: Callable[[], str]) -> None:
        """Run one step; what it returns is its figure."""
        try:
            figure = act()
        except Exception as error:  # noqa: BLE001 - said below; the walk goes on
            self.failed += 1
            what = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            self.say(f"FAILED  {title}: {what}")
        else:
            self.passed += 1
            self.figures[title] = figure
            self.say(f"ok      {title}: {figure}")

    def say_bypass(self, act: str) -> None:
        """Say what is done without the service and HTTP; the last line repeats it, once."""
        self.say(f"not over HTTP: {act}")
        if act not in self.bypasses:
            self.bypasses.append(act)

    @staticmethod
    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def close(self) -> int:
        self.say(f"{self.passed} passed, {self.failed} failed")
        if self.bypasses:
            self.say(f"not over HTTP: {'; '.join(self.bypasses)}")
        return 1 if self.failed else 0
