"""A product is connectable only if its adapter is set (`open_mail`, `open_calendars`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from integrations.providers import errors
from integrations.providers.mail import MailUnits
from integrations.providers.outgoing_mail import OutgoingMailLimits
from integrations.providers.provider_definition import Provider

from .graph_calendar_adapter import open_calendars
from .graph_mail_adapter import open_mail
from .graph_sender import MAX_MESSAGE_BYTES
from .mailbox_concurrency import MAX_CONCURRENT_REQUESTS
from .microsoft_scopes import CALENDAR_READ, CALENDAR_WRITE, IDENTITY, MAIL_READ, MAIL_SEND
from .subscriptions import open_subscriptions

# A unit is a request; the limit is 10,000 in ten minutes
# (https://learn.microsoft.com/en-us/graph/throttling-limits). A message costs one at most; usually
# some fifty share a page. Unspent units are returned (`fetch_request_count`). Calls for all folders
# are priced for a mailbox of some dozen; Microsoft throttles larger ones at times, and they pause.
UNITS: Final = MailUnits(
    profile=30,
    labels=10,
    list_page=2,
    fetch=1,
    # Graph offers only the messages of a conversation, and some of these may be stored.
    fetch_thread=1_000,
    changes=25,
    attachment=1,
    watch=1,
    stop=1,
    # A draft, its change, its files and its change key. The files' pieces go to another host.
    create_draft=8,
    delete_drafts=2,
    send_draft=1,
    look_for_sent=3,
    send_addresses=0,
    # Two pages, requested together; two such fetches are under way.
    messages_per_fetch=100,
)

# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes. Microsoft advises
# against relying on numbers, so the error code decides unless the number says more.
ERRORS_BY_NUMBER: Final[Mapping[int, type[errors.ProviderError]]] = MappingProxyType(
    {
        # Only an administrator may consent, or must assign the user first.
        90094: errors.AdminBlocked,
        90095: errors.AdminBlocked,
        50105: errors.AdminBlocked,
        # Our client secret is wrong, expired or missing.
        7000215: errors.InvalidClient,
        7000218: errors.InvalidClient,
        7000222: errors.InvalidClient,
        700016: errors.InvalidClient,
        # Temporary faults of Microsoft.
        90033: errors.Unavailable,
        90090: errors.Unavailable,
        50033: errors.Unavailable,
        # "The client is calling too often": an immediate retry would make it worse.
        50196: errors.RateLimited,
    }
)

MICROSOFT: Final = Provider(
    key="microsoft",
    label="Microsoft",
    issuer="https://login.microsoftonline.com/{tenantid}/v2.0",
    # Not `consent`: it fails for users who may not consent, even after an administrator did.
    authorize_params=MappingProxyType({"prompt": "select_account", "response_mode": "query"}),
    identity_permissions=IDENTITY,
    scope_aliases=MappingProxyType({}),
    scope_prefix="https://graph.microsoft.com/",
    # A refresh token in the response shows that it was granted.
    unlisted_scopes=frozenset({"offline_access"}),
    capabilities=MappingProxyType(
        {
            capability.key: capability
            for capability in (MAIL_READ, MAIL_SEND, CALENDAR_READ, CALENDAR_WRITE)
        }
    ),
    # For work or school accounts, and for personal accounts.
    revocation_pages=("https://myapps.microsoft.com", "https://account.live.com/consent/Manage"),
    webmail_url="https://outlook.office.com/mail/",
    # An address may be reassigned; `sub` differs in every app.
    subject_claims=("tid", "oid"),
    address_claims=("email", "preferred_username"),
    errors_by_number=ERRORS_BY_NUMBER,
    # Microsoft has no revocation for one app: `revokeSignInSessions` would sign the person out of
    # every app and browser.
    revokes=False,
    has_single_permissions=False,
    mail_units=UNITS,
    outgoing_mail=OutgoingMailLimits(
        max_message_bytes=MAX_MESSAGE_BYTES,
        has_signatures=False,
        # Exchange sends from its queue, and moves the draft only then.
        settle_time=timedelta(minutes=2),
    ),
    rate_setting_prefix="GRAPH",
    rate_window_minutes=10,
    most_at_once=MAX_CONCURRENT_REQUESTS,
    open_mail=open_mail,
    always_notifies_guests=True,
    moves_by_copy=True,
    splits_meetings=True,
    asks_administrators=True,
    open_calendars=open_calendars,
    subscriptions=open_subscriptions,
)
