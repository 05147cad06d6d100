"""Service clients of operators: keys, steps and entries, for tests of pages and commands."""

from __future__ import annotations

import json

from django.utils import timezone
from joserfc.jwk import ECKey

from accounts import demo_people
from accounts.client_keys import KeySetFault
from accounts.ids import uuid7
from accounts.models import ClientChangeKind, ServiceClient, ServiceClientChange, User
from accounts.redirect_uris import RedirectUriFault
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.models import FeatureRemoval
from integrations.operations import client_changes, feature_clients
from integrations.tasks.clients import settle_client_changes
from limited_use.agreements.service_clients import Operator, OperatorChannel
from limited_use.models import Leaf
from tests.accounts.cast import EC
from tests.integrations import household
from tests.walls import acting_as

NEW = ECKey.generate_key("P-256", {"kid": "new"})
FEATURE, PURPOSE = "inbox-widget", "inbox.display"
URI = "https://widget.example/callback"


def write_keys(*keys, private=False):
    return json.dumps({"keys": [key.as_dict(private=private) for key in keys or (EC,)]})


def _change_key(**values):
    return json.dumps({"keys": [{**EC.as_dict(private=False), **values}]})


#: A key set with each fault.
FAULTY_KEYS = {
    KeySetFault.UNREADABLE: "ssh-ed25519 AAAA",
    KeySetFault.TOO_LONG: write_keys().replace("{", "{" + " " * 20_000, 1),
    KeySetFault.EMPTY: '{"keys": []}',
    KeySetFault.TOO_MANY: write_keys(*[EC] * 11),
    KeySetFault.PRIVATE: write_keys(EC, private=True),
    KeySetFault.UNSUPPORTED: _change_key(use="enc"),
    KeySetFault.SIZE: json.dumps(
        {"keys": [{"kty": "RSA", "kid": "weak", "e": "AQAB", "n": "_" + "_" * 169 + "8"}]}
    ),
    KeySetFault.KID: _change_key(kid=""),
}
#: Redirect URIs, of which the last has the fault.
FAULTY_URIS = {
    RedirectUriFault.TOO_MANY: "\n".join(f"{URI}/{number}" for number in range(11)),
    RedirectUriFault.TWICE: f"{URI}\n{URI}",
    RedirectUriFault.TOO_LONG: f"{URI}/{'a' * 255}",
    RedirectUriFault.CHARACTER: f"{URI} 2",
    RedirectUriFault.FRAGMENT: f"{URI}\n{URI}#done",
    RedirectUriFault.WILDCARD: "https://*.widget.example/callback",
    RedirectUriFault.SCHEME: "http://widget.example/callback",
    RedirectUriFault.USER: "https://alice@widget.example/callback",
    RedirectUriFault.HOST: "https://127.1/callback",
    RedirectUriFault.SPELLING: "https://Widget.example/callback",
    RedirectUriFault.QUERY: f"{URI}?page=/inbox",
    RedirectUriFault.PARAMETER: f"{URI}?state=1",
}


def register(operator_id=None, *, feature=FEATURE, purpose=PURPOSE, uris=(URI,)):
    return feature_clients.register_feature_client(
        feature=feature,
        purposes=[purpose],
        jwks=json.loads(write_keys()),
        redirect_uris=uris,
        by=Operator(operator_id or uuid7(), OperatorChannel.COMMAND),
        at=timezone.now(),
    )


def carry_out():
    """Have another operator approve what waits, and a worker apply it."""
    second = make_second_operator()
    for change in ServiceClientChange.objects.filter(settled_at=None, approved_by=None):
        if change.kind != ClientChangeKind.RETIRE:
            client_changes.approve_change(change, by=second.id, at=timezone.now())
    run_worker()


def run_worker():
    with acting_as(ProcessClass.PURGE):
        settle_client_changes()


def make_second_operator():
    """Return an operator with a second factor."""
    user, *_ = household.person("second", at=timezone.now())
    User.objects.filter(id=user.id).update(role=Role.OPERATOR)
    demo_people.add_second_factor(user)
    return user


def owe_removal(*, feature=FEATURE, due_at, acknowledged_at=None):
    return FeatureRemoval.objects.create(
        feature=feature,
        user_id=uuid7(),
        organisation_id=uuid7(),
        connection_id=uuid7(),
        integration_id=uuid7(),
        product="mail",
        delegation_id=uuid7(),
        reason="disconnected",
        last_read_at=timezone.now(),
        issued_at=min(due_at, timezone.now()) - timezone.timedelta(hours=1),
        due_at=due_at,
        acknowledged_at=acknowledged_at,
    )


def list_entries():
    """Return the entries of operators' steps, in the order in which they were written."""
    leaves = Leaf.objects.order_by("id").values_list("payload", flat=True)
    entries = [json.loads(bytes(payload)) for payload in leaves]
    return [entry for entry in entries if entry["event"].startswith("client.")]


def get_client():
    return ServiceClient.objects.get()
