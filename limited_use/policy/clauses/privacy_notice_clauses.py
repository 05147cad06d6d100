"""Promises of Antares to its users in its own notice. For provider data the stricter wins."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import Fact

from .clause_types import (
    ANTARES,
    LEGAL,
    OPERATOR,
    SECURITY,
    ClauseConfidence,
    ClauseDuty,
    PolicyClause,
)

NOTICE: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="AN-1",
        says="Connecting an account is optional.",
        source=ANTARES,
        quote="always optional",
        code=("integrations.connections.begin_connect",),
    ),
    PolicyClause(
        id="AN-2",
        says=(
            "An account can be disconnected at any time. Only features that need it stop working."
        ),
        source=ANTARES,
        quote="can be disconnected at any time",
        facts=(Fact.PURGE_RUNNING,),
    ),
    PolicyClause(
        id="AN-3",
        says="Antares never sees the password at the provider.",
        source=ANTARES,
        quote="at no time does Antares have access to your password",
    ),
    PolicyClause(
        id="AN-4",
        says="Google data follows the Limited Use requirements.",
        source=ANTARES,
        quote="including the Limited Use requirements",
        code=("integrations.urls.public_pages.views.show_data_use",),
    ),
    PolicyClause(
        id="AN-5",
        says="Calendar data is cached temporarily, with permission.",
        source=ANTARES,
        quote="store certain calendar data temporarily to improve performance (caching)",
        facts=(Fact.CACHE_CURRENT,),
    ),
    PolicyClause(
        id="AN-6",
        says="Events are changed only with permission.",
        source=ANTARES,
        quote="modify Calendar events",
    ),
    PolicyClause(
        id="AN-7",
        says="Files are uploaded to Drive for the user, with permission.",
        source=ANTARES,
        quote="upload files on your behalf to the Google Drive",
    ),
    PolicyClause(
        id="AN-8",
        says="Calendars are shared with permission, and only with registered users.",
        source=ANTARES,
        quote="with other registered users of the Antares platform",
        facts=(Fact.SHARE_LIVE,),
    ),
    PolicyClause(
        id="AN-9",
        says="Calendar data can be deleted at any time.",
        source=ANTARES,
        quote="calendar data on the Antares platform can be deleted at any time",
        code=("integrations.calendar.sync.cache_eviction.evict_copies",),
    ),
    PolicyClause(
        id="AN-10",
        says="Mail serves one purpose: all channels of the user in one place.",
        source=ANTARES,
        quote="for the sole purpose of centralizing your communication channels in one place",
    ),
    PolicyClause(
        id="AN-11",
        says="Antares sends no marketing through a user's mailbox.",
        source=ANTARES,
        quote="never use your Microsoft or Gmail account to send Antares marketing",
        facts=(
            Fact.SEND_ORDERED,
            Fact.RECIPIENTS_WITHIN_BOUND,
            Fact.HOUR_WITHIN_BOUND,
            Fact.DAY_WITHIN_BOUND,
            Fact.RECIPIENTS_KNOWN,
            Fact.TEMPLATE_WITHIN_BOUND,
        ),
        code=(
            "integrations.access.sending_permits.refuse_feature",
            "integrations.access.sending_bounds.count_message",
            "integrations.mail.sending.proposals.propose_draft",
            "integrations.calendar.events.event_access.GuestNotices",
        ),
    ),
    PolicyClause(
        id="AN-12",
        says="A mail account is not shared with anyone outside of Antares.",
        source=ANTARES,
        quote="nor will we ever share your Microsoft or Gmail account with any entity outside",
        duty=ClauseDuty(
            LEGAL,
            "Records why hosting is no sharing: read literally, this clause allows no processor.",
        ),
    ),
    PolicyClause(
        id="AN-13",
        says="Notifications go to the mailbox only if the user chose that.",
        source=ANTARES,
        quote="if you have configured this as a preferred way to receive notifications",
        facts=(Fact.NOTIFICATION_CHOSEN,),
    ),
    PolicyClause(
        id="AN-14",
        says="A mailbox can be disconnected at any time.",
        source=ANTARES,
        quote="can be disconnected at any time",
        code=("integrations.connections.disconnect_integration",),
    ),
    PolicyClause(
        id="AN-15",
        says="After a disconnect, its mail is removed within a reasonable time.",
        source=ANTARES,
        quote="within a reasonable time period required to process said data",
        code=("integrations.purge.list_late_promises",),
        duty=ClauseDuty(
            LEGAL, "Adds to the notice the deadline that the page on data use promises."
        ),
    ),
    PolicyClause(
        id="AN-16",
        says="Providers receive only the data that they need.",
        source=ANTARES,
        quote="We share only the personal information needed",
    ),
    PolicyClause(
        id="AN-17",
        says="Data is not sold, and not shared for marketing.",
        source=ANTARES,
        quote="does not sell or share Personal Data with third parties for marketing purposes",
    ),
    PolicyClause(
        id="AN-18",
        says=(
            "Staff see only the data that they need. Of provider data, they see single items"
            " that the owner opened to them."
        ),
        source=ANTARES,
        quote="shared internally among Antares employees, as is appropriate",
        facts=(Fact.ITEM_CONSENTED,),
    ),
    PolicyClause(
        id="AN-19",
        says="Data is encrypted, and few people have access.",
        source=ANTARES,
        quote="data encryption and restricted personnel access",
    ),
    PolicyClause(
        id="AN-20",
        says="The measures are reviewed regularly.",
        source=ANTARES,
        quote="regularly reviewed and updated as appropriate",
        duty=ClauseDuty(SECURITY, "Reviews the measures every year, based on the evidence."),
    ),
    PolicyClause(
        id="AN-21",
        says="Data is stored only as long as its purpose needs it.",
        source=ANTARES,
        quote="only for as long as is necessary",
        code=("integrations.mail.sync_controls.set_horizon",),
    ),
    PolicyClause(
        id="AN-22",
        says="Usage data is stored for a shorter time.",
        source=ANTARES,
        quote="generally retained for a shorter period of time",
        duty=ClauseDuty(
            OPERATOR, "Sets a retention period for logs and metrics. They hold no provider data."
        ),
    ),
    PolicyClause(
        id="AN-23",
        says="Users can see and export their stored data.",
        source=ANTARES,
        quote="a right of access",
        facts=(Fact.EXPORT_ASKED,),
    ),
    PolicyClause(
        id="AN-23.2",
        says="Users can have their stored data corrected.",
        source=ANTARES,
        quote="a right of access and correction",
        duty=ClauseDuty(
            OPERATOR,
            "Corrects a name or a sign-in address by hand: no page or command does. Users correct"
            " mail, events and files at the provider, and events also in Antares.",
        ),
    ),
    PolicyClause(
        id="AN-24",
        says="Users are notified of a breach.",
        source=ANTARES,
        quote="reasonable attempts to notify you",
        duty=ClauseDuty(
            SECURITY, "Notifies users and providers. The providers' rules are stricter."
        ),
    ),
    PolicyClause(
        id="AN-25",
        says=(
            "Antares may compute suggestions and customer sentiment, but not from provider data."
        ),
        source=ANTARES,
        quote="how your customers are feeling about you",
    ),
    PolicyClause(
        id="AN-26",
        says="Tracking serves usability. Pages that show provider data have no tracking.",
        source=ANTARES,
        quote="to improve the usability and performance of our services",
        code=("config.settings.CONTENT_SECURITY_POLICY",),
    ),
    PolicyClause(
        id="AN-27",
        says=(
            "Users can opt out of advertising. Provider data is not used for advertising at all."
        ),
        source=ANTARES,
        quote="opt out of Antares's use of data for internet-based advertising",
    ),
    PolicyClause(
        id="AN-28",
        says="Users are notified of a legal demand, where the law allows it.",
        source=ANTARES,
        quote="reasonable steps to notify you",
        duty=ClauseDuty(LEGAL, "Notifies the user of a demand, where this is lawful."),
    ),
    PolicyClause(
        id="AN-29",
        says="Users are notified of a sale of the company, and the promises stay valid.",
        source=ANTARES,
        quote="reasonable efforts to inform you of the transfer",
        duty=ClauseDuty(
            LEGAL, "Asks for consent first: for provider data, notification is not enough (LU-2.4)."
        ),
    ),
    PolicyClause(
        id="AN-30",
        says="Users are told about data that a third party provided.",
        source=ANTARES,
        quote="When we receive Personal Data from a third party, we will let you know",
        duty=ClauseDuty(
            LEGAL,
            "Notifies the user. Antares receives such data only from the user's own provider.",
        ),
    ),
    PolicyClause(
        id="AN-31",
        says="The service is for organisations and is not directed to children.",
        source=ANTARES,
        # The page of this service says it. The wording of the notice is not among our facts.
        confidence=ClauseConfidence.OURS,
        code=(
            "integrations.urls.public_pages.views.show_children",
            "accounts.allauth_adapter.AccountAdapter",
        ),
        duty=ClauseDuty(
            OPERATOR,
            "Disconnects the accounts of a child when somebody reports it to the support address.",
        ),
    ),
)
