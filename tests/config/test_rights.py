"""Every task, and the journey of a mailbox, with the rights of the class that does it."""

import inspect
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.roles import Role
from config.celery import app
from config.process_classes import TASKS, ProcessClass
from integrations import connections, purge
from integrations.models import (
    BulkRevocation,
    BulkState,
    DriveFile,
    DriveFileState,
    ItemKind,
    LookupMeans,
    OutboxCommand,
    OutboxKind,
    PurgeStep,
    PurgeTrigger,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportLookup,
    SupportQuestion,
    SupportReason,
    Watch,
    WatchKind,
)
from integrations.support import signed_orders
from limited_use.ledger import ledger_sequencer
from limited_use.models import Receipt, Share
from limited_use.models.shares import ShareLevel
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.vault import data_keys
from tests import factories
from tests.drive import make_drive_file
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.purge.revoke_endpoint import RevokeEndpoint
from tests.keyrings import copy_keyring
from tests.notices import make_due_notice
from tests.walls import acting_as


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.GMAIL_UNITS_PER_MINUTE = 600_000
    data_keys.drop_cached_keys()
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture
def mailbox(monkeypatch):
    box = houses.provided(monkeypatch, FakeMailbox())
    box.deliver()
    box.deliver()
    return box


@pytest.fixture
def alice(transactional_db, mailbox):
    house = houses.household()
    house.settle()
    return house


@pytest.fixture
def google(settings):
    with RevokeEndpoint.running() as endpoint:
        settings.GOOGLE = replace(settings.GOOGLE, revoke_url=endpoint.url)
        yield endpoint


#: The acts that tasks are told.
ACTS = {
    "integrations.run_support_revocation": SupportActKind.REVOKE_INTEGRATION,
    "integrations.run_support_maintenance": SupportActKind.SYNC_NOW,
}


def ids(house):
    """Return a purge's id, for the tasks that are told one: of somebody who disconnected."""
    with transaction.atomic():
        job = purge.open_purge_job(
            integration=houses.household().integration,
            trigger=PurgeTrigger.OWNER,
            at=timezone.now(),
        )
    watch = Watch.objects.create(
        integration=house.integration,
        connection=house.connection,
        resource="mail",
        kind=WatchKind.TOPIC,
        wanted_at=timezone.now(),
        due_at=timezone.now(),
    )
    return {
        "job_id": job.id,
        "connection_id": house.connection.id,
        "watch_id": watch.id,
        "command_id": make_command(house).id,
        "notice_id": make_due_notice(house.integration, timezone.now()).id,
        "share_id": make_share(house).id,
        "question_id": make_question(house).id,
        "user_id": house.user.id,
        "run_id": uuid4(),
        "lookup_id": make_lookup(house).id,
        "bulk_id": make_bulk(house).id,
        "file_id": make_file(house).id,
    }


def make_lookup(house) -> SupportLookup:
    """Return a look-up that its person was not told of."""
    at = timezone.now()
    return SupportLookup.objects.create(
        search_id=uuid4(),
        agent_id=factories.make_user("sam", role=Role.SUPPORT).id,
        means=LookupMeans.CONNECTION,
        user=house.user,
        reason=SupportReason.OWNER_ASKED,
        opened_at=at,
        expires_at=at,
    )


def make_act(house, kind: SupportActKind) -> SupportAct:
    """Return an act that waits for a worker."""
    lookup, at = make_lookup(house), timezone.now()
    act = SupportAct(
        agent_id=lookup.agent_id,
        kind=kind,
        lookup=lookup,
        user=house.user,
        integration=house.integration,
        reason=SupportReason.OTHER,
        text="A case.",
        ticket="T-1",
        asked_at=at,
        next_try_at=at,
    )
    act.signature = signed_orders.sign_act(act)
    act.save(force_insert=True)
    return act


