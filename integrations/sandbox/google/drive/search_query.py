"""The `q` of files.list: comparisons joined by `and`."""

import re
from collections.abc import Callable

from integrations.sandbox.google.drive import problems
from integrations.sandbox.google.drive.store import AccountDrive, DriveFile

Predicate = Callable[[AccountDrive, DriveFile], bool]
_STRING = r"'((?:[^'\\]|\\.)*)'"
_TERM = re.compile(
    rf"\s*(?:{_STRING}\s+in\s+parents"
    rf"|(name|mimeType)\s*(=|!=)\s*{_STRING}"
    r"|trashed\s*(=|!=)\s*(true|false))\s*(and\b|$)",
    re.IGNORECASE,
)


def parse_query(text: str) -> Predicate:
    """:raises HttpProblem: 400, also for terms that only Google knows"""
    predicates, position = [], 0
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None or (term[7] and term.end() == len(text)):
            raise problems.invalid_drive_parameter("q", "Invalid Value", "invalid")
        predicates.append(_make_predicate(term))
        position = term.end()
    return lambda drive, file: all(matches(drive, file) for matches in predicates)


def _make_predicate(term: re.Match[str]) -> Predicate:
    if term[1] is not None:
        folder_id = _unescape(term[1])
        return lambda drive, file: (
            file.parent == (drive.root_id if folder_id == "root" else folder_id)
        )
    if term[2]:
        attribute = "name" if term[2].lower() == "name" else "mime_type"
        value, is_equal = _unescape(term[4]), term[3] == "="
        return lambda _, file: (getattr(file, attribute) == value) is is_equal
    trashed = (term[6].lower() == "true") is (term[5] == "=")
    return lambda drive, file: drive.is_trashed(file) is trashed


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
