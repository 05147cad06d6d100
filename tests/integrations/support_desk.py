"""A support agent, a person with accounts, look-ups, and workers that carry orders out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from config.process_classes import ProcessClass
from integrations import purge
from integrations.connections import disconnect_account, disconnect_integration
from integrations.models import (
    LookupMeans,
    PurgeStep,
    SupportActKind,
    SupportLookup,
    SupportReason,
)
from integrations.support import act_runner, acts, lookups
from integrations.support.acts import ActOrder, ActTarget
from tests.factories import (
    make_connection,
    make_consent,
    make_integration,
    make_organisation,
    make_user,
)
from tests.integrations.support.desk import actor_of, make_agent
from tests.walls import acting_as

TEXT = "Laptop lost on the train."
TICKET = "T-1042"


@dataclass
class Desk:
    """Alice with Google mail and calendars, and Sam of support."""

    sam: User = field(default_factory=make_agent)

    def __post_init__(self):
        self.acme = make_organisation("Acme")
        self.alice = make_user("alice", organisation=self.acme, password="correct horse")
        self.connection, self.mail, self.calendar = self.connect()

    def connect(self):
        """Return another account of Alice: its connection, mail and calendars."""
        connection = make_connection(self.alice, self.acme)
        mail = make_integration(connection, consent=False)
        calendar = make_integration(connection, product="calendar", consent=False)
        return connection, mail, calendar

    def agree(self):
        for feature in ("inbox", "calendar"):
            make_consent(self.connection, feature)

    @cached_property
    def actor(self) -> Actor:
        return actor_of(self.sam)

    def find(self, connection=None, *, agent=None) -> SupportLookup:
        """Find Alice by the id of a connection of hers."""
        actor = actor_of(agent or self.sam)
        request = lookups.LookupRequest(
            means=LookupMeans.CONNECTION,
            value=str((connection or self.connection).id),
            reason=SupportReason.OWNER_ASKED,
            ticket=TICKET,
        )
        with acting_as(ProcessClass.STAFF, actor):
            (lookup_id,) = lookups.find_people(request, actor=actor, at=timezone.now())
        return SupportLookup.objects.get(id=lookup_id)

    def order(self, kind, *, lookup=None, reason=SupportReason.DEVICE_LOST, **target):
        """Return the act, ordered with the rights of the staff site, and whether it is new."""
        lookup = lookup or self.find()
        words = {"text": TEXT, "ticket": TICKET, **target.pop("words", {})}
        order = ActOrder(target=ActTarget(kind=kind, **target), reason=reason, **words)
        with acting_as(ProcessClass.STAFF, self.actor):
            return acts.order_act(order, lookup_id=lookup.id, actor=self.actor, at=timezone.now())

    def order_disconnect(self, connection=None, **more):
        act, _ = self.order(
            SupportActKind.REVOKE_CONNECTION,
            connection_id=(connection or self.connection).id,
            **more,
        )
        return act

    def disconnect_as_owner(self, integration=None):
        owner = {"user_id": self.alice.id, "organisation_id": self.acme.id}
        at = timezone.now()
        if integration is None:
            return disconnect_account(connection_id=self.connection.id, at=at, **owner)
        return [disconnect_integration(integration_id=integration.id, at=at, **owner)]


def run_purge_act(act, now=timezone.now):
    """Carry it out with the rights of a purge worker."""
    with acting_as(ProcessClass.PURGE):
        return act_runner.run_purge_act(act_id=act.id, now=now)


def run_sync_act(act, now=timezone.now):
    with acting_as(ProcessClass.SYNC):
        return act_runner.run_sync_act(act_id=act.id, now=now)


def finish_purge(job):
    """Run the purge to its receipt, as sweeps do."""
    while job.step != PurgeStep.DONE:
        at = max(timezone.now(), job.next_try_at)
        with acting_as(ProcessClass.PURGE):
            purge.run_purge(job_id=job.id, now=lambda at=at: at)
        job.refresh_from_db()
    return job
