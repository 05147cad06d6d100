"""
Gmail's search syntax (`q`) as a predicate.

Known: from: to: cc: subject: in: is: label: category: has:attachment filename: larger: smaller:
after: before: newer_than: older_than: rfc822msgid: list:, -negation, OR, {…}, (…), "phrases". An
unknown operator is a plain word, as in Gmail.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.mailbox import SandboxMailbox
from integrations.sandbox.mail.rendering import RenderingCache

# The reference: dates mean midnight in California.
PACIFIC = timezone(timedelta(hours=-8))
UNITS = {"d": 86_400, "m": 30 * 86_400, "y": 365 * 86_400}
SIZES = {"": 1, "k": 2**10, "m": 2**20}
_TOKEN = re.compile(
    r"(?P<bracket>-?(?:[A-Za-z_0-9]+:)?[({]|[)}])|"
    r'(?P<minus>-?)(?:(?P<operator>[A-Za-z_0-9]+):)?(?P<value>"[^"]*"|[^\s(){}"]+)'
)


@dataclass(frozen=True)
class SearchCandidate:
    """Renders only when a test needs it."""

    entry: MailboxEntry
    rendering_cache: RenderingCache
    mailbox: SandboxMailbox

    def get_headers(self, *names: str) -> str:
        headers = self.rendering_cache.get_rendering(self.entry).headers
        return " ".join(h["value"] for h in headers if h["name"].lower() in names).lower()

    def get_all_text(self) -> str:
        rendering = self.rendering_cache.get_rendering(self.entry)
        names = " ".join(rendering.filenames)
        return f"{self.get_headers('from', 'to', 'cc', 'subject')} {rendering.text} {names}".lower()


Test = Callable[[SearchCandidate], bool]


@dataclass(frozen=True)
class SearchQuery:
    test: Test
    mentions_hidden: bool

    def __call__(self, candidate: SearchCandidate) -> bool:
        return self.test(candidate)


def compile_query(text: str, *, now: float) -> SearchQuery:
    """`now` in seconds. Never refuses, as Gmail."""
    test = _QueryParser(list(_TOKEN.finditer(text)), now).parse_group()
    hidden = re.search(r"\b(?:in|is|label):\"?(?:anywhere|trash|spam)\b", text, re.IGNORECASE)
    return SearchQuery(test, hidden is not None)


@dataclass
class _QueryParser:
    """`OR` joins its two neighbours; all other terms are required."""

    tokens: list[re.Match[str]]
    now: float
    position: int = 0

    def parse_group(self, closing: str = "", operator: str = "", *, either: bool = False) -> Test:
        """With `either`, as in braces, one match is enough."""
        choices: list[list[Test]] = []
        joined = False
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            self.position += 1
            if token["bracket"] and token["bracket"] == closing:
                break
            if token["value"] == "OR" and not token["operator"]:
                joined = True
                continue
            test = self._parse_token(token, operator)
            if test and (joined or either) and choices:
                choices[-1].append(test)
            elif test:
                choices.append([test])
            joined = False
        return lambda candidate: all(any(test(candidate) for test in tests) for tests in choices)

    def _parse_token(self, token: re.Match[str], operator: str) -> Test | None:
        bracket = token["bracket"]
        if not bracket:
            value = token["value"].strip('"').lower()
            test = _make_term((token["operator"] or operator).lower(), value, self.now)
            return _negate(test) if token["minus"] else test
        if bracket in (")", "}"):
            return None
        closing = ")" if bracket[-1] == "(" else "}"
        inner = bracket.lstrip("-")[:-1].rstrip(":") or operator
        test = self.parse_group(closing, inner, either=closing == "}")
        return _negate(test) if bracket[0] == "-" else test


def _negate(test: Test) -> Test:
    return lambda candidate: not test(candidate)


def _make_term(operator: str, value: str, now: float) -> Test:
    make_test = _BY_OPERATOR.get(operator)
    if make_test:
        return make_test(value)
    if operator in ("after", "newer", "before", "older"):
        return _match_date(operator in ("after", "newer"), value)
    if operator in ("newer_than", "older_than"):
        return _match_age(operator == "newer_than", value, now)
    text = f"{operator}:{value}" if operator else value
    return lambda candidate: text in candidate.get_all_text()


def _match_headers(*names: str) -> Callable[[str], Test]:
    return lambda value: lambda candidate: value in candidate.get_headers(*names)


def _match_label(value: str) -> Test:
    """By name (hyphens for spaces and slashes) or id."""
    if value == "anywhere":
        return lambda _: True
    aliases = {
        "sent": "SENT",
        "drafts": "DRAFT",
        "draft": "DRAFT",
        "chats": "CHAT",
        "muted": "MUTED",
    }
    label = aliases.get(value, value)

    def test(candidate: SearchCandidate) -> bool:
        if label.upper() in candidate.entry.labels:
            return True
        labels = candidate.mailbox.labels
        return any(
            re.sub(r"[ /]", "-", labels[label_id].name.lower()) == re.sub(r"[ /]", "-", label)
            for label_id in candidate.entry.labels
            if label_id in labels
        )

    return test


def _match_is(value: str) -> Test:
    if value == "read":
        return lambda candidate: "UNREAD" not in candidate.entry.labels
    return _match_label(value)


def _match_category(value: str) -> Test:
    name = "PERSONAL" if value == "primary" else value.upper()
    return lambda candidate: f"CATEGORY_{name}" in candidate.entry.labels


def _match_has(value: str) -> Test:
    if value == "attachment":
        return lambda candidate: bool(
            candidate.rendering_cache.get_rendering(candidate.entry).filenames
        )
    if value == "userlabels":
        return lambda candidate: any(label.startswith("Label_") for label in candidate.entry.labels)
    return lambda _: False


def _match_filename(value: str) -> Test:
    return lambda candidate: any(
        value in name.lower()
        for name in candidate.rendering_cache.get_rendering(candidate.entry).filenames
    )


def _match_rfc_id(value: str) -> Test:
    bare = value.strip("<>")
    return lambda candidate: candidate.get_headers("message-id").strip("<> ") == bare


def _match_size(*, larger: bool) -> Callable[[str], Test]:
    def build(value: str) -> Test:
        size_match = re.fullmatch(r"(\d+)([km]?)b?", value)
        if not size_match:
            return lambda _: False
        limit = int(size_match[1]) * SIZES[size_match[2]]
        return lambda candidate: (
            (candidate.rendering_cache.get_rendering(candidate.entry).size > limit) == larger
        )

    return build


def _parse_date(value: str) -> float | None:
    if value.isdigit() and len(value) > len("20261231"):
        return float(value)
    date_match = re.fullmatch(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})", value)
    if not date_match:
        return None
    try:
        day = datetime(int(date_match[1]), int(date_match[2]), int(date_match[3]), tzinfo=PACIFIC)
    except ValueError:
        return None
    return day.timestamp()


def _match_date(after: bool, value: str) -> Test:  # noqa: FBT001 - one of two
    moment = _parse_date(value)
    if moment is None:
        return lambda _: False
    limit = moment * 1000
    return lambda candidate: (candidate.entry.date >= limit) == after


def _match_age(newer: bool, value: str, now: float) -> Test:  # noqa: FBT001 - one of two
    age_match = re.fullmatch(r"(\d+)([dmy])", value)
    if not age_match:
        return lambda _: False
    limit = (now - int(age_match[1]) * UNITS[age_match[2]]) * 1000
    return lambda candidate: (candidate.entry.date >= limit) == newer


_BY_OPERATOR: dict[str, Callable[[str], Test]] = {
    "from": _match_headers("from"),
    "to": _match_headers("to", "cc", "bcc"),
    "cc": _match_headers("cc"),
    "bcc": _match_headers("bcc"),
    "subject": _match_headers("subject"),
    "list": _match_headers("list-id"),
    "deliveredto": _match_headers("delivered-to"),
    "in": _match_label,
    "label": _match_label,
    "is": _match_is,
    "category": _match_category,
    "has": _match_has,
    "filename": _match_filename,
    "rfc822msgid": _match_rfc_id,
    "larger": _match_size(larger=True),
    "size": _match_size(larger=True),
    "smaller": _match_size(larger=False),
}
