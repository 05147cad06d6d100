"""The start page, and the pages that its links lead to."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from limited_use.policy.claims import claim


class GuideStep(NamedTuple):
    """
    :param route: name of the page's route
    :param clauses: ids of the clauses that the page is about
    """

    route: str
    title: Promise
    says: Promise
    clauses: tuple[str, ...]


#: In the order in which a reviewer reads.
STEPS: Final = (
    GuideStep(
        "review-domains",
        _("Home page and domains"),
        _("The public home page, and every address and domain that the service uses."),
        ("ENV-SPLIT", "CB-SCRIPTS"),
    ),
    GuideStep(
        "review-privacy",
        _("Privacy notice and Limited Use"),
        _("The Limited Use statement, where people read it, and what enforces each sentence."),
        ("WDISC", "GUDP-privacy", "AN-4", "GUDP-change"),
    ),
    GuideStep(
        "review-scopes",
        _("Scopes"),
        _("Each scope with its tier, its feature, and why narrower scopes do not work."),
        ("SCOPE-MIN", "SCOPE-MATCH", "SCOPE-DRIFT", "GWDP-apptype"),
    ),
    GuideStep(
        "review-consent-flow",
        _("Consent flow"),
        _("Pictures from Settings to the receipt, made by the browser tests."),
        ("GWDP-notice", "GWDP-consent", "SCOPE-CTX", "SCOPE-GRANT", "SCOPE-REASK"),
    ),
    GuideStep(
        "review-deletion",
        _("Deletion"),
        _("The deadlines, the removals in the ledger, and how to check a receipt."),
        ("WDEL", "CASA-DEL", "MS-DEL", "TOK-REVOKE", "TOK-DELETE", "AN-15", "AN-21"),
    ),
    GuideStep(
        "review-human-access",
        _("Human access"),
        _("What a person at Antares can read, under which conditions, and each time they did."),
        ("LU-3", "LU-3.1", "WLU-3.1", "AN-18"),
    ),
    GuideStep(
        "review-assessment",
        _("Security assessment"),
        _("The controls of CASA with the tests bound to each, and what only people supply."),
        ("GUDP-assess", "WSEC-KEY", "WSEC-TOK"),
    ),
)

# Compared with the page that people read.
LIMITED_USE_STATEMENT: Final = _(
    "The use of information received from Google Workspace APIs will adhere to the Google User Data"
    " Policy, including the Limited Use requirements."
)

HOME: Final = _("Home page")
DATA_USE: Final = _("How Antares uses Google and Microsoft data")
PRIVACY_NOTICE: Final = _("Privacy notice")
RECEIPT_KEYS: Final = _("Public keys for checking receipts")
LEDGER: Final = _("Newest checkpoint of the ledger")
STAFF_SITE: Final = _("Site of staff: these pages")
MAIL_SENDER: Final = _("Sender of mails")
REDIRECT: Final = _("Redirect address for %(provider)s")
ADMINISTRATOR_REDIRECT: Final = _("Redirect address after an administrator's consent")
WEBHOOKS: Final = _("Notifications from providers")

DEADLINE_UNREADABLE: Final = claim(
    "review.deadline-unreadable", _("Encrypted content can no longer be opened")
)
DEADLINE_ROWS: Final = claim("review.deadline-rows", _("Rows are removed"))
DEADLINE_EPOCH: Final = claim("review.deadline-epoch", _("The key-encrypting key is destroyed"))
DEADLINE_BACKUPS: Final = _("Backups of the database end, as the operator states")
DEADLINE_GRACE: Final = _("Automatic disconnect after the provider ended the grant")

EVENT_TITLES: Final = {
    "integration.disconnected": _("Products disconnected"),
    "key.destroyed": _("Data keys destroyed"),
    "integration.emptied": _("Products emptied"),
    "purge.completed": _("Removals completed"),
    "revocation.settled": _("Revocations settled with the provider"),
    "key_epoch.destroyed": _("Key-encrypting keys destroyed"),
    "consent.withdrawn": _("Agreements withdrawn"),
}

RUN_STARTED: Final = _("The run has started. It takes a few seconds.")
RUN_NO_WORKER: Final = _("No worker can be reached. Please try again in a moment.")
RUN_LIMITED: Final = _("That was many runs. Please wait %(minutes)s minutes.")
BUNDLE_STARTED: Final = _("The evidence is being made. Please reload the page in a moment.")
BUNDLE_NO_WORKER: Final = _("No worker can be reached. New evidence is also made every day.")

GROUP_NEVER: Final = _("Never allowed")
GROUP_NEVER_SAYS: Final = _(
    "Purposes and recipients that the policy closes. Every condition of the policy was met, so only"
    " the policy could refuse."
)
GROUP_FEATURE: Final = _("Features with a forbidden purpose")
GROUP_FEATURE_SAYS: Final = _(
    "Each registered feature, with each purpose that the policy permits to no recipient."
)
GROUP_CONDITION: Final = _("Allowed uses with one condition not met")
GROUP_CONDITION_SAYS: Final = _(
    "Each rule that permits, without one of its conditions. Reading by a person without the"
    " owner's agreement is one of them."
)

_HOUR: Final = timedelta(hours=1)
_TWO_DAYS: Final = timedelta(days=2)


def format_within(time: timedelta) -> str:
    """Return days from two days on, else whole hours, else seconds."""
    if time >= _TWO_DAYS:
        number, text = time.days, ngettext("within %(n)s day", "within %(n)s days", time.days)
    elif time >= _HOUR:
        number = time // _HOUR
        text = ngettext("within %(n)s hour", "within %(n)s hours", number)
    else:
        number = round(time.total_seconds())
        text = ngettext("within %(n)s second", "within %(n)s seconds", number)
    return text % {"n": number}
