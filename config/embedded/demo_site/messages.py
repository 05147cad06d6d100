"""Texts of the demo's pages that are not in templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role

ROLES: Final[Mapping[str, Promise]] = {
    Role.MEMBER: _("User"),
    Role.SUPPORT: _("Support agent"),
    Role.REVIEWER: _("Reviewer"),
    Role.OPERATOR: _("Operator"),
}

PEOPLE: Final[Mapping[str, Promise]] = {
    "alice": _("Connects Gmail, Google Calendar, Google Drive and Microsoft 365. Start with her."),
    "bob": _("Alice's colleague. They share calendars with each other."),
    "mallory": _("Works for another organization, and sees nothing of Alice's."),
    "sam": _(
        "Finds a person by a code, sees the state of their connections, and disconnects them."
    ),
    "sue": _("Sam's colleague. She can approve a bulk revocation that Sam proposes."),
    "rita": _("Follows each use of data from policy clause to rule, test and record."),
    "otto": _("Settles alarms, and sees queues and figures. He can approve bulk revocations, too."),
}

SIGN_IN_REFUSED: Final = _(
    "%(name)s cannot sign in with one click, because the password or the authenticator app was"
    " changed, or there were too many failed attempts. Sign in on the sign-in page instead."
)

#: Title and explanation of each step, by its key.
STEPS: Final[Mapping[str, tuple[Promise, Promise]]] = {
    "connect-mail": (
        _("Connect Google mail"),
        _(
            "Read what Antares asks for, and agree. On the sandbox's consent page, choose"
            " alice@antares.example and select Allow."
        ),
    ),
    "read-mail": (
        _("Read a message"),
        _("The newest messages are in the inbox at once. The rest arrive while you read."),
    ),
    "search-mail": (
        _("Search older mail"),
        _("Search asks Google. Antares shows the results and stores none of them."),
    ),
    "answer-mail": (
        _("Answer a message"),
        _(
            "Open a conversation and select Reply. Only now Antares asks for the permission to"
            " send. Write to nobody@bounce.example as well, and see the message come back."
        ),
    ),
    "connect-calendar": (
        _("Add Google Calendar"),
        _("In Settings, select Add calendar on the card of the account."),
    ),
    "write-event": (
        _("Create an event at Google"),
        _("In the calendar, press N, choose a Google calendar, and save the event."),
    ),
    "share-calendar": (
        _("Share a calendar with Bob"),
        _("Enter bob@antares.example. Bob sees the calendar until you stop sharing."),
    ),
    "view-shared": (
        _("See it as Bob"),
        _("Bob's calendar shows the calendars that Alice shares with him."),
    ),
    "save-file": (
        _("Send a file to Google Drive"),
        _(
            "In Settings, select Add Drive on the card of the account. Open Files and drop a file"
            " there, or save an attachment of a message. Files can also go to the folder Contracts:"
            " choose it on the sandbox's page."
        ),
    ),
    "see-refusal": (
        _("See a refusal"),
        _(
            "Run this command in another terminal. It asks for Alice's data as a marketing feature"
            " would, at every door. Activity shows Alice the refusals."
        ),
    ),
    "ask-administrator": (
        _("Ask a Microsoft administrator"),
        _(
            "Connect Microsoft mail as alice@fabrikam.example: Microsoft requires an"
            " administrator's approval. In Settings, create the link for your administrator, open"
            " it, and accept as ada@fabrikam.example."
        ),
    ),
    "hostile-mail": (
        _("Receive hostile mail"),
        _(
            "Connect Google mail again, as oddities@workshop.example. A message with 200 nested"
            " levels is set aside, and the details of the account say so. The others arrive."
        ),
    ),
    "disconnect": (
        _("Disconnect"),
        _(
            "Disconnect a product or a whole account. Antares asks for Alice's password and then"
            " removes what it stored."
        ),
    ),
    "check-receipt": (
        _("Check the receipt"),
        _(
            "In Settings, open the removal and download its receipt. Its page says how to check the"
            " receipt offline."
        ),
    ),
}
