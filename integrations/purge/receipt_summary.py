"""
What a receipt says, in five sentences for people and in tables for who reads on.

Made from the signed documents alone, as `verify.html` makes them in the browser: the same tables
of texts, chosen by the same members.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse

from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product

from .messages import receipt as messages

SCHEMA: Final = "antares-purge/1"
_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SentencePart:
    """
    Part of a sentence in the receipt.

    :param at: shown as a date and time, in place of `text`
    :param url: of a link, which shows `text`
    """

    text: str = ""
    at: datetime | None = None
    url: str = ""
    is_download: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptSentence:
    claim: str
    parts: tuple[SentencePart, ...]


@dataclass(frozen=True, slots=True)
class StoreCount:
    name: str
    before: int
    left: int


@dataclass(frozen=True, slots=True)
class DestroyedKey:
    """:param epoch_ended_at: from part 2"""

    name: str
    key_id: str
    at: datetime | None
    epoch_ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class FeatureCopies:
    """
    Copies outside this service.

    :param acknowledged_at: when the feature confirmed their deletion; None: not when the receipt
        was signed
    """

    name: str
    last_read_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptNote:
    """
    A sentence of the document itself.

    :param until: the end of the fact, if it has one
    """

    topic: str
    until: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class ReceiptSummary:
    """
    Five sentences: what was removed, since when it is unreadable, what the provider still lists,
    what remains until when, and how to check it.

    :param notes: the document's own sentences
    """

    removed: ReceiptSentence
    unreadable: ReceiptSentence
    access: ReceiptSentence
    remains: ReceiptSentence
    check: ReceiptSentence
    reason: str
    stores: tuple[StoreCount, ...]
    keys: tuple[DestroyedKey, ...]
    features: tuple[FeatureCopies, ...]
    notes: tuple[ReceiptNote, ...]

    @property
    def sentences(self) -> tuple[ReceiptSentence, ...]:
        return self.removed, self.unreadable, self.access, self.remains, self.check


def summarize_receipt(first: Document, second: Document | None = None) -> ReceiptSummary | None:
    """
    Return None for a document that is not a purge's receipt of `SCHEMA`.

    :param first: part 1, verified
    :param second: part 2, verified
    """
    body = first.get("body", {})
    if body.get("schema") != SCHEMA:
        return None
    ends = {} if second is None else _get_epoch_ends(second["body"])
    return ReceiptSummary(
        removed=_describe_removed_data(body),
        unreadable=_describe_deletion(body),
        access=_describe_access(body),
        remains=_describe_remains(body, ends),
        check=_describe_check(),
        reason=messages.describe_trigger(body["trigger"], body.get("support_reason", "")),
        stores=tuple(_list_stores(body)),
        keys=tuple(_list_keys(body, ends)),
        features=tuple(_list_features(body)),
        notes=tuple(_list_notes(body, None if second is None else second["body"])),
    )


def _describe_removed_data(body: Document) -> ReceiptSentence:
    counts = {
        name: messages.format_count(name, count, intcomma(count))
        for name, count in _get_counts(body["stores"]).items()
    }
    is_local = not PROVIDERS[body["provider"]].grants
    kind = "local" if is_local else body["product"]
    name = name_product(body["provider"], body["product"])
    return _make_sentence(f"receipt.removed-{kind}", {"name": name, **counts})


def _get_counts(stores: Mapping[str, Any]) -> dict[str, int]:
    labels = {
        "messages": "integrations.Message",
        "threads": "integrations.Thread",
        "calendars": "integrations.Calendar",
        "events": "integrations.Event",
        "uploads": "integrations.DriveFile",
    }
    return {name: stores[label]["before"] for name, label in labels.items() if label in stores}


def _describe_check() -> ReceiptSentence:
    verifier = SentencePart("verify.html", url=reverse("receipt-verifier"), is_download=True)
    keys = SentencePart(str(messages.PUBLISHED_KEYS), url=reverse("keys"))
    return _make_sentence("receipt.check-offline", {"verifier": verifier, "keys": keys})


def _describe_deletion(body: Document) -> ReceiptSentence:
    times = {name: _parse_time(body[name]) for name in ("unreadable_at", "verified_at")}
    return _make_sentence("receipt.unreadable-since", times)


#: Claims by outcome of the revocation; `needed_elsewhere` has two.
ACCESS: Final = {
    "confirmed": "receipt.access-ended",
    "already_gone": "receipt.access-was-ended",
    "gone_after_asking": "receipt.access-was-ended",
    "unconfirmed": "receipt.access-unconfirmed",
    "not_offered": "receipt.access-not-offered",
    "not_needed": "receipt.no-provider",
}


def _describe_access(body: Document) -> ReceiptSentence:
    revocation = body["provider_revocation"]
    is_kept = "credential" in body["remains"]
    needed = "receipt.access-needed" if is_kept else "receipt.access-left"
    claim = ACCESS.get(revocation["outcome"], needed)
    reasons = [str(messages.REASONS[need]) for need in revocation["needed_by"]]
    pages = [SentencePart(page, url=page) for page in revocation["pages"]]
    return _make_sentence(
        claim,
        {
            "provider": PROVIDERS[body["provider"]].label,
            "reasons": _join_texts(reasons, str(messages.TWO)),
            "pages": pages,
        },
    )


def _describe_remains(body: Document, ends: Mapping[str, datetime | None]) -> ReceiptSentence:
    remains = body["remains"]
    times = {"backups_until": _parse_time(remains["backups"]["until"])}
    if ends:
        last = max(end for end in ends.values() if end is not None)
        return _make_sentence("receipt.remains-without-key", {**times, "keys_ended_at": last})
    epoch = remains.get("own_key_epoch", remains["key_epoch"])
    keys_until = _parse_time(epoch["destroyed_by"])
    return _make_sentence("receipt.remains-until", {**times, "keys_until": keys_until})


def _list_stores(body: Document) -> Iterator[StoreCount]:
    order = list(messages.STORES)
    for label, counts in sorted(
        body["stores"].items(), key=lambda item: order.index(item[0]) if item[0] in order else 99
    ):
        if counts["before"]:
            name = str(messages.STORES.get(label, messages.UNKNOWN_STORE))
            yield StoreCount(name, counts["before"], counts["left"])
    yield StoreCount(str(messages.OTHER_STORES), 0, 0)


def _list_keys(body: Document, ends: Mapping[str, datetime | None]) -> Iterator[DestroyedKey]:
    for key in body["keys_destroyed"]:
        name = str(messages.KEY_LINES.get(key["line"], key["line"]))
        key_id = key["key_id"]
        yield DestroyedKey(name, key_id, _parse_time(key["at"]), ends.get(key_id))


def _list_features(body: Document) -> Iterator[FeatureCopies]:
    titles = messages.list_feature_titles()
    # Receipts of earlier versions do not have the member.
    for feature in body.get("features", ()):
        yield FeatureCopies(
            titles.get(feature["feature"], feature["feature"]),
            _parse_time(feature["last_read_at"]),
            _parse_time(feature["acknowledged_at"]),
        )


def _list_notes(body: Document, second: Document | None) -> Iterator[ReceiptNote]:
    """Yield the document's own sentences; those of part 2 replace those of part 1."""
    statements = {**body, **body["remains"], **({} if second is None else second["remains"])}
    for member, topic in messages.NOTES.items():
        if (statement := statements.get(member)) is None:
            continue
        if isinstance(statement, str):
            statement = {"says": statement}
        until = statement.get("destroyed_by", statement.get("until"))
        is_known = until not in {None, "unknown"}
        yield ReceiptNote(str(topic), _parse_time(until) if is_known else None, statement["says"])


