"""Service clients of operators: keys, steps and entries, for tests of pages and commands."""

from __future__ import annotations

import json

from django.utils import timezone
from joserfc.jwk import ECKey

from accounts.ids import uuid7
from accounts.models import ServiceClient
from integrations.models import FeatureRemoval
from integrations.operations import feature_clients
from limited_use.agreements.service_clients import Operator, OperatorChannel
from limited_use.models import Leaf
from tests.accounts.cast import EC

NEW = ECKey.generate_key("P-256", {"kid": "new"})
FEATURE, PURPOSE = "inbox-widget", "inbox.display"
URI = "https://widget.example/callback"


def write_keys(*keys, private=False):
    return json.dumps({"keys": [key.as_dict(private=private) for key in keys or (EC,)]})


def register(operator_id=None, *, feature=FEATURE, purpose=PURPOSE, uris=(URI,)):
    return feature_clients.register_feature_client(
        feature=feature,
        purposes=[purpose],
        jwks=json.loads(write_keys()),
        redirect_uris=uris,
        by=Operator(operator_id or uuid7(), OperatorChannel.COMMAND),
        at=timezone.now(),
    )


def owe_removal(*, feature=FEATURE, due_at, acknowledged_at=None):
    return FeatureRemoval.objects.create(
        feature=feature,
        user_id=uuid7(),
        organisation_id=uuid7(),
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
