"""
People in bodies of requests: `me`, an id of this service, or an id of the platform.

Only the asker and people who share a calendar with the asker are resolved. All other people,
existing or not, are unknown, by the same path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from uuid import UUID, uuid5

from integrations.access import cross_user_lookups
from integrations.access.request_context import RequestContext, get_owner_ids
from limited_use.agreements import shares

#: The person who is signed in, or for whom a feature acts.
ME: Final = "me"
#: Of a platform id, as of an id of this service.
MAX_LENGTH: Final = 64
_UNKNOWN_PEOPLE: Final = UUID("b0f3b7a4-6f0e-4f57-9a55-2c2d0b1f9f6e")


@dataclass(frozen=True, slots=True)
class PersonReference:
    """
    Two names of one person are equal.

    :param key: the person's id; of an unknown platform id, an id that no person has
    :param named: as in the request
    :param user_id: None for an unknown platform id
    :param platform_id: None for an unknown person
    """

    key: UUID
    named: str = field(compare=False)
    user_id: UUID | None = field(compare=False)
    platform_id: str | None = field(compare=False)


class PersonResolver:
    """
    Resolves the people that one request names.

    A platform's ids may be UUIDs too: an id of this service comes first.

    :param platform_id: of the asker
    """

    def __init__(self, context: RequestContext, *, platform_id: str) -> None:
        self._context = context
        self._platform_id = platform_id

    def resolve(self, named: str) -> PersonReference:
        user_id, own_id = _parse_user_id(named), self._context.user_id
        is_own_platform_id = user_id is None and named == self._platform_id
        if named == ME or user_id == own_id or is_own_platform_id:
            # Without a look-up of others.
            return PersonReference(own_id, named, own_id, self._platform_id)
        known_id = user_id if user_id in self._platform_ids else self._user_ids.get(named)
        if known_id is not None:
            return PersonReference(known_id, named, known_id, self._platform_ids[known_id])
        # Ids of people are of version 7, and this one is not.
        key = uuid5(_UNKNOWN_PEOPLE, named) if user_id is None else user_id
        return PersonReference(key, named, user_id, None)

    @cached_property
    def _platform_ids(self) -> Mapping[UUID, str]:
        """By our id."""
        own_id = self._context.user_id
        return {**find_sharer_platform_ids(self._context), own_id: self._platform_id}

    @cached_property
    def _user_ids(self) -> Mapping[str, UUID]:
        """By the platform's id."""
        return {platform_id: user_id for user_id, platform_id in self._platform_ids.items()}


def find_sharer_platform_ids(context: RequestContext) -> Mapping[UUID, str]:
    """Return the platform's ids of the people who share a calendar with the actor, by our id."""
    actor = context.actor
    _, organisation_id = get_owner_ids(actor)
    live_shares = shares.filter_live(context.at).filter(
        viewer_id=context.user_id,
        organisation_id=organisation_id,
        # A feature has no membership: nothing is shared with it.
        viewer_membership=actor.membership_id or UUID(int=0),
    )
    sharer_ids = set(live_shares.values_list("owner_id", flat=True))
    partners = cross_user_lookups.find_share_partners(context.user_id, organisation_id)
    return {
        user_id: partner.platform_id
        for user_id, partner in partners.items()
        if user_id in sharer_ids
    }


def _parse_user_id(named: str) -> UUID | None:
    """Return None for other spellings of a UUID than this API's."""
    try:
        user_id = UUID(named)
    except ValueError:
        return None
    return user_id if str(user_id) == named.lower() else None
