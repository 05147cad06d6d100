"""Bulk revocations at the staff site, in each of their states."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from accounts.ids import uuid7
from accounts.models import User
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.models import BulkRevocation, BulkState, PurgeJob, PurgeStep
from integrations.support import bulk_receipts, bulk_revocation, bulk_runner
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group
from tests.integrations.support import bulk_world
from tests.walls import acting_as

GROUP = Group("bulk", "Staff: bulk revocations")


def open_staff_site(stage):
    stage.serve_staff_site()
    return stage.open_desk(Role.OPERATOR, "Otto")


def propose(stage, **values):
    """Return the proposal of Sam, a support agent."""
    sam = User.objects.filter(name="Sam").first() or stage.add_person("Sam", Role.SUPPORT)
    criteria = values or {"organisation_id": stage.organisation.id, "provider": "google"}
    return bulk_world.propose(sam, at=stage.at, **criteria)


def propose_and_count(stage):
    bulk = propose(stage)
    bulk_world.run_worker(bulk)
    return bulk


def approve(stage, bulk):
    second = User.objects.get(name="Otto")
    bulk_world.approve(bulk, second, at=stage.at)


def write_progress(stage, bulk, **counts):
    """Let it be larger than the stage is."""
    acts = dict.fromkeys(("waiting", "done", "unnecessary", "failed", "stopped"), 0) | counts
    bulk = BulkRevocation.objects.get(id=bulk.id)
    bulk.counts |= {
        "connections": sum(acts.values()),
        "people": sum(acts.values()) - 12,
        "progress": acts,
        "began_at": (stage.at - timedelta(seconds=40)).isoformat(),
        "progressed_at": stage.at.isoformat(),
    }
    bulk.save(update_fields=["counts"])


def finish_purges():
    for job in PurgeJob.objects.exclude(step=PurgeStep.DONE):
        at = job.fenced_at + timedelta(seconds=2)
        values = {"step": PurgeStep.DONE, "receipt_id": uuid7(), "done_at": at}
        PurgeJob.objects.filter(id=job.id).update(**values)


def page_of(bulk):
    return reverse("support-bulk", args=[bulk.id])


@GROUP.state(scene=open_staff_site)
def no_bulk_revocations(stage):
    return stage.scene.get(reverse("support-bulks"))


@GROUP.state(scene=open_staff_site)
def form(stage):
    return stage.open_desk(Role.SUPPORT, "Sina").get(reverse("support-bulk-new"))


@GROUP.state(scene=open_staff_site, status=400)
def form_without_a_criterion(stage):
    values = {"reason": "incident", "text": bulk_world.TEXT, "ticket": bulk_world.TICKET}
    return stage.open_desk(Role.SUPPORT, "Sina").post(reverse("support-bulk-new"), values)


@GROUP.state(scene=open_staff_site, status=400)
def form_with_wrong_values(stage):
    values = {"organisation": "Kestrel", "ticket": "<b>", "connected_from": "2999-01-01T00:00"}
    return stage.open_desk(Role.SUPPORT, "Sina").post(reverse("support-bulk-new"), values)


@GROUP.state(BulkState.COUNTING, scene=open_staff_site)
def counting(stage):
    return stage.scene.get(page_of(propose(stage)))


@GROUP.state(BulkState.PROPOSED, scene=open_staff_site)
def proposed_for_a_second_person(stage):
    return stage.scene.get(page_of(propose_and_count(stage)))


@GROUP.state(BulkState.PROPOSED, scene=open_staff_site)
def proposed_for_every_provider(stage):
    rows.connect_microsoft(stage, "mail")
    bulk = propose(stage, organisation_id=stage.organisation.id)
    bulk_world.run_worker(bulk)
    return stage.scene.get(page_of(bulk))


@GROUP.state(BulkState.PROPOSED, scene=open_staff_site)
def proposed_for_its_proposer(stage):
    bulk = propose_and_count(stage)
    sam = User.objects.get(name="Sam")
    browser = cast.browser(sam, mfa=True, at_staff_site=True, recent=True)
    return browser.get(page_of(bulk))


@GROUP.state(BulkState.RUNNING, scene=open_staff_site)
def approved_a_moment_ago(stage):
    bulk = propose_and_count(stage)
    approve(stage, bulk)
    return stage.scene.get(page_of(bulk))


@GROUP.state(BulkState.RUNNING, scene=open_staff_site)
def running(stage):
    bulk = propose_and_count(stage)
    approve(stage, bulk)
    write_progress(stage, bulk, waiting=1388, done=600, unnecessary=11, failed=1)
    return stage.scene.get(page_of(bulk))


@GROUP.state(BulkState.STOPPED, scene=open_staff_site)
def stopped(stage):
    bulk = propose_and_count(stage)
    approve(stage, bulk)
    bulk_world.run_worker(bulk)
    BulkRevocation.objects.update(state=BulkState.RUNNING, ended_at=None)
    bulk_world.stop(bulk, User.objects.get(name="Otto"))
    write_progress(stage, bulk, done=600, stopped=1400)
    finish_purges()
    return stage.scene.get(page_of(bulk))


@GROUP.state(BulkState.STOPPED, scene=open_staff_site)
def stopped_because_one_of_the_two_left(stage):
    bulk = propose_and_count(stage)
    approve(stage, bulk)
    User.objects.filter(name="Sam").update(role=Role.MEMBER)
    bulk_world.run_worker(bulk)
    return stage.scene.get(page_of(bulk))


@GROUP.states(["receipts-to-come", "receipts"], scene=open_staff_site)
def done(stage, receipts):
    bulk = propose_and_count(stage)
    approve(stage, bulk)
    bulk_world.run_worker(bulk)
    if receipts == "receipts":
        finish_purges()
    return stage.scene.get(page_of(bulk))


@GROUP.state(BulkState.DONE, scene=open_staff_site)
def first_page_of_receipts(stage):
    stage.patch.setattr(bulk_receipts, "PAGE", 2)
    bulk = propose_and_count(stage)
    approve(stage, bulk)
    bulk_world.run_worker(bulk)
    finish_purges()
    return stage.scene.get(page_of(bulk))


@GROUP.state(BulkState.DONE, scene=open_staff_site)
def later_page_of_receipts(stage):
    bulk = propose_and_count(stage)
    approve(stage, bulk)
    bulk_world.run_worker(bulk)
    finish_purges()
    return stage.scene.get(page_of(bulk), {"beyond": str(uuid7())})


@GROUP.state(BulkState.REJECTED, scene=open_staff_site)
def rejected(stage):
    bulk = propose_and_count(stage)
    otto = bulk_world.actor_of(User.objects.get(name="Otto"))
    with acting_as(ProcessClass.STAFF, otto):
        bulk_revocation.reject_bulk(bulk.id, actor=otto, at=stage.at)
    return stage.scene.get(page_of(bulk))


@GROUP.state(BulkState.REJECTED, scene=open_staff_site)
def rejected_by_itself(stage):
    bulk = propose_and_count(stage)
    asked_at = stage.at - bulk_revocation.DECIDED_WITHIN
    BulkRevocation.objects.filter(id=bulk.id).update(asked_at=asked_at)
    with acting_as(ProcessClass.PURGE):
        bulk_runner.reject_undecided(at=stage.at)
    return stage.scene.get(page_of(bulk))


@GROUP.state(scene=open_staff_site)
def listed(stage):
    done_bulk = propose_and_count(stage)
    approve(stage, done_bulk)
    bulk_world.run_worker(done_bulk)
    propose(stage, provider="microsoft", connected_from=stage.at - timedelta(days=2))
    propose_and_count(stage)
    sam = User.objects.get(name="Sam")
    browser = cast.browser(sam, mfa=True, at_staff_site=True, recent=True)
    return browser.get(reverse("support-bulks"))
