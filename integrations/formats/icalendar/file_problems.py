"""What is wrong with a file, by line, in words for whoever chose it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: So many are told; who mends these sees the rest.
MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """
    One line that cannot be followed.

    :param line: counted from 1, as editors do
    :param says: what is wrong, in our words; nothing of the file stands in it
    """

    line: int
    says: str


class UnreadableCalendarFile(Exception):
    """Nothing of the file is taken: show `file_problems`, by line, and let it be mended."""

    def __init__(self, problems: tuple[FileProblem, ...], *, has_more: bool = False) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems
        self.has_more = has_more


class TooManyProblems(Exception):
    """There are as many problems as are told: reading further helps nobody."""


class FileProblems:
    """Gathers them while a file is read."""

    def __init__(self) -> None:
        self._found: set[FileProblem] = set()

    def add(self, line: int, says: str) -> None:
        """:raises Enough: if there are `MOST`"""
        self._found.add(FileProblem(line, says))
        if len(self._found) >= MAX_PROBLEMS:
            raise TooManyProblems

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_if_any(self) -> None:
        """:raises Unreadable: if there are any"""
        if self._found:
            problems = tuple(sorted(self._found))
            raise UnreadableCalendarFile(problems, has_more=len(problems) >= MAX_PROBLEMS)
