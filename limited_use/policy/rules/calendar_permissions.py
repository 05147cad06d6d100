"""Permitting rules for calendars."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient

from .policy_rule_types import CALENDAR, PolicyRule

CALENDAR_RULES: tuple[PolicyRule, ...] = (
    PolicyRule(
        id="owner-sees-own-calendar",
        says="You see your own calendars, as long as the copy is young enough.",
        clauses=("LU-1", "W-LU1", "AN-5"),
        purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=CALENDAR,
        # Not GRANT_LIVE: as in the inbox, but only until the copy is too old.
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.INTEGRATION_LIVE,
                Fact.CACHE_CURRENT,
                Fact.CONSENT_CURRENT,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="feature-shows-own-calendar",
        says="A feature that you switched on shows you your own calendars.",
        clauses=("LU-1", "LU-2.1", "W-LU1", "AN-5"),
        purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
        recipients=frozenset({Recipient.PLATFORM_FEATURE}),
        data_classes=CALENDAR,
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.INTEGRATION_LIVE,
                Fact.GRANT_LIVE,
                Fact.CACHE_CURRENT,
                Fact.CONSENT_CURRENT,
                Fact.DELEGATION_LIVE,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="write-own-calendar",
        says="Your events are written and changed in your own calendar when you say so.",
        clauses=("LU-1", "W-LU1", "AN-6"),
        purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CALENDAR_EVENT}),
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.INTEGRATION_LIVE,
                Fact.GRANT_LIVE,
                Fact.CONSENT_CURRENT,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="keep-own-local-calendar",
        says="What you write in a calendar that lives here is kept, sealed, until you remove it.",
        clauses=("LU-1", "W-LU1", "AN-9"),
        purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
        # The data stays sealed.
        recipients=frozenset({Recipient.VAULT}),
        data_classes=CALENDAR,
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.INTEGRATION_LIVE,
                Fact.CONSENT_CURRENT,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="owner-exports-own-calendar",
        says="You take away a calendar of yours that lives here as a file, when you ask for it.",
        clauses=("LU-1", "W-LU1", "AN-9", "AN-23"),
        purposes=frozenset({Purpose.USER_EXPORT}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=CALENDAR,
        # Not the consent: the data is the owner's own.
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.INTEGRATION_LIVE,
                Fact.CACHE_CURRENT,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="keep-calendar-cache",
        says="Your calendars are kept for a while, sealed, so that they show at once.",
        clauses=("LU-1", "MS-COPY", "AN-5", "AN-21"),
        purposes=frozenset({Purpose.SYNC_STORE}),
        recipients=frozenset({Recipient.VAULT}),
        data_classes=CALENDAR,
        needs=frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE, Fact.CONSENT_CURRENT}),
        allow=True,
    ),
    PolicyRule(
        id="ask-own-provider-for-calendars",
        says="The provider is asked for your calendars by the names that it gave them.",
        clauses=("LU-1", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CALENDAR_EVENT}),
        needs=frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="share-with-whom-you-chose",
        says="Somebody you share a calendar with sees what that share shows, while it lasts.",
        clauses=("LU-2.1", "W-LU2", "AN-8"),
        purposes=frozenset({Purpose.CALENDAR_SHARE}),
        recipients=frozenset({Recipient.REGISTERED_USER}),
        data_classes=CALENDAR,
        needs=frozenset(
            {
                Fact.SHARE_LIVE,
                Fact.INTEGRATION_LIVE,
                Fact.GRANT_LIVE,
                Fact.CACHE_CURRENT,
                Fact.CONSENT_CURRENT,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
)
