"""Uses that are forbidden with any facts. The first matching rule names the clause."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from limited_use.policy.text_marking import gettext_noop as _

from .drive_rules import DRIVE_PROHIBITIONS
from .policy_rule_types import (
    ANY_REASON,
    CALENDAR,
    EVERYONE,
    EVERYTHING,
    MAIL,
    PolicyRule,
    forbid_use,
)

PROHIBITION_RULES: tuple[PolicyRule, ...] = (
    forbid_use(
        "channel-records-never-market",
        _("Records of whom you called or wrote to are never used for marketing."),
        "CPNI-222",
        "AN-17",
        data_classes=frozenset({DataClass.CHANNEL_CPNI}),
        purposes=frozenset(
            {Purpose.MARKETING, Purpose.ADVERTISING, Purpose.PROFILING, Purpose.DATA_SALE}
        ),
    ),
    forbid_use(
        "never-market",
        _("Data from your connected accounts is never used for marketing."),
        "LU-4",
        "LU-4.1",
        "MS-ADS",
        "AN-11",
        "AN-17",
        purposes=frozenset({Purpose.MARKETING}),
    ),
    forbid_use(
        "never-advertise",
        _("Data from your connected accounts is never used for advertising."),
        "LU-4.1",
        "LU-4.2",
        "MS-ADS",
        "AN-27",
        purposes=frozenset({Purpose.ADVERTISING}),
    ),
    forbid_use(
        "never-profile",
        _("No profile of anyone is built from data of your connected accounts."),
        "LU-1",
        "LU-4",
        "W-LU4",
        purposes=frozenset({Purpose.PROFILING}),
    ),
    forbid_use(
        "never-sell",
        _("Data from your connected accounts is never sold."),
        "LU-4",
        "LU-4.1",
        "W-LU4",
        "AN-17",
        purposes=frozenset({Purpose.DATA_SALE}),
    ),
    forbid_use(
        "never-score-credit",
        _("Data from your connected accounts is never used to decide about anyone's credit."),
        "LU-4.3",
        purposes=frozenset({Purpose.CREDIT_SCORING}),
    ),
    forbid_use(
        "never-train",
        _("No model is trained or improved with data of your connected accounts."),
        "WLU-4.4",
        "LU-4",
        "GFAQ-models",
        purposes=frozenset({Purpose.MODEL_TRAINING}),
    ),
    forbid_use(
        "never-share-outside",
        _("Data from your connected accounts is not shared outside Antares."),
        "LU-2",
        "LU-4",
        "W-LU2",
        "AN-12",
        purposes=frozenset({Purpose.OUTSIDE_SHARING}),
    ),
    forbid_use(
        "never-read-moods",
        _("Your mail, calendar and files are never analysed for anyone's mood."),
        "LU-1",
        "AN-10",
        "AN-25",
        purposes=frozenset({Purpose.SENTIMENT_OWNER}),
    ),
    forbid_use(
        "no-security-case",
        _("Nobody reads your data to investigate abuse. Antares has no way to open such a case."),
        "LU-2.2",
        "LU-3.2",
        "SIG-LIMIT",
        purposes=frozenset({Purpose.SECURITY_INVESTIGATION}),
    ),
    forbid_use(
        "no-legal-case",
        _("Nobody reads your data for a legal duty. Antares has no way to open such a case."),
        "LU-2.3",
        "LU-3.3",
        "AN-28",
        purposes=frozenset({Purpose.LEGAL_OBLIGATION}),
    ),
    forbid_use(
        "no-merger-case",
        _(
            "Your data does not move with a sale of the company. It is deleted unless"
            " you agree first."
        ),
        "LU-2.4",
        "AN-29",
        purposes=frozenset({Purpose.MERGER_TRANSFER}),
    ),
    forbid_use(
        "no-third-party",
        _("No third party receives data of your connected accounts."),
        "LU-2",
        "LU-4.1",
        "AN-12",
        recipients=frozenset({Recipient.THIRD_PARTY}),
    ),
    forbid_use(
        "no-publication",
        _("Data of your connected accounts is never made public."),
        "LU-2",
        "AN-12",
        recipients=frozenset({Recipient.PUBLIC}),
    ),
    forbid_use(
        "no-acquirer",
        _("A buyer of the company receives nothing without your explicit agreement."),
        "LU-2.4",
        "AN-29",
        recipients=frozenset({Recipient.ACQUIRER}),
    ),
    forbid_use(
        "no-processor",
        _("No service provider of Antares receives readable data of your connected accounts."),
        "LU-2.1",
        "LU-5",
        "AN-12",
        recipients=frozenset({Recipient.PROCESSOR}),
    ),
    forbid_use(
        "no-authority",
        _("No authority receives data of your connected accounts from Antares."),
        "LU-2.3",
        "LU-3.3",
        "AN-28",
        recipients=frozenset({Recipient.AUTHORITY}),
    ),
    forbid_use(
        "no-support-reading",
        _(
            "Support agents never see data of a connected account, except one message or event"
            " that you opened to them. They find it by an address that they typed exactly."
        ),
        "LU-3",
        "LU-3.1",
        "WLU-3.1",
        "W-LU3",
        "AN-18",
        purposes=ANY_REASON - {Purpose.SUPPORT_ITEM, Purpose.SUPPORT_FIND},
        recipients=frozenset({Recipient.SUPPORT_AGENT}),
    ),
    forbid_use(
        "tokens-go-home",
        _("The access keys of your account go only to the provider that issued them."),
        "TOK-SEC",
        "WSEC-TOK",
        "AN-3",
        data_classes=frozenset({DataClass.CREDENTIAL}),
        recipients=EVERYONE - {Recipient.OWN_PROVIDER, Recipient.VAULT},
    ),
    forbid_use(
        "support-sees-mail-and-events-only",
        _(
            "Support agents can see a message or an event that you opened to them, and no other"
            " kind of data."
        ),
        "LU-3",
        "LU-3.1",
        "WLU-3.1",
        purposes=frozenset({Purpose.SUPPORT_ITEM}),
        recipients=frozenset({Recipient.SUPPORT_AGENT}),
        data_classes=EVERYTHING - MAIL - CALENDAR,
    ),
    forbid_use(
        "support-finds-only",
        _("To find an account, support uses nothing but the address that they typed."),
        "LU-3",
        "LU-3.1",
        "WLU-3.1",
        purposes=frozenset({Purpose.SUPPORT_FIND}),
        recipients=frozenset({Recipient.SUPPORT_AGENT}),
        data_classes=EVERYTHING - {DataClass.PROFILE},
    ),
    forbid_use(
        "no-channel-records",
        _("Antares opens no records of whom you called or wrote to on other channels."),
        "CPNI-222",
        data_classes=frozenset({DataClass.CHANNEL_CPNI}),
    ),
    forbid_use(
        "no-contact-links",
        _(
            "Links between phone numbers and email addresses, learnt from your mail,"
            " are used for nothing."
        ),
        "LU-SCOPE",
        "LU-1",
        "AN-10",
        data_classes=frozenset({DataClass.CONTACT_LINK}),
    ),
    # Uses that a clause might allow once a feature performs and shows them. A rule without a
    # feature would be a hole.
    forbid_use(
        "features-never-send",
        _("A feature never sends mail or invitations. It can only propose a draft to you."),
        "LU-4",
        "LU-4.1",
        "AN-11",
        purposes=frozenset({Purpose.MAIL_SEND, Purpose.CALENDAR_INVITE}),
        recipients=frozenset({Recipient.PLATFORM_FEATURE}),
    ),
    forbid_use(
        "sending-is-of-mail",
        _("Sending mail uses only your mail."),
        "LU-1",
        "W-LU1",
        "AN-10",
        purposes=frozenset({Purpose.MAIL_SEND, Purpose.DRAFT_PROPOSE}),
        data_classes=EVERYTHING - MAIL,
    ),
    forbid_use(
        "invitations-are-of-events",
        _("Inviting guests uses only the event."),
        "LU-1",
        "W-LU1",
        "AN-6",
        purposes=frozenset({Purpose.CALENDAR_INVITE}),
        data_classes=EVERYTHING - {DataClass.CALENDAR_EVENT},
    ),
    forbid_use(
        "scheduling-is-of-calendars",
        _("Showing and changing your calendars uses only your calendars."),
        "LU-1",
        "W-LU1",
        "AN-6",
        purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
        data_classes=EVERYTHING - CALENDAR,
    ),
    *DRIVE_PROHIBITIONS,
)
