"""Permitting rules for calendars."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient
from limited_use.policy.text_marking import gettext_noop as _

from .policy_rule_types import CALENDAR, PolicyRule

CALENDAR_RULES: tuple[PolicyRule, ...] = (
    PolicyRule(
        id="owner-sees-own-calendar",
        says=_("You see your own calendars, as long as the copy is recent enough."),
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
        says=_("A feature that you switched on shows you your own calendars."),
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
        says=_("Antares changes events in your own calendar when you ask for it."),
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
        says=_(
            "Antares stores the events of your Antares calendars, encrypted, until you remove them."
        ),
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
        says=_("You get one of your Antares calendars as a file when you ask for it."),
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
        says=_(
            "Antares stores a temporary copy of your calendars, encrypted, so that they"
            " show at once."
        ),
        clauses=("LU-1", "MS-COPY", "AN-5", "AN-21"),
        purposes=frozenset({Purpose.SYNC_STORE}),
        recipients=frozenset({Recipient.VAULT}),
        data_classes=CALENDAR,
        needs=frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE, Fact.CONSENT_CURRENT}),
        allow=True,
    ),
    PolicyRule(
        id="ask-own-provider-for-calendars",
        says=_("Antares asks your provider for events by the ids that the provider assigned."),
        clauses=("LU-1", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CALENDAR_EVENT}),
        needs=frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="share-with-whom-you-chose",
        says=_(
            "A colleague with whom you share a calendar sees what the share shows, while it lasts."
        ),
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
