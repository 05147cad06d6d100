"""System checks: states that would break the policy, found before the service starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.db import connections

from .notifications import message_kinds
from .policy import feature_registry, policy_evaluation
from .policy.feature_registry import Feature
from .policy.policy_vocabulary import Recipient
from .policy.rules import RULES, PolicyRule
from .vault import keyring_fit
from .vault.keyring import keyring_rights
from .vault.keyring.keyring_factory import get_keyring
from .vault.keyring.keyring_port import KeyStoreUnavailable, SigningKey

MIN_RULE_WORDS = 4
# Recipients of the service's own features, and of platform features.
_SERVICE_RECIPIENTS = (
    Recipient.OWNER,
    Recipient.REGISTERED_USER,
    Recipient.SUPPORT_AGENT,
    Recipient.OWN_PROVIDER,
    Recipient.OTHER_OWN_ACCOUNT,
)
_CLIENT_RECIPIENTS = (Recipient.PLATFORM_FEATURE,)


@register("limited_use")
def check_policy(**_: Any) -> list[CheckMessage]:
    return [*find_rule_problems(RULES), *find_feature_problems(feature_registry.FEATURES.values())]


@register("limited_use")
def check_notifications(**_: Any) -> list[CheckMessage]:
    """Each message kind needs a purpose of the policy."""
    problems = message_kinds.find_problems(message_kinds.KINDS)
    return [Error(problem, id="limited_use.E020") for problem in problems]


@register("limited_use", deploy=True)
def check_mail_settings(**_: Any) -> list[CheckMessage]:
    """Report missing mail settings for information only: the service works without mail."""
    if settings.MAIL_IS_SENT:
        return []
    message = (
        "EMAIL_URL is not set, so no mail is sent: people see notices on their pages only and"
        " cannot reset passwords."
    )
    return [Info(message, id="limited_use.I001")]


@register("limited_use", Tags.security, deploy=True)
def check_keyring(**_: Any) -> list[CheckMessage]:
    """Only on deployment, because `init_keyring` runs without a keyring."""
    return find_keyring_problems()


@register("limited_use", Tags.database, deploy=True)
def check_database_durability(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """A decision must be on disk before the answer."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                cursor.execute("SELECT current_setting(%s)", [name])
                problems += find_durability_problems(name, cursor.fetchone()[0])
    return problems


@register("limited_use", Tags.database, deploy=True)
def check_keyring_fit(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A lost or outdated keyring would look like disconnects."""
    if not databases or find_keyring_problems():
        return []
    return [Error(problem, id="limited_use.E012") for problem in keyring_fit.find_problems()]


def find_durability_problems(name: str, value: str) -> list[CheckMessage]:
    if value != "off":
        return []
    return [Error(f"{name} is off: a recorded decision could be lost", id="limited_use.E011")]


def find_rule_problems(rules: Sequence[PolicyRule]) -> list[CheckMessage]:
    """Return an error for each rule that is ambiguous, empty or names no clause."""
    errors: list[CheckMessage] = [
        Error(f"two rules have the id {rule_id}", id="limited_use.E001")
        for rule_id, count in Counter(rule.id for rule in rules).items()
        if count > 1
    ]
    for rule in rules:
        if not rule.clauses:
            errors.append(Error(f"rule {rule.id} names no clause", id="limited_use.E002"))
        if len(rule.says.split()) < MIN_RULE_WORDS:
            errors.append(Error(f"rule {rule.id} says nothing", id="limited_use.E003"))
        if rule.allow and not rule.needs:
            errors.append(Error(f"rule {rule.id} permits without a fact", id="limited_use.E004"))
        if not rule.allow and rule.needs:
            errors.append(Error(f"rule {rule.id} forbids only at times", id="limited_use.E005"))
    return errors


def find_feature_problems(entries: Iterable[Feature]) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    for entry in entries:
        recipients = _CLIENT_RECIPIENTS if entry.platform_client else _SERVICE_RECIPIENTS
        errors += [
            Error(
                f"{entry.key} declares {purpose}, which the policy never allows to it",
                id="limited_use.E006",
            )
            for purpose in sorted(entry.purposes)
            if not any(
                policy_evaluation.can_use_be_allowed(purpose, recipient) for recipient in recipients
            )
        ]
        if bool(entry.purposes) != bool(entry.data_classes):
            errors.append(
                Error(
                    f"{entry.key} must declare both purposes and data, or neither",
                    id="limited_use.E007",
                )
            )
        if entry.lacks_keeps:
            errors.append(
                Error(
                    f"{entry.key} must declare what it keeps: nothing, or copies until a purge",
                    id="limited_use.E021",
                )
            )
    return errors


def find_keyring_problems() -> list[CheckMessage]:
    rights = keyring_rights.get_rights(settings.PROCESS_CLASS)
    try:
        ring = get_keyring()
        for mac in sorted(rights.macs):
            ring.compute_mac(mac, b"check")
        for signing_key in SigningKey:
            ring.get_public_key(signing_key)
        missing = [line for line in sorted(rights.all_lines) if not ring.list_epochs(line)]
    except KeyStoreUnavailable as problem:
        message = str(problem) or "the key store does not answer"
        return [Error(message, id="limited_use.E008")]
    return [Error(f"the keyring has no {line} key", id="limited_use.E009") for line in missing]
