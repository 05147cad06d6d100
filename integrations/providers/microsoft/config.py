"""
Microsoft as data.

A product is connectable only if its adapter is set (`open_mail`, `open_calendars`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from integrations.providers import errors
from integrations.providers.mail import MailUnits
from integrations.providers.provider import Provider

from .calendar import open_calendars
from .mail import open_mail
from .mailbox_concurrency import MAX_CONCURRENT_REQUESTS
from .permissions import CALENDAR_READ, CALENDAR_WRITE, IDENTITY, MAIL_READ
from .subscriptions import open_subscriptions

# A unit is a request, and there are 10,000 in ten minutes
# (https://learn.microsoft.com/en-us/graph/throttling-limits). A message costs one at most, most of
# the time: some fifty come with one page. What was not spent is given back (`fetch_requests`).
# What asks of all folders is priced for a mailbox of some dozen; one of more is refused by
# Microsoft now and then, and waits.
UNITS: Final = MailUnits(
    profile=30,
    labels=10,
    list_page=2,
    fetch=1,
    # There is no cheaper way to a conversation than its messages, and some of it may be here.
    fetch_thread=1_000,
    changes=25,
    attachment=1,
    watch=1,
    stop=1,
    # Two pages, asked for at once; two such fetches are under way.
    messages_per_fetch=100,
)

# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes. Microsoft asks
# nobody to rely on a number, so that the word decides but where it says less than the number.
ERRORS_BY_NUMBER: Final[Mapping[int, type[errors.ProviderError]]] = MappingProxyType(
    {
        # Only an administrator may consent, or has to assign the user first.
        90094: errors.AdminBlocked,
        90095: errors.AdminBlocked,
        50105: errors.AdminBlocked,
        # Our own secret: wrong, over, or none.
        7000215: errors.InvalidClient,
        7000218: errors.InvalidClient,
        7000222: errors.InvalidClient,
        700016: errors.InvalidClient,
        # Faults of Microsoft, which pass.
        90033: errors.Unavailable,
        90090: errors.Unavailable,
        50033: errors.Unavailable,
        # "The client is calling too often": again at once would make it worse.
        50196: errors.RateLimited,
    }
)

MICROSOFT: Final = Provider(
    key="microsoft",
    label="Microsoft",
    issuer="https://login.microsoftonline.com/{tenantid}/v2.0",
    # Not consent: it fails for whoever may not consent, though an administrator did.
    authorize_params=MappingProxyType({"prompt": "select_account", "response_mode": "query"}),
    identity_permissions=IDENTITY,
    scope_aliases=MappingProxyType({}),
    scope_prefix="https://graph.microsoft.com/",
    # The refresh token is the answer to it.
    unlisted_scopes=frozenset({"offline_access"}),
    capabilities=MappingProxyType(
        {capability.key: capability for capability in (MAIL_READ, CALENDAR_READ, CALENDAR_WRITE)}
    ),
    # Of a company's or a school's account, and of a private one.
    revocation_pages=("https://myapps.microsoft.com", "https://account.live.com/consent/Manage"),
    # An address may be given to somebody else; `sub` is another one in every app.
    subject_claims=("tid", "oid"),
    address_claims=("email", "preferred_username"),
    errors_by_number=ERRORS_BY_NUMBER,
    # There is nothing for one app alone: `revokeSignInSessions` would sign the person out of every
    # app and browser.
    revokes=False,
    has_single_permissions=False,
    mail_units=UNITS,
    rate_setting_prefix="GRAPH",
    rate_window_minutes=10,
    most_at_once=MAX_CONCURRENT_REQUESTS,
    open_mail=open_mail,
    always_notifies_guests=True,
    moves_by_copy=True,
    asks_administrators=True,
    open_calendars=open_calendars,
    subscriptions=open_subscriptions,
)