def _get_epoch_ends(body: Document) -> dict[str, datetime | None]:
    return {key["key_id"]: _parse_time(key["epoch_destroyed_at"]) for key in body["keys"]}


def _join_texts(texts: Sequence[str], joint: str) -> str:
    """:param joint: with `%(first)s` and `%(second)s`"""
    joined, *rest = texts or [""]
    for text in rest:
        joined = joint % {"first": joined, "second": text}
    return joined


def _parse_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


_Value = str | datetime | SentencePart | list[SentencePart] | None


def _make_sentence(claim: str, values: Mapping[str, _Value]) -> ReceiptSentence:
    # Odd places are names of values.
    pieces = _PLACEHOLDER.split(str(messages.SENTENCES[claim]))
    parts: list[SentencePart] = []
    for number, piece in enumerate(pieces):
        parts += _make_parts(values[piece]) if number % 2 else [SentencePart(piece)]
    return ReceiptSentence(claim, tuple(part for part in parts if part != SentencePart()))


def _make_parts(value: _Value) -> list[SentencePart]:
    if isinstance(value, list):
        alternatives = _join_texts(["\0"] * len(value), str(messages.ALTERNATIVES)).split("\0")
        parts = [SentencePart(alternatives[0])]
        for link, joint in zip(value, alternatives[1:], strict=True):
            parts += [link, SentencePart(joint)]
        return parts
    if isinstance(value, SentencePart):
        return [value]
    return [SentencePart(at=value) if isinstance(value, datetime) else SentencePart(value or "")]
