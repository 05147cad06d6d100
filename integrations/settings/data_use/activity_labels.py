"""Words for ledger entries, as their owner reads them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext, ngettext

from limited_use.ledger.entry_filters import EntryActor
from limited_use.ledger.subject_activity import SubjectActivity
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Purpose, Recipient
from limited_use.policy.rules import CALENDAR, MAIL

from . import messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_BY_OWNER = frozenset(
    {
        "connection.connected",
        "consent.given",
        "consent.withdrawn",
        "delegation.switched_on",
        "delegation.switched_off",
        "support.item_allowed",
        "support.item_declined",
    }
)
_BY_SUPPORT = frozenset({"support.item_asked", "support.item_not_needed"})


def describe_actor(
    actor: EntryActor, *, event: str, recipient: str | None, feature: str | None
) -> str:
    """:param event: events that are no use come from the owner, from support, or from Antares"""
    if actor is EntryActor.FEATURE:
        return get_feature_title(feature) or str(messages.A_FEATURE)
    if actor is EntryActor.OTHER_PERSON:
        if event in messages.SUPPORT_ACTION:
            recipient = Recipient.SUPPORT_AGENT
        return str(messages.OTHER_PERSON.get(recipient or "", messages.ANOTHER_PERSON))
    if actor is EntryActor.NONE and event in _BY_SUPPORT:
        return str(messages.OTHER_PERSON[Recipient.SUPPORT_AGENT])
    is_owner = actor is EntryActor.OWNER or (actor is EntryActor.NONE and event in _BY_OWNER)
    return str(messages.YOU if is_owner else messages.SERVICE)


def describe_event(event: str, feature: str | None) -> str:
    """Return the label of an event that is no use, with the feature that it is about."""
    label = str(messages.EVENT.get(event, event))
    title = get_feature_title(feature)
    return f"{label}: {title}" if title else label


def describe_purpose(purpose: str | None) -> str:
    return str(messages.PURPOSE.get(purpose or "", ""))


def describe_action(line: SubjectActivity) -> StrOrPromise:
    """Return a past action such as `read your mail`, to follow a subject."""
    purpose, recipient = line.purpose or "", line.recipient or ""
    if line.outcome is None and line.event in messages.SUPPORT_ACTION:
        return messages.SUPPORT_ACTION[line.event]
    if purpose == Purpose.SYNC_STORE:
        is_mail = bool(MAIL.intersection(line.data_classes))
        return messages.SYNCED_MAIL if is_mail else messages.SYNCED_CALENDARS
    is_mail_to_provider = (purpose, recipient) == (Purpose.MAIL_SEND, Recipient.OWN_PROVIDER)
    if is_mail_to_provider and line.actor is EntryActor.OWNER:
        # Antares sends it later, and the owner may take it back until then.
        return messages.ORDERED_MAIL
    action = messages.ACTION.get((purpose, recipient)) or messages.ACTION.get((purpose, ""))
    return action if action is not None else describe_purpose(purpose).lower()


def describe_data(data_classes: Iterable[str]) -> str:
    """Return the data inside a sentence."""
    return join_words(
        str(messages.DATA_IN_SENTENCE.get(data_class, data_class)) for data_class in data_classes
    )


def describe_recipient(recipient: str | None) -> str:
    """Return "" if the recipient is the actor, who is named already."""
    if recipient in {None, Recipient.PLATFORM_FEATURE}:
        return ""
    return str(messages.RECIPIENT.get(recipient or "", ""))


def explain_refusal(rule_id: str | None, missing: Iterable[str]) -> str:
    """Return why a request was refused: the missing facts, or what is never allowed."""
    facts = [str(messages.MISSING[fact]) for fact in missing if fact in messages.MISSING]
    return " ".join(facts) or get_rule_text(rule_id)


def get_rule_text(rule_id: str | None) -> str:
    """Return "" if the rule no longer exists."""
    text = policy_evaluation.RULE_TEXTS.get(rule_id or "", "")
    return gettext(text) if text else ""


def get_feature_title(key: str | None) -> str:
    """Return the key if the feature is no longer registered."""
    if key is None:
        return ""
    declared = FEATURES.get(key)
    return key if declared is None else gettext(declared.title)


def count_requests(count: int) -> str:
    return ngettext("%(number)s time", "%(number)s times", count) % {"number": intcomma(count)}


def count_items(count: int, data_classes: Iterable[str]) -> str:
    """Return `3 messages`, or events, or items."""
    classes = frozenset(data_classes)
    if classes and classes <= MAIL:
        text = ngettext("%(number)s message", "%(number)s messages", count)
    elif classes and classes <= CALENDAR:
        text = ngettext("%(number)s event", "%(number)s events", count)
    else:
        text = ngettext("%(number)s item", "%(number)s items", count)
    return text % {"number": intcomma(count)}


def count_activity(lines: Iterable[SubjectActivity]) -> str:
    """Return `3 times, 40 messages`, added up."""
    all_lines = list(lines)
    counts = [count_requests(sum(line.request_count for line in all_lines))]
    items = sum(line.item_count or 0 for line in all_lines)
    if items:
        classes = {data_class for line in all_lines for data_class in line.data_classes}
        counts.append(count_items(items, classes))
    return ", ".join(counts)


def join_words(words: Iterable[str]) -> str:
    """Return `a, b and c`."""
    unique_words = list(dict.fromkeys(words))
    if len(unique_words) < 2:  # noqa: PLR2004 - one word stands alone
        return "".join(unique_words)
    return gettext("%(first)s and %(last)s") % {
        "first": ", ".join(unique_words[:-1]),
        "last": unique_words[-1],
    }
