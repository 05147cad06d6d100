"""
Every route of the service, and what each kind of caller is answered: the declared table.

A word per group of methods: GET and HEAD, POST, PUT with PATCH and DELETE, OPTIONS.
"ok/405/405" says that PUT, PATCH and DELETE differ: forms of django-allauth take PUT as a POST.
`test_routes.py` walks the URLconf and fails for a route that is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What a word stands for: statuses, and where a redirect may lead.
WORDS: dict[str, tuple[frozenset[int], str]] = {
    "ok": (frozenset({200}), ""),
    "none": (frozenset({204}), ""),
    "heard": (frozenset({202}), ""),
    "go": (frozenset({302, 303}), "/"),
    # The caller's own mailbox decides the answer; the request names no other.
    "own": (frozenset({200, 302, 400, 409}), ""),
    "sign-in": (frozenset({302}), "/accounts/login/"),
    "link": (frozenset({302}), "/accounts/login/link/"),
    "factor": (frozenset({302}), "/accounts/mfa/"),
    "confirm": (frozenset({302}), "/accounts/reauthenticate/"),
    "provider": (frozenset({303}), "https://accounts.google.com/"),
    **{
        str(code): (frozenset({code}), "")
        for code in (201, 400, 401, 403, 404, 405, 409, 410, 412, 415, 428)
    },
}


@dataclass(frozen=True, slots=True)
class Kind:
    """
    Answers of one kind of route.

    :param nobody: who is not signed in, or whose session or token is not valid
    :param owner: whose the ids in the address and in the body are
    :param other: any other person who is signed in, staff with a second factor too
    :param roles: of staff with a second factor, where theirs is another answer
    """

    nobody: str
    owner: str
    other: str
    roles: Mapping[str, str] = field(default_factory=dict)


# Staff without a second factor: led to it by a page, refused everything else.
BARE_PAGE = "factor 403 403 403"
BARE_API = "403 403 403 403"

PUBLIC = Kind("ok 405 405 405", "ok 405 405 405", "ok 405 405 405")
API = Kind("401 401 401 401", "ok 405 405 none", "404 404 404 404")
# What is sent as a form and not as JSON is not understood.
API_POST = Kind("401 401 401 401", "ok 400 405 none", "404 404 404 404")
# Between people: the policy refuses features before anything is looked up.
NOT_FOR_FEATURES = dict.fromkeys(("feature", "feature of a stranger"), "403 403 403 403")
SHARING = Kind("401 401 401 401", "ok 405 405 none", "404 404 404 404", NOT_FOR_FEATURES)
SHARING_POST = Kind("401 401 401 401", "ok 400 405 none", "404 404 404 404", NOT_FOR_FEATURES)
# Alice shares nothing on this walk.
ONE_SHARE = Kind("401 401 401 401", "405 405 405/405/404 none", "404 404 404 404", NOT_FOR_FEATURES)
NO_FILES = dict.fromkeys(("feature", "feature of a stranger"), "403 403 403 403")
# The policy refuses features before anything is looked up.
NO_FEATURE_SENDS = dict.fromkeys(("feature", "feature of a stranger"), "403 403 403 403")
# The features on this walk have a purpose for mail alone: the policy refuses them, as above.
OTHER_PURPOSE = dict.fromkeys(("feature", "feature of a stranger"), "403 403 403 403")
# Asked by a JSON body alone.
ASKED = Kind("401 401 401 401", "405 400 405 none", "404 404 404 404", OTHER_PURPOSE)
NOTHING = Kind("404 404 404 404", "404 404 404 404", "404 404 404 404")
# A page about the caller. Its address has no id.
OWN_PAGE = Kind("sign-in 405 405 405", "ok 405 405 405", "ok 405 405 405")
ONE_PAGE = Kind("sign-in 405 405 405", "ok 405 405 405", "404 405 405 405")
# Forms, with somebody's id in address or body.
FORM = Kind("405 sign-in 405 405", "405 go 405 405", "405 404 405 405")
BEGIN = Kind("405 sign-in 405 405", "405 provider 405 405", "405 404 405 405")
# Switching off what is not theirs is as if it had been off already: nothing happens.
SWITCH = Kind("sign-in sign-in 405 405", "ok go 405 405", "ok go 405 405")
# Asks once more on a page of its own; both need a recent confirmation.
CONFIRMED = Kind("sign-in sign-in 405 405", "ok go 405 405", "404 404 405 405")
# Leads to the settings page whatever came: how it went stands in a row.
CALLBACK = Kind("go go go go", "go go go go", "go go go go")
# Only a provider may call it, and no caller of this walk proves to be one.
WEBHOOK = Kind("405 403 405 405", "405 403 405 405", "405 403 405 405")
# Of the same kind; what cannot be read is taken, so that it does not come for hours.
WEBHOOK_TAKING_ALL = Kind("405 heard 405 405", "405 heard 405 405", "405 heard 405 405")
# No session is looked at; a form that is none is 400.
TOKEN = Kind("405 400 405 405", "405 400 405 405", "405 400 405 405")


def everyone(answers: str) -> Kind:
    return Kind(answers, answers, answers)


def signed_in(answers: str, *, nobody: str = "sign-in sign-in sign-in sign-in") -> Kind:
    """Return a kind whose answers are the same for every person who is signed in."""
    return Kind(nobody, answers, answers)


def staff_page(role: str, answers: str = "ok 405 405 405") -> Kind:
    """Return a page that a member of staff of one role sees, and nobody else."""
    refused = " ".join("405" if one == "405" else "403" for one in answers.split())
    nobody = " ".join("405" if one == "405" else "sign-in" for one in answers.split())
    return Kind(nobody, refused, refused, {role: answers})


def bulk_page(answers: str) -> Kind:
    """Return a page that support agents and operators see."""
    page = staff_page("support", answers)
    roles = dict.fromkeys(("support", "operator"), answers)
    return Kind(page.nobody, page.owner, page.other, roles)


# For anyone as the public pages are; on this walk there is nothing for them to show.
OPEN = frozenset(
    {
        "ledger-checkpoint",
        "ledger-consistency",
        "notice-stop",
        "receipt-link",
        "receipt-link-part-1",
        "receipt-link-part-2",
    }
)

# No browser sends these, and no session counts: there is nothing that a foreign page could use.
WITHOUT_FORM_TOKEN = {
    "notice-stop": "a mail program proves itself by the signed link, which can only stop one kind",
    "oauth_token": "a service client proves itself by a signed assertion",
    "oauth_revoke": "a service client proves itself by a signed assertion",
    "webhook-google-pubsub": "Google proves itself by a signed token in a header",
    "webhook-microsoft-subscription": "it proves itself by what we gave it to say, in every item",
    "webhook-google-channel": "a channel proves itself by the token it was given, in a header",
}

# For a client's own token, which no caller of this walk has; see `tests/api/test_removals.py`.
FOR_CLIENTS = frozenset({"api-delegations", "api-removals", "api-removal-acknowledge"})

# Those that ask for a recent confirmation first.
CONFIRM = frozenset(
    {
        "drive-save-export",
        "settings-disconnect",
        "settings-disconnect-account",
        "settings-export",
        "settings-feature-withdraw",
        "settings-forget",
        "settings-ledger-part",
        "inbox-support",
        "calendar-support",
        "settings-support-answer",
        "settings-support-answer-event",
    }
)

# The same for staff, who show their second factor (`tests/integrations/test_support_journey.py`).
# Nobody else gets as far.
CONFIRM_OF_STAFF = frozenset(
    {
        "support-act-new",
        "support-bulk-approve",
        "support-bulk-reject",
        "operations-client-new",
        "operations-client-keys",
        "operations-client-redirects",
        "operations-client-change",
        "operations-client-retire",
    }
)

# Of django-allauth. Its views look who is signed in before they look at the method.
LOOK = "ok 405 405 ok"
FILL_IN = "ok ok ok/405/405 ok"

ROUTES: dict[str, Kind] = {
    "alive": PUBLIC,
    "ready": PUBLIC,
    "home": PUBLIC,
    # Redirects to the pages of the person's role.
    "landing": signed_in("go 405 405 405", nobody="sign-in 405 405 405"),
    "data-use": PUBLIC,
    "keys": PUBLIC,
    "privacy-notice": PUBLIC,
    "disconnect-help": PUBLIC,
    "cookies": PUBLIC,
    "session-replay": PUBLIC,
    "children": PUBLIC,
    "accessibility": PUBLIC,
    "contact": PUBLIC,
    "receipt-verifier": PUBLIC,
    # Nothing is signed on this walk, and a query that is none is 400.
    "ledger-checkpoint": everyone("404 405 405 405"),
    "ledger-consistency": everyone("400 405 405 405"),
    # Nobody's token.
    "receipt-link": everyone("404 405 405 405"),
    "receipt-link-part-1": everyone("404 405 405 405"),
    "receipt-link-part-2": everyone("404 405 405 405"),
    "robots": PUBLIC,
    "problem": PUBLIC,
    "openapi": PUBLIC,
    "api-reference": PUBLIC,
    "oauth-metadata": PUBLIC,
    # Without a client's parameters.
    "oauth_authorize": signed_in("400 400 405 405", nobody="sign-in sign-in 405 405"),
    "api-reference-plain": PUBLIC,
    "api-guides": PUBLIC,
    "api-guide": PUBLIC,
    "settings-integrations": OWN_PAGE,
    "settings-connect": OWN_PAGE,
    "settings-progress": ONE_PAGE,
    "settings-details": ONE_PAGE,
    "settings-purge": ONE_PAGE,
    "settings-receipt": ONE_PAGE,
    # The removal of this walk has no part 2 yet.
    "settings-receipt-part-2": Kind("sign-in 405 405 405", "404 405 405 405", "404 405 405 405"),
    # Shows what it made at once, and never again.
    "settings-receipt-link": Kind("405 sign-in 405 405", "405 ok 405 405", "405 404 405 405"),
    "settings-sync-now": FORM,
    "settings-horizon": FORM,
    "settings-retry": FORM,
    "settings-forget": FORM,
    "settings-disconnect": CONFIRMED,
    "settings-disconnect-account": CONFIRMED,
    # The answer to the form is the file.
    "settings-export": Kind("sign-in sign-in 405 405", "ok ok 405 405", "404 404 405 405"),
    # Without a Drive, the page says so, and its form leads back to it.
    "drive-save-attachment": CONFIRMED,
    # Alice's calendar on this walk is one of a provider: see `integrations/drive`.
    "drive-save-calendar": Kind("sign-in sign-in 405 405", "404 404 405 405", "404 404 405 405"),
    "drive-save-export": Kind("405 sign-in 405 405", "405 go 405 405", "405 404 405 405"),
    "settings-feature": SWITCH,
    # What may be withdrawn is not what may be switched off: a feature of the service itself.
    "settings-feature-withdraw": Kind(
        "sign-in sign-in 405 405", "404 404 405 405", "404 404 405 405"
    ),
    "settings-consent-withdraw": FORM,
    "settings-notices": Kind("sign-in sign-in 405 405", "ok go 405 405", "ok go 405 405"),
    # A form without a choice is shown again.
    "settings-notice-choices": Kind("sign-in sign-in 405 405", "ok ok 405 405", "ok ok 405 405"),
    # Nobody's token.
    "notice-stop": everyone("404 404 405 405"),
    # Shows a code that it made, and never again.
    "settings-support": Kind("sign-in sign-in 405 405", "ok ok 405 405", "ok ok 405 405"),
    "settings-support-stop": FORM,
    "settings-support-answer": CONFIRMED,
    "settings-support-answer-event": CONFIRMED,
    "settings-support-question": Kind(
        "sign-in sign-in 405 405", "ok go 405 405", "404 404 405 405"
    ),
    "settings-access": OWN_PAGE,
    "settings-activity": OWN_PAGE,
    "settings-activity-entries": OWN_PAGE,
    "settings-activity-csv": OWN_PAGE,
    "settings-activity-json": OWN_PAGE,
    # Nothing is sequenced on this walk: there is no proof yet.
    "settings-activity-proof": Kind("sign-in 405 405 405", "409 405 405 405", "404 405 405 405"),
    # Alice's integration is one of mail on this walk: see `pages/test_calendars.py`.
    "settings-calendars": Kind("sign-in 405 405 405", "404 405 405 405", "404 405 405 405"),
    "settings-calendars-erase": Kind(
        "sign-in sign-in 405 405", "404 404 405 405", "404 404 405 405"
    ),
    "settings-calendars-again": Kind("405 sign-in 405 405", "405 404 405 405", "405 404 405 405"),
    # What is none of the choices is said so, whatever it is of.
    "settings-calendars-keep": Kind("405 sign-in 405 405", "405 go 405 405", "405 404 405 405"),
    # A form without a colleague is shown again.
    "settings-local-calendar-new": Kind(
        "sign-in sign-in 405 405", "ok ok 405 405", "ok ok 405 405"
    ),
    # Alice's calendar on this walk is one of a provider: see `pages/test_local_calendars.py`.
    "settings-local-calendar": Kind(
        "sign-in sign-in 405 405", "404 404 405 405", "404 404 405 405"
    ),
    "settings-local-calendar-fill": Kind(
        "405 sign-in 405 405", "405 404 405 405", "405 404 405 405"
    ),
    "settings-local-calendar-file": Kind(
        "sign-in 405 405 405", "404 405 405 405", "404 405 405 405"
    ),
    "settings-local-calendar-remove": Kind(
        "sign-in sign-in 405 405", "404 404 405 405", "404 404 405 405"
    ),
    "settings-calendar-sharing": Kind(
        "sign-in sign-in 405 405", "ok ok 405 405", "404 404 405 405"
    ),
    "settings-share-end": Kind("405 sign-in 405 405", "405 404 405 405", "405 404 405 405"),
    "connect-begin": BEGIN,
    "connect-callback": CALLBACK,
    "connect-administrator": CALLBACK,
    "administrator-thanks": PUBLIC,
    # On this walk it is Google, which asks no administrator: see `pages/test_approvals.py`.
    "settings-administrator": Kind("sign-in sign-in 405 405", "404 404 405 405", "404 404 405 405"),
    "settings-approval-forget": FORM,
    "settings-attempt-dismiss": FORM,
    "inbox": OWN_PAGE,
    # Its owner has fetched nothing: there is nothing to fetch of this one.
    "settings-ledger-part": Kind("sign-in sign-in 405 405", "410 410 405 405", "404 404 405 405"),
    "inbox-search": Kind("sign-in sign-in 405 405", "ok ok 405 405", "ok ok 405 405"),
    # Without an address nothing is sent. Others have a mailbox of their own, or none: see
    # `integrations/pages/test_compose.py`.
    "inbox-compose": Kind("sign-in sign-in 405 405", "ok 400 405 405", "own own 405 405"),
    "inbox-compose-addresses": OWN_PAGE,
    # Both without a mailbox.
    "inbox-compose-senders": Kind("sign-in 405 405 405", "404 405 405 405", "404 405 405 405"),
    "inbox-outbox": OWN_PAGE,
    # No action that there is.
    "inbox-outbox-command": Kind("405 sign-in 405 405", "405 404 405 405", "405 404 405 405"),
    "inbox-proposal": FORM,
    "inbox-outbox-state": ONE_PAGE,
    "inbox-allow-sending": Kind("sign-in sign-in 405 405", "404 404 405 405", "404 404 405 405"),
    "settings-sending": FORM,
    "inbox-elsewhere": ONE_PAGE,
    "inbox-elsewhere-body": ONE_PAGE,
    "inbox-elsewhere-file": ONE_PAGE,
    "inbox-thread": ONE_PAGE,
    "inbox-body": ONE_PAGE,
    "inbox-attachment": ONE_PAGE,
    "inbox-support": CONFIRMED,
    "inbox-support-close": FORM,
    # To no mailbox. Nothing is for a feature.
    "uploads": Kind("401 401 401 401", "405 404 405 none", "405 404 405 none", NO_FILES),
    # Without a body; DELETE is the owner's.
    "upload": Kind(
        "401 401 401 401", "ok 405 405/415/none none", "404 405 405/415/404 none", NO_FILES
    ),
    "drive-standing-consents": OWN_PAGE,
    # The feature on this walk saves no files.
    "drive-standing-consent-new": Kind(
        "sign-in sign-in 405 405", "404 404 405 405", "404 404 405 405"
    ),
    "drive-standing-consent-withdraw": FORM,
    "drive-files": OWN_PAGE,
    "drive-files-csv": OWN_PAGE,
    "drive-file-states": OWN_PAGE,
    "drive-file-row": ONE_PAGE,
    # No action that there is.
    "drive-file": Kind("405 sign-in 405 405", "405 404 405 405", "405 404 405 405"),
    # The file has not reached the Drive.
    "drive-file-trash": Kind("sign-in sign-in 405 405", "404 go 405 405", "404 404 405 405"),
    # Of no Drive.
    "drive-folder": Kind("405 sign-in 405 405", "405 404 405 405", "405 404 405 405"),
    "drive-folder-return": CALLBACK,
    "calendar": OWN_PAGE,
    "calendar-coming": OWN_PAGE,
    "calendar-find": OWN_PAGE,
    "calendar-look": Kind("sign-in sign-in 405 405", "ok go 405 405", "ok go 405 405"),
    # A form without a title, a day and a calendar is shown again.
    "calendar-new": Kind("sign-in sign-in 405 405", "ok 400 405 405", "ok 400 405 405"),
    "calendar-event": ONE_PAGE,
    "calendar-event-description": ONE_PAGE,
    # No answer that there is.
    "calendar-answer": Kind("405 sign-in 405 405", "405 404 405 405", "405 404 405 405"),
    # A form with nothing in it is shown again.
    "calendar-edit": Kind("sign-in sign-in 405 405", "ok 400 405 405", "404 404 405 405"),
    # Of no version: it is shown again as it is.
    "calendar-delete": Kind("sign-in sign-in 405 405", "ok 409 405 405", "404 404 405 405"),
    # To no calendar: it is shown again.
    "calendar-move": Kind("sign-in sign-in 405 405", "ok 400 405 405", "404 404 405 405"),
    "calendar-support": CONFIRMED,
    "calendar-support-close": FORM,
    "calendar-show": Kind("405 sign-in 405 405", "405 go 405 405", "405 404 405 405"),
    # A form without a value is shown again.
    "support-console": staff_page("support", "ok 400 405 405"),
    # No look-up has this id.
    "support-person": staff_page("support", "404 405 405 405"),
    "support-connection": staff_page("support", "404 405 405 405"),
    "support-items": staff_page("support"),
    # Alice opened nothing to support on this walk: refused, and recorded.
    "support-item": staff_page("support", "403 405 405 405"),
    "support-event": staff_page("support", "403 405 405 405"),
    # Nobody's look-up, and another agent's question.
    "support-ask": staff_page("support", "404 404 405 405"),
    "support-question": staff_page("support", "404 404 405 405"),
    "support-bulks": bulk_page("ok 405 405 405"),
    # A form without a criterion is shown again.
    "support-bulk-new": staff_page("support", "ok 400 405 405"),
    # There is no bulk revocation on this walk.
    "support-bulk": bulk_page("404 405 405 405"),
    "support-bulk-approve": bulk_page("405 404 405 405"),
    "support-bulk-reject": bulk_page("405 404 405 405"),
    "support-bulk-stop": bulk_page("405 404 405 405"),
    "support-bulk-csv": bulk_page("404 405 405 405"),
    "support-bulk-json": bulk_page("404 405 405 405"),
    # Nobody's look-up and act.
    "support-act-new": staff_page("support", "404 404 405 405"),
    "support-act": staff_page("support", "404 405 405 405"),
    "review": staff_page("reviewer"),
    "review-domains": staff_page("reviewer"),
    "review-privacy": staff_page("reviewer"),
    "review-scopes": staff_page("reviewer"),
    "review-consent-flow": staff_page("reviewer"),
    "review-deletion": staff_page("reviewer"),
    "review-human-access": staff_page("reviewer"),
    "review-assessment": staff_page("reviewer"),
    "review-clauses": staff_page("reviewer"),
    "review-clause": staff_page("reviewer"),
    "review-policy": staff_page("reviewer"),
    "review-refusals": staff_page("reviewer"),
    "review-run-start": staff_page("reviewer", "405 go 405 405"),
    # No run has this id.
    "review-run": staff_page("reviewer", "404 405 405 405"),
    # Nothing is in the ledger on this walk, and no bundle was made.
    "review-entry": staff_page("reviewer", "404 405 405 405"),
    "review-proof": staff_page("reviewer", "404 405 405 405"),
    "review-bundle": staff_page("reviewer", "404 405 405 405"),
    "review-evidence": staff_page("reviewer"),
    "review-evidence-make": staff_page("reviewer", "405 go 405 405"),
    "operations": staff_page("operator"),
    # No alarm has this id.
    "operations-alarm-settle": staff_page("operator", "405 404 405 405"),
    "operations-clients": staff_page("operator"),
    "operations-client-choose": staff_page("operator"),
    # The feature on this walk has a client.
    "operations-client-new": staff_page("operator", "go 400 405 405"),
    # No change and no client has this id.
    "operations-client-change": staff_page("operator", "404 404 405 405"),
    "operations-client": staff_page("operator", "404 405 405 405"),
    "operations-client-keys": staff_page("operator", "404 404 405 405"),
    "operations-client-redirects": staff_page("operator", "404 404 405 405"),
    "operations-client-retire": staff_page("operator", "404 404 405 405"),
    "metrics": staff_page("operator"),
    # A form without a zone and a format is shown again.
    "profile": Kind("sign-in sign-in 405 405", "ok ok 405 405", "ok ok 405 405"),
    "switch_organisation": FORM,
    "oauth_token": TOKEN,
    "oauth_revoke": TOKEN,
    "webhook-google-pubsub": WEBHOOK,
    "webhook-google-channel": WEBHOOK,
    "webhook-microsoft-subscription": WEBHOOK_TAKING_ALL,
    "api-messages": API,
    "api-message": API,
    "api-attachment": API,
    "api-threads": API,
    "api-thread": API,
    "api-outbox": Kind("401 401 401 401", "ok 400 405 none", "404 404 404 404", NO_FEATURE_SENDS),
    # The message waits.
    "api-outbox-message": Kind(
        "401 401 401 401", "ok 405 405/405/409 none", "404 404 404 404", NO_FEATURE_SENDS
    ),
    "api-outbox-undo": Kind(
        "401 401 401 401", "405 ok 405 none", "404 404 404 404", NO_FEATURE_SENDS
    ),
    # Its state is known.
    "api-outbox-look": Kind(
        "401 401 401 401", "405 409 405 none", "404 404 404 404", NO_FEATURE_SENDS
    ),
    "api-outbox-settle": Kind(
        "401 401 401 401", "405 409 405 none", "404 404 404 404", NO_FEATURE_SENDS
    ),
    **dict.fromkeys(FOR_CLIENTS, everyone("401 401 401 401")),
    # What is sent as a form and not as JSON is not understood.
    "api-proposals": Kind(
        "401 401 401 401",
        "ok 400 405 none",
        "404 404 404 404",
        OTHER_PURPOSE,
    ),
    "api-proposal": Kind(
        "401 401 401 401", "ok 405 405/405/none none", "404 404 404 404", NO_FEATURE_SENDS
    ),
    "api-connections": API,
    "api-connection": API,
    "api-calendar-shares": SHARING_POST,
    "api-shares": SHARING,
    "api-share": ONE_SHARE,
    "api-calendars": Kind(
        "401 401 401 401",
        "ok 400 405 none",
        "404 404 404 404",
        OTHER_PURPOSE,
    ),
    "api-calendar": Kind(
        "401 401 401 401",
        "ok 405 428/405/428 none",
        "404 404 404 404",
        OTHER_PURPOSE,
    ),
    "api-calendar-import": Kind(
        "401 401 401 401", "405 404 405 none", "404 404 404 404", OTHER_PURPOSE
    ),
    "api-calendar-export": Kind(
        "401 401 401 401", "404 405 405 none", "404 404 404 404", OTHER_PURPOSE
    ),
    # Without a window there is nothing to list.
    "api-events": Kind("401 401 401 401", "400 400 405 none", "404 404 404 404", OTHER_PURPOSE),
    # Whoever does not say which version they saw changes nothing.
    "api-event": Kind(
        "401 401 401 401",
        "ok 405 405/428/428 none",
        "404 404 404 404",
        OTHER_PURPOSE,
    ),
    "api-event-response": Kind(
        "401 401 401 401", "405 428 405 none", "404 404 404 404", OTHER_PURPOSE
    ),
    "api-event-move": Kind("401 401 401 401", "405 428 405 none", "404 404 404 404", OTHER_PURPOSE),
    "api-free-busy": ASKED,
    "api-availability": ASKED,
    # PATCH has no body.
    "api-files": Kind("401 401 401 401", "ok 201 405 none", "404 404 404 404", NO_FILES),
    "api-file": Kind(
        "401 401 401 401",
        "ok 405 405/415/none none",
        "404 404 404 404",
        NO_FILES,
    ),
    "api-file-pause": Kind("401 401 401 401", "405 ok 405 none", "404 404 404 404", NO_FILES),
    "api-file-accept": Kind("401 401 401 401", "405 409 405 none", "404 404 404 404", NO_FILES),
    # Not paused, and not failed.
    "api-file-resume": Kind("401 401 401 401", "405 409 405 none", "404 404 404 404", NO_FILES),
    "api-file-cancel": Kind("401 401 401 401", "405 ok 405 none", "404 404 404 404", NO_FILES),
    "api-file-retry": Kind("401 401 401 401", "405 409 405 none", "404 404 404 404", NO_FILES),
    "api-nothing": NOTHING,
    # Without a link that works: the page says so, and takes nothing.
    "account_sign_in_link": everyone("ok 410 405 405"),
    "account_open_sign_in_link": everyone("link 405 405 405"),
    "account_login": signed_in("go go go go", nobody=FILL_IN),
    "account_logout": signed_in("ok go 405 ok", nobody="go go 405 ok"),
    "account_inactive": everyone(LOOK),
    # The owner has a security key, so that a password confirms nothing.
    "account_reauthenticate": Kind(
        "sign-in sign-in sign-in sign-in", "factor factor factor factor", FILL_IN
    ),
    "account_change_password": signed_in(FILL_IN),
    "account_reset_password": everyone(FILL_IN),
    "account_reset_password_done": everyone(LOOK),
    # A key that is none: the page says so, and takes nothing.
    "account_reset_password_from_key": everyone("ok ok ok ok"),
    "account_reset_password_from_key_done": everyone(LOOK),
    "mfa_index": signed_in(LOOK),
    "mfa_authenticate": signed_in("go go go go"),
    "mfa_reauthenticate": Kind(
        "sign-in sign-in sign-in sign-in",
        "factor factor factor factor",
        "confirm confirm confirm confirm",
    ),
    "mfa_activate_totp": signed_in(FILL_IN),
    # Nobody on this walk has a code generator, or recovery codes.
    "mfa_deactivate_totp": signed_in("404 404 404 404"),
    "mfa_view_recovery_codes": signed_in("404 405 405 ok"),
    "mfa_download_recovery_codes": signed_in("404 404 404 404"),
    # Alice, who has a security key, may have codes as well.
    "mfa_generate_recovery_codes": Kind(
        "sign-in sign-in sign-in sign-in", "ok go go/405/405 ok", FILL_IN
    ),
    "mfa_list_webauthn": signed_in(LOOK),
    "mfa_add_webauthn": signed_in(FILL_IN),
    # What is no signature of the key leads back to the door, which leads in.
    "mfa_reauthenticate_webauthn": Kind(
        "sign-in sign-in sign-in sign-in",
        "ok sign-in sign-in/405/405 ok",
        "confirm confirm confirm confirm",
    ),
    # The key's number is in the address.
    "mfa_remove_webauthn": Kind(
        "sign-in sign-in sign-in sign-in", "ok go 405/405/go ok", "404 404 405/405/404 ok"
    ),
    "mfa_edit_webauthn": Kind("sign-in sign-in sign-in sign-in", FILL_IN, "404 404 404/405/405 ok"),
}

# Providers call these; whether somebody is signed in is not looked at.
WITHOUT_SESSION = frozenset(
    {"webhook-google-pubsub", "webhook-google-channel", "webhook-microsoft-subscription"}
)

# Where a member of staff without a factor may go: to set one up, or to leave.
BARE: dict[str, str] = {
    "mfa_index": LOOK,
    "mfa_activate_totp": FILL_IN,
    "mfa_list_webauthn": LOOK,
    "mfa_add_webauthn": FILL_IN,
    "account_reauthenticate": FILL_IN,
    "account_logout": "ok go 405 ok",
    **{name: ROUTES[name].owner for name in WITHOUT_SESSION},
}
