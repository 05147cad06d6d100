"""A support agent at the console, and what they typed."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager

from django.utils import timezone

from accounts import row_owner
from accounts.actors import Actor, ActorKind
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.models import LookupMeans, SupportLookup, SupportReason
from integrations.support import lookups
from integrations.support.lookups import LookupRequest
from limited_use.models import Leaf
from tests.factories import make_user
from tests.walls import acting_as


def make_agent(name="sam", role=Role.SUPPORT, **values):
    return make_user(name, role=role, **values)


def actor_of(agent):
    """Return the actor of a member of staff who belongs to no organisation."""
    return Actor(kind=ActorKind.PERSON, id=agent.id, user_id=agent.id)


@contextmanager
def at_desk_of(agent):
    """Have the rights of a staff process that acts for the agent."""
    with (
        acting_as(ProcessClass.STAFF),
        row_owner.acting_for(agent.id, None),
    ):
        yield


def request_for(value, means=LookupMeans.ADDRESS, **more):
    return LookupRequest(
        means=means, value=value, reason=more.pop("reason", SupportReason.OWNER_ASKED), **more
    )


def find(agent, value, means=LookupMeans.ADDRESS, **more):
    """Return the ids of the look-ups that found a person."""
    with at_desk_of(agent):
        return lookups.find_people(
            request_for(value, means, **more), actor=actor_of(agent), at=timezone.now()
        )


def find_user_ids(agent, value, means=LookupMeans.ADDRESS):
    """Return the ids of the people who were found."""
    lookup_ids = find(agent, value, means)
    return set(SupportLookup.objects.filter(id__in=lookup_ids).values_list("user_id", flat=True))


def list_decisions(purpose="support.find"):
    """Return the ledger's entries of decisions for one purpose, oldest first."""
    entries = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [entry for entry in entries if entry.get("purpose") == purpose]


def without_tokens(page):
    """Return the text of a page without values that differ in each request."""
    page = re.sub(r'nonce="[^"]*"', "", page)
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page)
