"""
The `q` that mail users type, as a predicate.

Known: from: to: cc: subject: in: is: label: category: has:attachment filename: larger: smaller:
after: before: newer_than: older_than: rfc822msgid: list:, -negation, OR and {…}, (…), "phrases" and
plain words.
An operator nobody knows is a plain word, as in Gmail.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.mailbox import Mailbox
from integrations.sandbox.mail.rendering import Gallery

# Dates mean midnight in California, says the reference; only epoch seconds are exact.
PACIFIC = timezone(timedelta(hours=-8))
UNITS = {"d": 86_400, "m": 30 * 86_400, "y": 365 * 86_400}
SIZES = {"": 1, "k": 2**10, "m": 2**20}
_TOKEN = re.compile(
    r"(?P<bracket>-?(?:[A-Za-z_0-9]+:)?[({]|[)}])|"
    r'(?P<minus>-?)(?:(?P<operator>[A-Za-z_0-9]+):)?(?P<value>"[^"]*"|[^\s(){}"]+)'
)


@dataclass(frozen=True)
class Candidate:
    """One message; what must be rendered is rendered only when asked for."""

    entry: Entry
    gallery: Gallery
    mailbox: Mailbox

    def header(self, *names: str) -> str:
        headers = self.gallery.rendering(self.entry).headers
        return " ".join(h["value"] for h in headers if h["name"].lower() in names).lower()

    def everything(self) -> str:
        made = self.gallery.rendering(self.entry)
        names = " ".join(made.filenames)
        return f"{self.header('from', 'to', 'cc', 'subject')} {made.text} {names}".lower()


Test = Callable[[Candidate], bool]


@dataclass(frozen=True)
class Query:
    test: Test
    mentions_hidden: bool

    def __call__(self, candidate: Candidate) -> bool:
        return self.test(candidate)


def compile_query(text: str, *, now: float) -> Query:
    """`now` in seconds, for newer_than and older_than. Never refuses: Gmail does not either."""
    test = _Reader(list(_TOKEN.finditer(text)), now).group()
    hidden = re.search(r"\b(?:in|is|label):\"?(?:anywhere|trash|spam)\b", text, re.IGNORECASE)
    return Query(test, hidden is not None)


@dataclass
class _Reader:
    """Walks the tokens once. `OR` binds its two neighbours; everything else is needed."""

    tokens: list[re.Match[str]]
    now: float
    at: int = 0

    def group(self, closing: str = "", operator: str = "", *, either: bool = False) -> Test:
        """Up to `closing`. With `either`, as in braces, one of them is enough."""
        choices: list[list[Test]] = []
        joined = False
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token["bracket"] and token["bracket"] == closing:
                break
            if token["value"] == "OR" and not token["operator"]:
                joined = True
                continue
            test = self._one(token, operator)
            if test and (joined or either) and choices:
                choices[-1].append(test)
            elif test:
                choices.append([test])
            joined = False
        return lambda one: all(any(test(one) for test in tests) for tests in choices)

    def _one(self, token: re.Match[str], operator: str) -> Test | None:
        bracket = token["bracket"]
        if not bracket:
            value = token["value"].strip('"').lower()
            test = _term((token["operator"] or operator).lower(), value, self.now)
            return _negated(test) if token["minus"] else test
        if bracket in (")", "}"):
            return None
        closing = ")" if bracket[-1] == "(" else "}"
        inner = bracket.lstrip("-")[:-1].rstrip(":") or operator
        test = self.group(closing, inner, either=closing == "}")
        return _negated(test) if bracket[0] == "-" else test


def _negated(test: Test) -> Test:
    return lambda one: not test(one)


def _term(operator: str, value: str, now: float) -> Test:
    made = _BY_OPERATOR.get(operator)
    if made:
        return made(value)
    if operator in ("after", "newer", "before", "older"):
        return _date(operator in ("after", "newer"), value)
    if operator in ("newer_than", "older_than"):
        return _age(operator == "newer_than", value, now)
    plain = f"{operator}:{value}" if operator else value
    return lambda one: plain in one.everything()


def _headers(*names: str) -> Callable[[str], Test]:
    return lambda value: lambda one: value in one.header(*names)


def _label(value: str) -> Test:
    """By name (spaces and slashes may be hyphens) or by id."""
    if value == "anywhere":
        return lambda _: True
    aliases = {
        "sent": "SENT",
        "drafts": "DRAFT",
        "draft": "DRAFT",
        "chats": "CHAT",
        "muted": "MUTED",
    }
    wanted = aliases.get(value, value)

    def test(one: Candidate) -> bool:
        if wanted.upper() in one.entry.labels:
            return True
        labels = one.mailbox.labels
        return any(
            re.sub(r"[ /]", "-", labels[each].name.lower()) == re.sub(r"[ /]", "-", wanted)
            for each in one.entry.labels
            if each in labels
        )

    return test


def _is(value: str) -> Test:
    if value == "read":
        return lambda one: "UNREAD" not in one.entry.labels
    return _label(value)


def _category(value: str) -> Test:
    name = "PERSONAL" if value == "primary" else value.upper()
    return lambda one: f"CATEGORY_{name}" in one.entry.labels


def _has(value: str) -> Test:
    if value == "attachment":
        return lambda one: bool(one.gallery.rendering(one.entry).filenames)
    if value == "userlabels":
        return lambda one: any(label.startswith("Label_") for label in one.entry.labels)
    return lambda _: False


def _filename(value: str) -> Test:
    """A word of the name, or its extension."""
    return lambda one: any(
        value in name.lower() for name in one.gallery.rendering(one.entry).filenames
    )


def _rfc_id(value: str) -> Test:
    bare = value.strip("<>")
    return lambda one: one.header("message-id").strip("<> ") == bare


def _size(*, larger: bool) -> Callable[[str], Test]:
    def build(value: str) -> Test:
        found = re.fullmatch(r"(\d+)([km]?)b?", value)
        if not found:
            return lambda _: False
        limit = int(found[1]) * SIZES[found[2]]
        return lambda one: (one.gallery.rendering(one.entry).size > limit) == larger

    return build


def _moment(value: str) -> float | None:
    """Seconds of `after:` and `before:`, from epoch seconds or a date."""
    if value.isdigit() and len(value) > len("20261231"):
        return float(value)
    found = re.fullmatch(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})", value)
    if not found:
        return None
    try:
        day = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=PACIFIC)
    except ValueError:
        return None
    return day.timestamp()


def _date(after: bool, value: str) -> Test:  # noqa: FBT001 - one of two
    moment = _moment(value)
    if moment is None:
        return lambda _: False
    limit = moment * 1000
    return lambda one: (one.entry.date >= limit) == after


def _age(newer: bool, value: str, now: float) -> Test:  # noqa: FBT001 - one of two
    found = re.fullmatch(r"(\d+)([dmy])", value)
    if not found:
        return lambda _: False
    limit = (now - int(found[1]) * UNITS[found[2]]) * 1000
    return lambda one: (one.entry.date >= limit) == newer


_BY_OPERATOR: dict[str, Callable[[str], Test]] = {
    "from": _headers("from"),
    "to": _headers("to", "cc", "bcc"),
    "cc": _headers("cc"),
    "bcc": _headers("bcc"),
    "subject": _headers("subject"),
    "list": _headers("list-id"),
    "deliveredto": _headers("delivered-to"),
    "in": _label,
    "label": _label,
    "is": _is,
    "category": _category,
    "has": _has,
    "filename": _filename,
    "rfc822msgid": _rfc_id,
    "larger": _size(larger=True),
    "size": _size(larger=True),
    "smaller": _size(larger=False),
}
