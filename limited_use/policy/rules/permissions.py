"""
Permitting rules for mail, accounts and keys. A forbidding rule beats each of them.

For calendars, see `calendar_permissions`; for files, `drive_rules`.
"""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient
from limited_use.policy.text_marking import gettext_noop as _

from .calendar_permissions import CALENDAR_RULES
from .drive_rules import DRIVE_PERMISSIONS
from .policy_rule_types import CALENDAR, MAIL, PolicyRule
from .sending_rules import SENDING_PERMISSIONS

PERMISSION_RULES: tuple[PolicyRule, ...] = (
    PolicyRule(
        id="owner-reads-own-inbox",
        says=_("You read your own mail in your inbox."),
        clauses=("LU-1", "W-LU1", "AN-10"),
        purposes=frozenset({Purpose.INBOX_DISPLAY}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=MAIL,
        # Not GRANT_LIVE: after the grant's end, only the owner still reads.
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
        id="feature-shows-own-inbox",
        says=_("A feature that you switched on shows you your own mail."),
        clauses=("LU-1", "LU-2.1", "W-LU1", "AN-10"),
        purposes=frozenset({Purpose.INBOX_DISPLAY}),
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
        id="owner-sees-own-account",
        says=_("You see which account you connected."),
        clauses=("LU-1", "AN-23"),
        purposes=frozenset({Purpose.INBOX_DISPLAY, Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset({Fact.ACTOR_OWNS, Fact.CONNECTION_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="maintain-own-connection",
        says=_("Antares uses the access keys of your account at the provider that issued them."),
        clauses=("LU-1", "TOK-SEC", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CREDENTIAL}),
        needs=frozenset({Fact.CONNECTION_LIVE, Fact.GRANT_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="ask-own-provider",
        says=_("Antares asks your provider for messages by the ids that the provider assigned."),
        clauses=("LU-1", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.MAIL_METADATA}),
        needs=frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="reconnect-same-account",
        says=_("When you reconnect, Antares tells the provider which of your accounts you mean."),
        clauses=("LU-1", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset({Fact.ACTOR_OWNS, Fact.CONNECTION_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="match-what-provider-tells",
        says=_(
            "Antares matches a notification from your provider with the account that it is about."
        ),
        clauses=("LU-1", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        # No recipient learns of the account; a match only triggers a sync.
        recipients=frozenset({Recipient.VAULT}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset({Fact.PROVIDER_SAID}),
        allow=True,
    ),
    PolicyRule(
        id="end-while-purging",
        says=_("When you disconnect, Antares asks the provider to end the access."),
        clauses=("TOK-REVOKE", "AN-2", "AN-14"),
        purposes=frozenset({Purpose.CONNECTION_END}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CREDENTIAL}),
        needs=frozenset({Fact.PURGE_RUNNING}),
        allow=True,
    ),
    PolicyRule(
        id="end-after-grant-ended",
        says=_("If the provider ends the access, Antares gives it up for good."),
        clauses=("TOK-REVOKE", "TOK-DELETE"),
        purposes=frozenset({Purpose.CONNECTION_END}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CREDENTIAL}),
        needs=frozenset({Fact.GRANT_ENDED}),
        allow=True,
    ),
    PolicyRule(
        id="keep-for-own-inbox",
        says=_(
            "Antares stores the mail of the period that you chose, encrypted, so that"
            " your inbox shows it at once."
        ),
        clauses=("LU-1", "MS-COPY", "AN-10", "AN-21"),
        purposes=frozenset({Purpose.SYNC_STORE}),
        recipients=frozenset({Recipient.VAULT}),
        data_classes=MAIL,
        needs=frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE, Fact.CONSENT_CURRENT}),
        allow=True,
    ),
    PolicyRule(
        id="notify-own-mailbox",
        says=_("A notification goes to your own mailbox if you chose that."),
        clauses=("LU-2.1", "W-LU2", "AN-13"),
        purposes=frozenset({Purpose.NOTIFY_OWNER}),
        # The recipient is the account itself: no person acts, so none must own it.
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset(
            {
                Fact.NOTIFICATION_CHOSEN,
                Fact.CONNECTION_LIVE,
                Fact.GRANT_LIVE,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="notify-owner",
        says=_("A notification that you chose tells you which of your accounts it is about."),
        clauses=("LU-1", "W-LU1", "AN-13"),
        purposes=frozenset({Purpose.NOTIFY_OWNER}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.NOTIFICATION_CHOSEN,
                Fact.CONNECTION_LIVE,
                Fact.GRANT_LIVE,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    # In the order of the policy page.
    *SENDING_PERMISSIONS,
    *CALENDAR_RULES,
    *DRIVE_PERMISSIONS,
    PolicyRule(
        id="support-reads-one-item",
        says=_(
            "A support agent reads one message that you opened to support, until the"
            " end that you set."
        ),
        clauses=("LU-3.1", "WLU-3.1", "W-LU3", "AN-18"),
        purposes=frozenset({Purpose.SUPPORT_ITEM}),
        recipients=frozenset({Recipient.SUPPORT_AGENT}),
        data_classes=MAIL,
        needs=frozenset(
            {
                Fact.ITEM_CONSENTED,
                Fact.INTEGRATION_LIVE,
                Fact.GRANT_LIVE,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="support-finds-account",
        says=_(
            "A support agent finds your connections by an exact address, an id or a code that"
            " you gave them, and sees their state, but no content and no address."
        ),
        clauses=("LU-3.1", "W-LU3", "AN-18", "AN-2"),
        purposes=frozenset({Purpose.SUPPORT_FIND}),
        recipients=frozenset({Recipient.SUPPORT_AGENT}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset({Fact.AGENT_IS_SUPPORT, Fact.LOOKUPS_WITHIN_BOUND}),
        allow=True,
    ),
    PolicyRule(
        id="support-reads-one-event",
        says=_(
            "A support agent reads one event that you opened to support, until the end that you"
            " set, as long as the copy is recent enough."
        ),
        clauses=("LU-3.1", "WLU-3.1", "W-LU3", "AN-18"),
        purposes=frozenset({Purpose.SUPPORT_ITEM}),
        recipients=frozenset({Recipient.SUPPORT_AGENT}),
        data_classes=CALENDAR,
        needs=frozenset(
            {
                Fact.ITEM_CONSENTED,
                Fact.INTEGRATION_LIVE,
                Fact.GRANT_LIVE,
                Fact.CACHE_CURRENT,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="owner-exports-own-mail",
        says=_("You get a file with your own stored mail when you ask for it."),
        clauses=("LU-1", "W-LU1", "AN-23"),
        purposes=frozenset({Purpose.USER_EXPORT}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=MAIL,
        # Neither grant nor inbox consent: the copy outlives both.
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.EXPORT_ASKED,
                Fact.INTEGRATION_LIVE,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="owner-exports-own-account",
        says=_("Your export names the account that it came from."),
        clauses=("LU-1", "W-LU1", "AN-23"),
        purposes=frozenset({Purpose.USER_EXPORT}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.EXPORT_ASKED,
                Fact.CONNECTION_LIVE,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="seal-again",
        says=_("Antares may encrypt stored data again under a newer key."),
        clauses=("WSEC-KEY", "AN-19"),
        purposes=frozenset({Purpose.VAULT_REKEY}),
        recipients=frozenset({Recipient.VAULT}),
        needs=frozenset({Fact.KEY_LIVE}),
        allow=True,
    ),
)
