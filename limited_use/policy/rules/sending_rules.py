"""Rules for sending mail, proposing drafts and inviting guests: permissions and their limits."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient
from limited_use.policy.text_marking import gettext_noop as _

from .policy_rule_types import MAIL, PolicyRule, forbid_use

SENDING_LIMITS: tuple[PolicyRule, ...] = (
    forbid_use(
        "few-recipients",
        _("A message or an invitation goes to at most 50 people."),
        "LU-4",
        "AN-11",
        purposes=frozenset({Purpose.MAIL_SEND, Purpose.DRAFT_PROPOSE, Purpose.CALENDAR_INVITE}),
        recipients=frozenset({Recipient.OWN_PROVIDER, Recipient.PLATFORM_FEATURE}),
        unless=frozenset({Fact.RECIPIENTS_WITHIN_BOUND}),
    ),
    forbid_use(
        "few-messages-an-hour",
        _("You can send at most 100 messages and invitations in an hour."),
        "LU-4",
        "AN-11",
        purposes=frozenset({Purpose.MAIL_SEND, Purpose.CALENDAR_INVITE}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        unless=frozenset({Fact.HOUR_WITHIN_BOUND}),
    ),
    forbid_use(
        "few-messages-a-day",
        _("You can send at most 500 messages and invitations in a day."),
        "LU-4",
        "AN-11",
        purposes=frozenset({Purpose.MAIL_SEND, Purpose.CALENDAR_INVITE}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        unless=frozenset({Fact.DAY_WITHIN_BOUND}),
    ),
    forbid_use(
        "propose-to-correspondents",
        _("A feature can propose a draft only to people with whom you have corresponded."),
        "LU-4",
        "AN-11",
        purposes=frozenset({Purpose.DRAFT_PROPOSE}),
        recipients=frozenset({Recipient.PLATFORM_FEATURE}),
        unless=frozenset({Fact.RECIPIENTS_KNOWN}),
    ),
    forbid_use(
        "propose-no-campaign",
        _("A feature can propose the same text to at most 50 people in a day."),
        "LU-4",
        "LU-4.1",
        "AN-11",
        purposes=frozenset({Purpose.DRAFT_PROPOSE}),
        recipients=frozenset({Recipient.PLATFORM_FEATURE}),
        unless=frozenset({Fact.TEMPLATE_WITHIN_BOUND}),
    ),
)

SENDING_PERMISSIONS: tuple[PolicyRule, ...] = (
    PolicyRule(
        id="owner-sends-own-mail",
        says=_("You send a message from your own mailbox."),
        clauses=("LU-1", "W-LU1", "AN-10"),
        purposes=frozenset({Purpose.MAIL_SEND}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=MAIL,
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
        id="outbox-sends-what-owner-ordered",
        says=_("Antares gives the message that you sent to your own provider."),
        clauses=("LU-1", "W-LU1", "AN-10"),
        purposes=frozenset({Purpose.MAIL_SEND}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=MAIL,
        # The service acts; the order is the owner's.
        needs=frozenset(
            {
                Fact.SEND_ORDERED,
                Fact.INTEGRATION_LIVE,
                Fact.GRANT_LIVE,
                Fact.CONSENT_CURRENT,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="keep-own-outbox",
        says=_("Antares stores your message and its files, encrypted, until they are sent."),
        clauses=("LU-1", "W-LU1", "AN-10"),
        purposes=frozenset({Purpose.MAIL_SEND}),
        recipients=frozenset({Recipient.VAULT}),
        data_classes=MAIL,
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
        id="owner-reads-own-outbox",
        says=_("You read the messages that you wrote, and the drafts proposed to you."),
        clauses=("LU-1", "W-LU1", "AN-10"),
        purposes=frozenset({Purpose.MAIL_SEND}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=MAIL,
        # Neither grant nor agreement: a message that could not be sent is still the owner's.
        needs=frozenset({Fact.ACTOR_OWNS, Fact.INTEGRATION_LIVE, Fact.FEATURE_REGISTERED}),
        allow=True,
    ),
    PolicyRule(
        id="feature-proposes-draft",
        says=_("A feature that you switched on proposes a draft, which only you can send."),
        clauses=("LU-1", "LU-2.1", "W-LU1", "AN-10"),
        purposes=frozenset({Purpose.DRAFT_PROPOSE}),
        recipients=frozenset({Recipient.PLATFORM_FEATURE}),
        data_classes=MAIL,
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.INTEGRATION_LIVE,
                Fact.GRANT_LIVE,
                Fact.CONSENT_CURRENT,
                Fact.DELEGATION_LIVE,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="compare-recipients",
        says=_(
            "Antares compares the recipients of a proposed draft with your mail. The feature"
            " learns only whether the draft was accepted."
        ),
        clauses=("LU-1", "LU-2.1", "W-LU1", "AN-11"),
        purposes=frozenset({Purpose.DRAFT_PROPOSE}),
        # No recipient: one yes or no leaves the comparison.
        recipients=frozenset({Recipient.VAULT}),
        data_classes=frozenset({DataClass.MAIL_METADATA}),
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.INTEGRATION_LIVE,
                Fact.GRANT_LIVE,
                Fact.CONSENT_CURRENT,
                Fact.DELEGATION_LIVE,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="owner-invites-guests",
        says=_("Your provider invites the guests of an event when you ask for it."),
        clauses=("LU-1", "W-LU1", "AN-6"),
        purposes=frozenset({Purpose.CALENDAR_INVITE}),
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
)
