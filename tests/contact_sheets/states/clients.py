"""Service clients at the staff site: the list, one client, and each form with its errors."""

from __future__ import annotations

import json
import warnings
from datetime import timedelta

from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts import api_tokens, clients
from accounts.ids import uuid7
from accounts.models import (
    ClientChangeKind,
    ClientChangeRefusal,
    ClientHour,
    ServiceClient,
    ServiceClientChange,
    User,
)
from accounts.roles import Role
from integrations.operations import client_changes, feature_clients
from limited_use.agreements import service_clients
from limited_use.agreements.service_clients import Operator, OperatorChannel
from tests.accounts.cast import EC
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group
from tests.review.client_world import (
    FAULTY_KEYS,
    FAULTY_URIS,
    NEW,
    URI,
    owe_removal,
    register,
    write_keys,
)

GROUP = Group("clients", "Staff: service clients")
NEW_PAGE = "/operations/clients/new/inbox-widget/"


def open_staff_site(stage):
    stage.serve_staff_site()
    return stage.open_desk(Role.OPERATOR, "Otto")


def page_of(client, name=""):
    return reverse(f"operations-client{name and f'-{name}'}", args=[client.id])


def register_busy_client(stage):
    """A client with two keys, tokens, requests and late removals, registered by somebody else."""
    client = register(uris=(URI, "http://localhost:8000/callback"))
    replace_keys(client, EC, NEW)
    for _ in range(2):
        api_tokens.issue_client_token(client=client, at=stage.at)
    hour = stage.at.replace(minute=0, second=0, microsecond=0)
    ClientHour.objects.create(client=client, hour_at=hour, request_count=18_240)
    owe_removal(due_at=stage.at - timedelta(hours=2))
    for _ in range(3):
        owe_removal(due_at=stage.at + timedelta(hours=22))
    return client


def replace_keys(client, *keys):
    service_clients.replace_client_keys(
        client_id=client.client_id,
        jwks={"keys": [key.as_dict(private=False) for key in keys]},
        by=Operator(User.objects.get(name="Otto").id, OperatorChannel.PAGE, approved_by=uuid7()),
        at=timezone.now(),
    )


def retire(client):
    by = Operator(uuid7(), OperatorChannel.COMMAND)
    service_clients.retire_client(client_id=client.client_id, by=by, at=timezone.now())


@GROUP.state(scene=open_staff_site)
def none(stage):
    return stage.scene.get(reverse("operations-clients"))


@GROUP.state(scene=open_staff_site)
def several(stage):
    register_busy_client(stage)
    retire(register(feature="scheduler", purpose="calendar.schedule"))
    register(feature="scheduler", purpose="calendar.schedule", uris=())
    hour = stage.at.replace(minute=0, second=0, microsecond=0)
    scheduler = ServiceClient.objects.get(client_id="scheduler-2")
    ClientHour.objects.create(client=scheduler, hour_at=hour, request_count=1)
    former = cast.campaigns()
    ServiceClient.objects.filter(id=former.id).update(feature="former")
    return stage.scene.get(reverse("operations-clients"))


@GROUP.state(*OperatorChannel, scene=open_staff_site)
def one_client(stage):
    return stage.scene.get(page_of(register_busy_client(stage)))


@GROUP.state(scene=open_staff_site)
def one_new_client(stage):
    owe_removal(due_at=stage.at + timedelta(hours=22))
    return stage.scene.get(page_of(register(uris=())))


@GROUP.state(scene=open_staff_site)
def one_client_without_entries(stage):
    client = cast.campaigns()
    ServiceClient.objects.filter(id=client.id).update(feature="former")
    return stage.scene.get(page_of(client))


@GROUP.state(scene=open_staff_site)
def one_client_with_an_unknown_key(stage):
    """Its keys were written into the table."""
    client = register()
    jwks = {"keys": [NEW.as_dict(private=False)]}
    ServiceClient.objects.filter(id=client.id).update(jwks=jwks)
    return stage.scene.get(page_of(client))


@GROUP.state(scene=open_staff_site)
def retired(stage):
    client = register()
    retire(client)
    return stage.scene.get(page_of(client))


@GROUP.state(scene=open_staff_site)
def choose(stage):
    register()
    return stage.scene.get(reverse("operations-client-choose"))


@GROUP.state(scene=open_staff_site)
def choose_from_none(stage):
    for feature in feature_clients.list_free_features():
        register(feature=feature.key, purpose=next(iter(feature.purposes)), uris=())
    return stage.scene.get(reverse("operations-client-choose"))


@GROUP.state(scene=open_staff_site)
def register_form(stage):
    return stage.scene.get(NEW_PAGE)


@GROUP.state(scene=open_staff_site, status=400)
def register_nothing(stage):
    return stage.scene.post(NEW_PAGE, {})


def propose(kind, values, by=None, client=None):
    """A change that Otto, or another operator, proposed."""
    return client_changes.propose_change(
        kind,
        feature="inbox-widget",
        client=client,
        values=values,
        by=by or User.objects.get(name="Otto").id,
        at=timezone.now(),
    )