def make_bulk(house) -> BulkRevocation:
    """Return an approved bulk revocation of all accounts of the organisation."""
    at = timezone.now()
    sam, sina = (factories.make_user(name, role=Role.SUPPORT) for name in ("sam", "sina"))
    bulk = BulkRevocation(
        agent_id=sam.id,
        organisation=house.organisation,
        connected_until=at,
        reason=SupportReason.INCIDENT,
        text="The provider reported stolen tokens.",
        ticket="INC-1",
        state=BulkState.RUNNING,
        asked_at=at,
        counted_at=at,
        decided_by=sina.id,
        decided_at=at,
        next_try_at=at,
    )
    bulk.signature = signed_orders.sign_proposal(bulk)
    bulk.decision_signature = signed_orders.sign_decision(bulk)
    bulk.save(force_insert=True)
    return bulk


def make_share(house) -> Share:
    """Return a share with a colleague."""
    viewer, _, membership = houses.person("bob", house.organisation, at=timezone.now())
    return Share.objects.create(
        owner_id=house.user.id,
        organisation_id=house.organisation.id,
        viewer_id=viewer.id,
        owner_membership=house.membership.id,
        viewer_membership=membership.id,
        item=uuid4(),
        level=ShareLevel.FREEBUSY,
        given_at=timezone.now(),
    )


def make_question(house) -> SupportQuestion:
    """Return a question of support that waits for the person."""
    at = timezone.now()
    asked = {"agent_id": uuid4(), "user_id": house.user.id, "reason": SupportReason.OTHER}
    lookup = SupportLookup.objects.create(
        search_id=uuid4(), means=LookupMeans.CODE, opened_at=at, expires_at=at, **asked
    )
    return SupportQuestion.objects.create(
        lookup=lookup,
        kind=ItemKind.MESSAGE,
        text="Please show one message.",
        asked_at=at,
        expires_at=at + timedelta(days=7),
        **asked,
    )


def make_command(house) -> OutboxCommand:
    """Return a message that is due."""
    at = timezone.now()
    return OutboxCommand.objects.create(
        integration=house.integration,
        user_id=house.user.id,
        organisation_id=house.organisation.id,
        kind=OutboxKind.MAIL,
        recipient_count=1,
        created_at=at,
        changed_at=at,
        undo_until=at,
        due_at=at,
    )


def make_file(house) -> DriveFile:
    """Return a file that was cancelled, and whose upload session a worker has to end."""
    drive = factories.make_integration(house.connection, product="drive", consent=False)
    return make_drive_file(drive, timezone.now(), state=DriveFileState.CANCELLED)


class TestTasks:
    @pytest.mark.parametrize("name", sorted(TASKS))
    def test_of_the_schedule_run_with_the_rights_of_their_class(self, name, alice, google):
        app.loader.import_default_modules()
        task = app.tasks[name]
        asked = inspect.signature(task.run).parameters
        values = {"integration_id": alice.integration.id, "work_id": alice.work.id, **ids(alice)}
        if "act_id" in asked:
            act = make_act(alice, ACTS[name])
            values["act_id"] = act.id
        given = {key: str(values[key]) for key in asked if key in values}

        with acting_as(TASKS[name]):
            task.run(**given)

        assert not connection.needs_rollback
        if "act_id" in asked:
            act.refresh_from_db()
            assert act.state == SupportActState.DONE


class TestRightsOnMailbox:
    def test_lives_and_ends_though_no_class_may_do_all_of_it(self, alice, google):
        assert alice.messages.count() == 2
        with acting_as(ProcessClass.WEB, alice):
            job = connections.disconnect_integration(
                integration_id=alice.integration.id,
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )
        with acting_as(ProcessClass.PURGE):
            step = purge.run_purge(job_id=job.id)
            for line in KeyLine:
                key_epochs.rotate_key_epoch(line, timezone.now())
            ledger_sequencer.run_sequencer(timezone.now())
            purge.issue_key_destruction_receipt(job_id=job.id, at=timezone.now())

        assert step is PurgeStep.DONE
        assert alice.messages.count() == 0
        assert Receipt.objects.filter(subject_id=alice.integration.id).count() == 2
