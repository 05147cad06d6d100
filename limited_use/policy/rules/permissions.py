"""
Permitting rules for mail, accounts and keys. A forbidding rule beats each of them.

For calendars, see `calendar_permissions`.
"""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient

from .calendar_permissions import CALENDAR_RULES
from .policy_rule_types import MAIL, PolicyRule

PERMISSION_RULES: tuple[PolicyRule, ...] = (
    PolicyRule(
        id="owner-reads-own-inbox",
        says="You read your own mail in your inbox.",
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
        says="A feature that you switched on shows you your own mail.",
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
        says="You see which account you connected.",
        clauses=("LU-1", "AN-23"),
        purposes=frozenset({Purpose.INBOX_DISPLAY, Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset({Fact.ACTOR_OWNS, Fact.CONNECTION_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="maintain-own-connection",
        says="The keys to your account are used at the provider that issued them.",
        clauses=("LU-1", "TOK-SEC", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CREDENTIAL}),
        needs=frozenset({Fact.CONNECTION_LIVE, Fact.GRANT_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="ask-own-provider",
        says="The provider is asked for your mail by the names that it gave it.",
        clauses=("LU-1", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.MAIL_METADATA}),
        needs=frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="reconnect-same-account",
        says="On a reconnect the provider is told which of your accounts is meant.",
        clauses=("LU-1", "AN-16"),
        purposes=frozenset({Purpose.CONNECTION_MAINTAIN}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.PROFILE}),
        needs=frozenset({Fact.ACTOR_OWNS, Fact.CONNECTION_LIVE}),
        allow=True,
    ),
    PolicyRule(
        id="match-what-provider-tells",
        says="News that your provider tells of one of your accounts is matched with that account.",
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
        says="On a disconnect the provider is asked to end the grant.",
        clauses=("TOK-REVOKE", "AN-2", "AN-14"),
        purposes=frozenset({Purpose.CONNECTION_END}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CREDENTIAL}),
        needs=frozenset({Fact.PURGE_RUNNING}),
        allow=True,
    ),
    PolicyRule(
        id="end-after-grant-ended",
        says="A grant that the provider ended is ended for good.",
        clauses=("TOK-REVOKE", "TOK-DELETE"),
        purposes=frozenset({Purpose.CONNECTION_END}),
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=frozenset({DataClass.CREDENTIAL}),
        needs=frozenset({Fact.GRANT_ENDED}),
        allow=True,
    ),
    PolicyRule(
        id="keep-for-own-inbox",
        says="Mail within your horizon is kept, sealed, so that your inbox shows it at once.",
        clauses=("LU-1", "MS-COPY", "AN-10", "AN-21"),
        purposes=frozenset({Purpose.SYNC_STORE}),
        recipients=frozenset({Recipient.VAULT}),
        data_classes=MAIL,
        needs=frozenset({Fact.INTEGRATION_LIVE, Fact.GRANT_LIVE, Fact.CONSENT_CURRENT}),
        allow=True,
    ),
    PolicyRule(
        id="notify-own-mailbox",
        says="A notification goes to your own mailbox if you chose that.",
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
        says="A notification that you chose tells you which of your accounts it is about.",
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
    *CALENDAR_RULES,
    PolicyRule(
        id="support-reads-one-item",
        says="Support reads one mail that you agreed to show them, until the end that you set.",
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
        id="owner-exports-own-mail",
        says="You take away a copy of your own mail that is kept here, when you ask for it.",
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
        says="Your copy says which account it came from.",
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
        says="What is sealed may be sealed again under a newer key.",
        clauses=("WSEC-KEY", "AN-19"),
        purposes=frozenset({Purpose.VAULT_REKEY}),
        recipients=frozenset({Recipient.VAULT}),
        needs=frozenset({Fact.KEY_LIVE}),
        allow=True,
    ),
)