@GROUP.state(scene=open_staff_site)
def change_to_approve(stage):
    keys = json.loads(write_keys(EC, NEW))
    values = {"purposes": ["inbox.display"], "jwks": keys, "redirect_uris": [URI, f"{URI}/2"]}
    change = propose(ClientChangeKind.REGISTER, values, by=uuid7())
    return stage.scene.get(reverse("operations-client-change", args=[change.id]))


@GROUP.state(scene=open_staff_site)
def change_approved(stage):
    change = propose(ClientChangeKind.REDIRECTS, {"redirect_uris": []}, client=register())
    client_changes.approve_change(change, by=uuid7(), at=timezone.now())
    return stage.scene.get(reverse("operations-client-change", args=[change.id]))


@GROUP.state(*ClientChangeRefusal, scene=open_staff_site)
def changes(stage):
    """One applied, one waiting, and one refused for each reason but a forgery."""
    client = register()
    propose(ClientChangeKind.KEYS, {"jwks": json.loads(write_keys(NEW))}, client=client)
    for refusal in ("", *ClientChangeRefusal):
        change = propose(ClientChangeKind.RETIRE, {}, client=client)
        ServiceClientChange.objects.filter(id=change.id).update(
            settled_at=stage.at, refusal=refusal
        )
    return stage.scene.get(reverse("operations-clients"))


CHANGES = {
    ClientChangeKind.REGISTER: {
        "purposes": ["inbox.display"],
        "jwks": json.loads(write_keys(EC)),
        "redirect_uris": [],
    },
    ClientChangeKind.KEYS: {"jwks": json.loads(write_keys(NEW))},
    ClientChangeKind.REDIRECTS: {"redirect_uris": []},
    ClientChangeKind.RETIRE: {},
}


@GROUP.states(CHANGES, scene=open_staff_site)
def mail_to_operators(stage, kind, values):
    client = None if kind is ClientChangeKind.REGISTER else register()
    change = propose(kind, values, client=client)
    if kind is not ClientChangeKind.RETIRE:
        olga = stage.add_person("Olga", Role.OPERATOR)
        client_changes.approve_change(change, by=olga.id, at=timezone.now())
    client_changes.apply_change(change, channel=OperatorChannel.COMMAND, at=timezone.now())
    client_changes.settle_changes(at=timezone.now())
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.state(scene=open_staff_site)
def approved_own(stage):
    change = propose(
        ClientChangeKind.KEYS, {"jwks": json.loads(write_keys(NEW))}, client=register()
    )
    return stage.scene.post(reverse("operations-client-change", args=[change.id]), follow=True)


@GROUP.state(scene=open_staff_site)
def registered(stage):
    form = {"purposes": ["inbox.display"], "keys": write_keys(EC), "redirect_uris": URI}
    return stage.scene.post(NEW_PAGE, form, follow=True)


@GROUP.state(scene=open_staff_site)
def registered_before(stage):
    register()
    return stage.scene.get(NEW_PAGE, follow=True)


@GROUP.state(scene=open_staff_site)
def keys_form(stage):
    return stage.scene.get(page_of(register_busy_client(stage), "keys"))


@GROUP.states(FAULTY_KEYS, scene=open_staff_site, status=400)
def register_with_keys(stage, _, keys):
    with warnings.catch_warnings():
        # Of the library, about a weak key.
        warnings.simplefilter("ignore")
        form = {"purposes": ["inbox.display"], "keys": keys, "redirect_uris": URI}
        return stage.scene.post(NEW_PAGE, form)


@GROUP.state(scene=open_staff_site, status=400)
def keys_of_none(stage):
    client = register()
    form = {"keys": "", "seen": clients.compute_client_digest(client)}
    return stage.scene.post(page_of(client, "keys"), form)


@GROUP.state(scene=open_staff_site)
def keys_changed_meanwhile(stage):
    client = register()
    form = {"keys": write_keys(NEW), "seen": "of an earlier page"}
    return stage.scene.post(page_of(client, "keys"), form, follow=True)


@GROUP.state(scene=open_staff_site)
def redirects_form(stage):
    return stage.scene.get(page_of(register_busy_client(stage), "redirects"))


@GROUP.states(FAULTY_URIS, scene=open_staff_site, status=400)
def redirects(stage, _, uris):
    client = register()
    form = {"redirect_uris": uris, "seen": clients.compute_client_digest(client)}
    return stage.scene.post(page_of(client, "redirects"), form)


@GROUP.state(scene=open_staff_site)
def retire_form(stage):
    return stage.scene.get(page_of(register_busy_client(stage), "retire"))


@GROUP.state(scene=open_staff_site)
def retire_form_of_an_unused_client(stage):
    client = register()
    api_tokens.issue_client_token(client=client, at=stage.at)
    owe_removal(due_at=stage.at + timedelta(hours=22))
    return stage.scene.get(page_of(client, "retire"))


@GROUP.state(scene=open_staff_site)
def retired_before(stage):
    client = register()
    retire(client)
    return stage.scene.get(page_of(client, "keys"), follow=True)
