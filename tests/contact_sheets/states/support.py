"""Pages of support agents: find a person, and see the state of their connections."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.urls import reverse

from accounts.ids import uuid7
from accounts.models import Membership
from accounts.roles import Role
from integrations.models import (
    Connection,
    Integration,
    IntegrationStatus,
    LookupMeans,
    Reconciliation,
    StatusReason,
    SupportAct,
    SupportLookup,
    SupportQuestion,
    SupportReason,
    SyncWork,
    Watch,
    WatchKind,
)
from integrations.support import lookups
from limited_use.models import Receipt
from tests import factories
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group
from tests.integrations.household import open_watch

GROUP = Group("support", "Support: find and see")


def open_desk(stage):
    stage.serve_staff_site()
    return stage.open_desk(Role.SUPPORT, "Sam")


def _find(desk, value, means=LookupMeans.ADDRESS, **more):
    form = {"means": means, "value": value, "reason": SupportReason.SYNC_PROBLEM, **more}
    return rows.with_any_status(desk.post(reverse("support-console"), form, follow=True))


def _find_alice(stage, desk, **more):
    return _find(desk, stage.user.platform_id, LookupMeans.PLATFORM_ID, **more)


def _show_connection(stage, desk, connection_id=None):
    _find_alice(stage, desk)
    lookup = SupportLookup.objects.filter(user=stage.user).latest("opened_at")
    connection_id = connection_id or stage.mail.connection.id
    return desk.get(reverse("support-connection", args=[lookup.id, connection_id]))


@GROUP.state(scene=open_desk)
def console(stage):
    return stage.scene.get(reverse("support-console"))


@GROUP.state(scene=open_desk)
def console_with_an_open_look_up(stage):
    _find_alice(stage, stage.scene, ticket="CASE-17")
    return stage.scene.get(reverse("support-console"))


@GROUP.state(scene=open_desk)
def console_with_acts(stage):
    _find_alice(stage, stage.scene)
    lookup = SupportLookup.objects.get(user=stage.user)
    SupportAct.objects.create(
        agent_id=lookup.agent_id, kind="sync_now", lookup=lookup, user=stage.user,
        integration=stage.mail.integration, reason="sync_problem", asked_at=stage.at,
        next_try_at=stage.at,
    )  # fmt: skip
    return stage.scene.get(reverse("support-console"))


@GROUP.state(scene=open_desk)
def nobody_found(stage):
    return _find(stage.scene, "nobody@antares.example")


@GROUP.state(scene=open_desk)
def several_found(stage):
    bob = stage.add_person("Bo")
    rows.connect_google(stage, "mail", email=bob.email)
    return _find(stage.scene, bob.email)


@GROUP.state(scene=open_desk)
def wrong_values(stage):
    return _find(stage.scene, "12", LookupMeans.CODE, reason="", ticket="#!")


@GROUP.states(list(LookupMeans), scene=open_desk)
def value_of_another_kind(stage, means):
    return _find(stage.scene, "@" if means == LookupMeans.ADDRESS else "\u00e4 ", means)


@GROUP.state(scene=open_desk)
def no_kind_chosen(stage):
    return _find(stage.scene, "12", "")


@GROUP.state(scene=open_desk)
def too_many_look_ups(stage):
    limit = replace(lookups.HOURLY_LOOKUPS, limit=1)
    stage.patch.setattr(lookups, "HOURLY_LOOKUPS", limit)
    _find_alice(stage, stage.scene)
    return _find_alice(stage, stage.scene)


@GROUP.states(list(SupportReason), scene=open_desk)
def person_found_with_a_reason(stage, reason):
    return _find_alice(stage, stage.scene, reason=reason)


@GROUP.state(scene=open_desk)
def person(stage):
    return _find_alice(stage, stage.scene, ticket="CASE-17")


@GROUP.state(scene=open_desk)
def person_without_connections(stage):
    nora = stage.add_person("Nora")
    Membership.objects.filter(user=nora).delete()
    return _find(stage.scene, nora.platform_id, LookupMeans.PLATFORM_ID)


@GROUP.state(scene=open_desk)
def person_who_connected_nothing(stage):
    nora = stage.add_person("Nora")
    return _find(stage.scene, nora.platform_id, LookupMeans.PLATFORM_ID)


@GROUP.state()
def person_with_problems(stage):
    """Several states, a removal in progress, an approval, and acts of two agents."""
    at = stage.at
    connection = rows.connect_microsoft(stage, "mail", "calendar")
    Connection.objects.filter(id=connection.id).update(status="reauth_required", reauth_since=at)
    Integration.objects.filter(connection=connection).update(
        status=IntegrationStatus.REAUTH_REQUIRED, status_reason=StatusReason.GRANT_REVOKED
    )
    rows.connect_google(stage, email="without@gmail.example")
    rows.set_status(stage.mail, IntegrationStatus.DEGRADED, StatusReason.QUARANTINED_ITEMS)
    factories.make_approval(stage.user, stage.organisation)
    rows.disconnect(stage, stage.calendar)
    desk = open_desk(stage)
    _find_alice(stage, desk)
    lookup = SupportLookup.objects.get(user=stage.user)
    for agent_id in (lookup.agent_id, uuid7()):
        SupportAct.objects.create(
            agent_id=agent_id, kind="sync_now", lookup=lookup, user=stage.user,
            integration=stage.mail.integration, reason="sync_problem",
            asked_at=at, next_try_at=at,
            **({} if agent_id == lookup.agent_id else {"state": "done", "settled_at": at}),
        )  # fmt: skip
        SupportQuestion.objects.create(
            agent_id=agent_id, lookup=lookup, user=stage.user, kind="message", reason="other",
            text="Which message is missing?", asked_at=at, expires_at=at + timedelta(days=7),
        )  # fmt: skip
    return desk.get(reverse("support-person", args=[lookup.id]))


@GROUP.state()
def person_who_left(stage):
    (job,) = rows.disconnect(stage, stage.calendar)
    rows.finish_purge(stage, job)
    Membership.objects.filter(user=stage.user).update(left_at=stage.at)
    desk = open_desk(stage)
    return _find_alice(stage, desk)


@GROUP.state(status=404, scene=open_desk)
def look_up_that_ended(stage):
    return stage.scene.get(reverse("support-person", args=[uuid7()]))


@GROUP.state(scene=open_desk)
def connection(stage):
    return _show_connection(stage, stage.scene)


@GROUP.state()
def connection_with_push(stage):
    open_watch(stage.mail, at=stage.at)
    return _show_connection(stage, open_desk(stage))


@GROUP.state()
def connection_importing(stage):
    rows.set_status(stage.mail, IntegrationStatus.SYNCING)
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        stage="snapshot", expected_count=2000, last_synced_at=None, first_synced_at=None
    )
    return _show_connection(stage, open_desk(stage))


@GROUP.state()
def connection_with_problems(stage):
    at = stage.at
    watch = open_watch(stage.mail, at=at - timedelta(hours=2))
    watch.silent_since = at - timedelta(hours=1)
    watch.last_event_at = None
    watch.save()
    Watch.objects.create(
        integration=stage.mail.integration, connection=stage.mail.connection, resource="other",
        kind=WatchKind.CHANNEL, wanted_at=at, due_at=at,
    )  # fmt: skip
    rows.quarantine(stage, "too-deep")
    rows.quarantine(stage, "delayed", next_try_at=at + timedelta(minutes=5))
    Reconciliation.objects.create(
        integration=stage.mail.integration, compared_at=at, provider_count=10, our_count=9,
        missing_count=1, extra_count=0,
    )  # fmt: skip
    rows.set_status(stage.mail, IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED)
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        failure_count=4, failing_since=at - timedelta(hours=2), crash_count=3, denial_count=1,
        pause_reason=StatusReason.RATE_LIMITED, next_sync_at=at + timedelta(minutes=9),
    )  # fmt: skip
    return _show_connection(stage, open_desk(stage))


@GROUP.state()
def connection_that_nobody_looks_at(stage):
    """The next check waits until the owner opens the mailbox."""
    SyncWork.objects.filter(integration__connection=stage.mail.connection).update(
        next_sync_at=stage.at + timedelta(days=3650)
    )
    return _show_connection(stage, open_desk(stage))


@GROUP.state()
def connection_to_reconnect(stage):
    account = rows.connect_microsoft(stage, "mail", "calendar")
    Connection.objects.filter(id=account.id).update(status="reauth_required", reauth_since=stage.at)
    Integration.objects.filter(connection=account).update(
        status=IntegrationStatus.REAUTH_REQUIRED, status_reason=StatusReason.CONFIRMATION_NEEDED
    )
    return _show_connection(stage, open_desk(stage), account.id)


@GROUP.state()
def connection_of_antares_calendars(stage):
    calendar = rows.create_calendar(stage, "Allotment")
    return _show_connection(stage, open_desk(stage), calendar.integration.connection_id)


@GROUP.states(["begun", "done"])
def connection_disconnected(stage, step):
    jobs = rows.disconnect(stage, stage.mail)
    if step == "done":
        jobs += rows.disconnect(stage, stage.calendar)
        rows.finish_purge(stage, *jobs)
        Receipt.objects.create(
            subject_id=stage.mail.integration.id, owner_id=stage.user.id, part=2, document=b"{}",
            created_at=stage.at,
        )  # fmt: skip
    return _show_connection(stage, open_desk(stage))
