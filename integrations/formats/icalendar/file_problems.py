"""Problems of a calendar file, worded for the person who uploaded the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: At most this many are shown; a corrected file shows the rest.
MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """
    :param line: counted from 1
    :param says: our own text, without content of the file
    """

    line: int
    says: str


class UnreadableCalendarFile(Exception):
    """The whole file is refused; show `problems`."""

    def __init__(self, problems: tuple[FileProblem, ...], *, has_more: bool = False) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems
        self.has_more = has_more


class TooManyProblems(Exception):
    """There are `MAX_PROBLEMS` problems."""


class FileProblems:
    def __init__(self) -> None:
        self._problems: set[FileProblem] = set()

    def add(self, line: int, says: str) -> None:
        """:raises TooManyProblems: if there are now `MAX_PROBLEMS`"""
        self._problems.add(FileProblem(line, says))
        if len(self._problems) >= MAX_PROBLEMS:
            raise TooManyProblems

    def __bool__(self) -> bool:
        return bool(self._problems)

    def raise_if_any(self) -> None:
        """:raises UnreadableCalendarFile: if there are problems"""
        if self._problems:
            problems = tuple(sorted(self._problems))
            raise UnreadableCalendarFile(problems, has_more=len(problems) >= MAX_PROBLEMS)
