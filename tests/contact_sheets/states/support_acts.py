"""Pages of one act of support: what it would change, and how far it is."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from integrations.models import (
    IntegrationStatus,
    LookupMeans,
    OwnerNotice,
    PurgeJob,
    SupportActKind,
    SupportActState,
    SupportLookup,
    SupportReason,
)
from integrations.notifications import notice_delivery
from integrations.support import act_runner, acts, lookups
from integrations.support.acts import ActOrder, ActTarget
from tests import factories
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group
from tests.integrations.support.desk import actor_of
from tests.walls import acting_as

GROUP = Group("support-acts", "Staff: acts of support")
TEXT = "Laptop lost on the train, called from the office."


def open_desk(stage):
    """Return Sam of support, who found Alice."""
    sam = stage.add_person("Sam", Role.SUPPORT)
    actor = actor_of(sam)
    request = lookups.LookupRequest(
        means=LookupMeans.CONNECTION,
        value=str(stage.mail.connection.id),
        reason=SupportReason.OWNER_ASKED,
    )
    with acting_as("staff", actor):
        (lookup_id,) = lookups.find_people(request, actor=actor, at=timezone.now())
    return SimpleNamespace(sam=sam, actor=actor, lookup=SupportLookup.objects.get(id=lookup_id))


def open_browser(stage):
    """Return Sam's browser; the workers' mails, before, lead to the ordinary site."""
    stage.serve_staff_site()
    return cast.browser(stage.scene.sam, mfa=True, at_staff_site=True, recent=True)


def open_form(stage, **query):
    return open_browser(stage).get(reverse("support-act-new", args=[stage.scene.lookup.id]), query)


def order(stage, kind=SupportActKind.REVOKE_CONNECTION, **target):
    if kind == SupportActKind.REVOKE_CONNECTION:
        target = {"connection_id": stage.mail.connection.id} | target
    order = ActOrder(
        target=ActTarget(kind=kind, **target),
        reason=SupportReason.DEVICE_LOST,
        text=TEXT,
        ticket="T-1042",
    )
    desk = stage.scene
    with acting_as("staff", desk.actor):
        act, _ = acts.order_act(
            order, lookup_id=desk.lookup.id, actor=desk.actor, at=timezone.now()
        )
    return act


def show(stage, act, **headers):
    return open_browser(stage).get(reverse("support-act", args=[act.id]), headers=headers)


@GROUP.state(scene=open_desk)
def disconnect_account(stage):
    return open_form(stage, kind="revoke_connection", connection=stage.mail.connection.id)


@GROUP.state(scene=open_desk)
def disconnect_product(stage):
    return open_form(stage, kind="revoke_integration", integration=stage.mail.integration.id)


@GROUP.state(scene=open_desk)
def sync(stage):
    return open_form(stage, kind="sync_now", integration=stage.mail.integration.id)


@GROUP.state(scene=open_desk)
def nothing_to_fetch_again(stage):
    return open_form(stage, kind="retry_quarantined", integration=stage.mail.integration.id)


@GROUP.state(scene=open_desk)
def send_receipt_link(stage):
    (job,) = rows.disconnect(stage, stage.calendar)
    rows.finish_purge(stage, job)
    job.refresh_from_db()
    return open_form(stage, kind="send_receipt_link", receipt=job.receipt_id)


@GROUP.state(status=400, scene=open_desk)
def form_with_mistakes(stage):
    form = {"kind": "revoke_connection", "connection": stage.mail.connection.id, "ticket": "<b>"}
    return open_browser(stage).post(reverse("support-act-new", args=[stage.scene.lookup.id]), form)


@GROUP.state(status=400, scene=open_desk)
def unknown_act(stage):
    return open_form(stage, kind="launch")


@GROUP.state(status=400, scene=open_desk)
def reconnect_first(stage):
    integration = stage.mail.integration
    type(integration).objects.filter(id=integration.id).update(
        status=IntegrationStatus.REAUTH_REQUIRED
    )
    return open_form(stage, kind="sync_now", integration=integration.id)


@GROUP.state(status=400, scene=open_desk)
def local_calendars(stage):
    connection = factories.make_connection(stage.user, stage.organisation, provider="offline")
    local = factories.make_integration(connection, product="calendar", consent=False)
    return open_form(stage, kind="revoke_integration", integration=local.id)


@GROUP.state(scene=open_desk)
def act_waiting(stage):
    return show(stage, order(stage))


@GROUP.state(scene=open_desk)
def act_ordered_twice(stage):
    order(stage)
    form = {
        "kind": "revoke_connection", "connection": stage.mail.connection.id,
        "reason": "device_lost", "text": TEXT, "ticket": "T-1042",
    }  # fmt: skip
    browser = open_browser(stage)
    address = reverse("support-act-new", args=[stage.scene.lookup.id])
    return browser.post(address, form, follow=True)


def disconnect(stage):
    act = order(stage)
    with acting_as("purge"):
        act_runner.run_purge_act(act_id=act.id)
    return act


@GROUP.state(scene=open_desk)
def act_removing(stage):
    return show(stage, disconnect(stage))


@GROUP.state(scene=open_desk)
def act_done(stage):
    act = disconnect(stage)
    rows.finish_purge(stage, *PurgeJob.objects.filter(support_act_id=act.id))
    return show(stage, act)


@GROUP.state(scene=open_desk)
def act_done_after_the_look_up(stage):
    act = disconnect(stage)
    SupportLookup.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    return show(stage, act)


@GROUP.states(SupportActState, scene=open_desk)
def act_in_state(stage, state):
    act = order(stage, SupportActKind.SYNC_NOW, integration_id=stage.mail.integration.id)
    act.state = state
    act.settled_at = None if state == SupportActState.WAITING else timezone.now()
    act.save()
    return show(stage, act)


@GROUP.states(SupportReason, scene=open_desk)
def act_because(stage, reason):
    act = order(stage)
    act.reason = reason
    act.save()
    return show(stage, act)


@GROUP.states(SupportActKind, scene=open_desk)
def act_of_kind(stage, kind):
    act = order(stage)
    act.kind, act.integration_id = kind, stage.mail.integration.id
    act.receipt_id = act.id
    act.save()
    return show(stage, act)


@GROUP.states(
    ["support_disconnected", "support_disconnected_all", "support_disconnected_empty"],
    scene=open_desk,
)
def mail_of(stage, message):
    if message == "support_disconnected":
        act = order(
            stage,
            SupportActKind.REVOKE_INTEGRATION,
            integration_id=stage.mail.integration.id,
        )
        with acting_as("purge"):
            act_runner.run_purge_act(act_id=act.id)
    elif message == "support_disconnected_all":
        disconnect(stage)
    else:
        connection = stage.mail.connection
        empty = factories.make_connection(connection.user, connection.organisation)
        act = order(stage, connection_id=empty.id)
        with acting_as("purge"):
            act_runner.run_purge_act(act_id=act.id)
    notice_delivery.deliver_notice(OwnerNotice.objects.get(message=message).id, at=stage.at)
    return rows.show_mail(stage, mail.outbox[-1])
