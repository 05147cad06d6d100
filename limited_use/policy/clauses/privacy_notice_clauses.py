"""Promises of Antares to its users in its own notice. For provider data the stricter wins."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import Fact

from .clause_types import ANTARES, LEGAL, OPERATOR, SECURITY, ClauseDuty, PolicyClause

NOTICE: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="AN-1",
        says="Connecting an account is a choice.",
        source=ANTARES,
        quote="always optional",
        code=("integrations.connections.begin_connect",),
    ),
    PolicyClause(
        id="AN-2",
        says="It can be ended whenever, and costs nothing but what needs it.",
        source=ANTARES,
        quote="can be disconnected at any time",
        facts=(Fact.PURGE_RUNNING,),
    ),
    PolicyClause(
        id="AN-3",
        says="The password at the provider is never seen.",
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
        says="Calendar data is cached, for a time and by permission.",
        source=ANTARES,
        quote="store certain calendar data temporarily to improve performance (caching)",
        facts=(Fact.CACHE_CURRENT,),
    ),
    PolicyClause(
        id="AN-6",
        says="Events are changed by permission.",
        source=ANTARES,
        quote="modify Calendar events",
    ),
    PolicyClause(
        id="AN-7",
        says="Files are put into Drive for the user, by permission. None is yet.",
        source=ANTARES,
        quote="upload files on your behalf to the Google Drive",
    ),
    PolicyClause(
        id="AN-8",
        says="Calendars are shared by permission, with registered users only.",
        source=ANTARES,
        quote="with other registered users of the Antares platform",
        facts=(Fact.SHARE_LIVE,),
    ),
    PolicyClause(
        id="AN-9",
        says="Calendar data can be erased at any time.",
        source=ANTARES,
        quote="calendar data on the Antares platform can be deleted at any time",
        code=("integrations.calendar.sync.cache_eviction.evict_copies",),
    ),
    PolicyClause(
        id="AN-10",
        says="Mail serves one purpose: all channels in one place.",
        source=ANTARES,
        quote="for the sole purpose of centralizing your communication channels in one place",
    ),
    PolicyClause(
        id="AN-11",
        says="No marketing of ours goes through a user's mailbox.",
        source=ANTARES,
        quote="never use your Microsoft or Gmail account to send Antares marketing",
    ),
    PolicyClause(
        id="AN-12",
        says="A mail account is shared with nobody outside.",
        source=ANTARES,
        quote="nor will we ever share your Microsoft or Gmail account with any entity outside",
        duty=ClauseDuty(
            LEGAL,
            "Records why hosting is no sharing: read word by word this allows no processor.",
        ),
    ),
    PolicyClause(
        id="AN-13",
        says="Notifications go to the mailbox only where the user chose that.",
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
        says="Its mail goes with it, in reasonable time.",
        source=ANTARES,
        quote="within a reasonable time period required to process said data",
        code=("integrations.purge.list_late_promises",),
        duty=ClauseDuty(
            LEGAL, "Puts the number into the notice that the page on data use promises."
        ),
    ),
    PolicyClause(
        id="AN-16",
        says="Providers get no more than they need.",
        source=ANTARES,
        quote="We share only the personal information needed",
    ),
    PolicyClause(
        id="AN-17",
        says="Nothing is sold, or shared for marketing.",
        source=ANTARES,
        quote="does not sell or share Personal Data with third parties for marketing purposes",
    ),
    PolicyClause(
        id="AN-18",
        says="Staff see what they need to; of provider data, an item that its owner showed them.",
        source=ANTARES,
        quote="shared internally among Antares employees, as is appropriate",
        facts=(Fact.ITEM_CONSENTED,),
    ),
    PolicyClause(
        id="AN-19",
        says="Data is encrypted, and few have access.",
        source=ANTARES,
        quote="data encryption and restricted personnel access",
    ),
    PolicyClause(
        id="AN-20",
        says="The measures are looked at again, regularly.",
        source=ANTARES,
        quote="regularly reviewed and updated as appropriate",
        duty=ClauseDuty(SECURITY, "Reviews the measures every year, with the evidence at hand."),
    ),
    PolicyClause(
        id="AN-21",
        says="Data is kept only as long as its purpose needs it.",
        source=ANTARES,
        quote="only for as long as is necessary",
        code=("integrations.mail.sync_controls.set_horizon",),
    ),
    PolicyClause(
        id="AN-22",
        says="Usage data is kept for a shorter time.",
        source=ANTARES,
        quote="generally retained for a shorter period of time",
        duty=ClauseDuty(OPERATOR, "Gives logs and metrics an end; they hold no provider data."),
    ),
    PolicyClause(
        id="AN-23",
        says="Users see and get what is kept of theirs.",
        source=ANTARES,
        quote="a right of access and correction",
        facts=(Fact.EXPORT_ASKED,),
    ),
    PolicyClause(
        id="AN-24",
        says="Users are told of a breach.",
        source=ANTARES,
        quote="reasonable attempts to notify you",
        duty=ClauseDuty(
            SECURITY, "Tells users, and the providers too: theirs is the stricter word."
        ),
    ),
    PolicyClause(
        id="AN-25",
        says="Suggestions and moods of customers may be computed; of provider data, none is.",
        source=ANTARES,
        quote="how your customers are feeling about you",
    ),
    PolicyClause(
        id="AN-26",
        says="Tracking serves usability; where provider data is shown, there is none.",
        source=ANTARES,
        quote="to improve the usability and performance of our services",
        code=("config.settings.CONTENT_SECURITY_POLICY",),
    ),
    PolicyClause(
        id="AN-27",
        says="Users can opt out of advertising; of provider data there is none to opt out of.",
        source=ANTARES,
        quote="opt out of Antares's use of data for internet-based advertising",
    ),
    PolicyClause(
        id="AN-28",
        says="Where the law lets us, a user is told of a legal demand.",
        source=ANTARES,
        quote="reasonable steps to notify you",
        duty=ClauseDuty(LEGAL, "Tells the user of a demand, where that is lawful."),
    ),
    PolicyClause(
        id="AN-29",
        says="Users are told of a sale, and what was promised goes on to hold.",
        source=ANTARES,
        quote="reasonable efforts to inform you of the transfer",
        duty=ClauseDuty(LEGAL, "Asks first: for provider data informing is not enough (LU-2.4)."),
    ),
    PolicyClause(
        id="AN-30",
        says="Users are told of data that somebody else gave us.",
        source=ANTARES,
        quote="When we receive Personal Data from a third party, we will let you know",
        duty=ClauseDuty(
            LEGAL, "Tells the user. Nothing but the user's own provider gives us any here."
        ),
    ),
)
