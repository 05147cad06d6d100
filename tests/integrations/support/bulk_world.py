"""People with connections, two members of staff, and the steps of a bulk revocation."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from config.process_classes import ProcessClass
from integrations.models import BulkRevocation, Connection, Integration, SupportReason
from integrations.support import bulk_revocation, bulk_runner
from integrations.support.bulk_revocation import BulkProposal
from tests.factories import make_connection, make_integration, make_user
from tests.integrations.support.desk import actor_of
from tests.walls import acting_as

TEXT = "The provider reported stolen tokens."
TICKET = "INC-4711"


def make_account(organisation, *, provider="google", user=None, at=None, products=("mail",)):
    """Return a live connection of a person with its products."""
    user = user or make_user("alice", organisation=organisation)
    connection = make_connection(user, organisation, provider=provider, at=at)
    for product in products:
        make_integration(connection, product=product, consent=False, at=at)
    return connection


def make_proposal(**values) -> BulkProposal:
    fields = {"reason": SupportReason.INCIDENT, "text": TEXT, "ticket": TICKET, **values}
    return BulkProposal(**fields)


def propose(agent: User, *, at=None, **criteria) -> BulkRevocation:
    proposal = make_proposal(**criteria)
    with acting_as(ProcessClass.STAFF, actor_of(agent)):
        return bulk_revocation.propose_bulk(
            proposal, actor=actor_of(agent), at=at or timezone.now()
        )


def approve(bulk: BulkRevocation, person: User, *, at=None) -> None:
    with acting_as(ProcessClass.STAFF, actor_of(person)):
        bulk_revocation.approve_bulk(bulk.id, actor=actor_of(person), at=at or timezone.now())


def stop(bulk: BulkRevocation, person: User) -> None:
    with acting_as(ProcessClass.STAFF, actor_of(person)):
        bulk_revocation.stop_bulk(bulk.id, actor=actor_of(person), at=timezone.now())


def run_worker(bulk: BulkRevocation, **values) -> bool:
    with acting_as(ProcessClass.PURGE):
        return bulk_runner.run_bulk(bulk_id=bulk.id, **values)


def begin(agent: User, second: User, **criteria) -> BulkRevocation:
    """Propose, count and approve."""
    bulk = propose(agent, **criteria)
    run_worker(bulk)
    approve(bulk, second)
    return bulk


def list_revoked() -> set:
    """Return the ids of connections without a live integration, whose end has begun."""
    live = Integration.objects.live().values("connection_id")
    connections = Connection.objects.exclude(id__in=live).filter(ending_since__isnull=False)
    return set(connections.values_list("id", flat=True))
