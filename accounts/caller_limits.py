"""
Counts an API request towards all rates of its caller, in one statement.

A service client's request counts for its delegation, the client, the person and the organisation; a
person's own for the person and the organisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import Throttled

from accounts import rate_limit_counters, route_limits
from accounts.current_organisation import get_membership
from accounts.models import ServiceToken
from accounts.rate_limit_counters import Rate, RateCounter, RequestCounts
from accounts.request_limits import scale_rate


class RateLimitReached(Throttled):
    """:param limit: name of the rate"""

    def __init__(self, limit: str, *, wait: int) -> None:
        super().__init__(wait=wait)
        self.limit = limit


def count_person_request(request: HttpRequest, costs: Sequence[Rate]) -> RequestCounts:
    """:param costs: further rates of the person"""
    key = f"person {request.user.pk}"
    rates = (route_limits.get_method_rate(request.method), *costs)
    counters = [RateCounter(rate, key) for rate in rates]
    membership = get_membership(request)
    organisation_id = membership.organisation_id if membership is not None else None
    counters += _list_shared_counters(request.user.pk, organisation_id)
    return _count_request(counters, at=timezone.now())


def count_client_request(
    token: ServiceToken, method: str | None, costs: Sequence[Rate], *, at: datetime
) -> RequestCounts:
    """:param costs: further rates of the delegation, or of the client for its own token"""
    client_key = f"client {token.client_id}"
    client_counter = RateCounter(route_limits.CLIENT, client_key)
    delegation = token.delegation
    if delegation is None:
        counters = [*(RateCounter(rate, client_key) for rate in costs), client_counter]
    else:
        key = f"delegation {delegation.id}"
        rates = (route_limits.get_delegation_rate(method), *costs)
        counters = [*(RateCounter(rate, key) for rate in rates), client_counter]
        counters += _list_shared_counters(delegation.user_id, delegation.organisation_id)
    return _count_request(counters, token, at=at)


def _list_shared_counters(user_id: object, organisation_id: object) -> list[RateCounter]:
    counters = [RateCounter(route_limits.USER, f"user {user_id}")]
    # Staff may have no organisation.
    if organisation_id is not None:
        counters.append(RateCounter(route_limits.ORGANISATION, f"organisation {organisation_id}"))
    return counters


def _count_request(
    counters: Sequence[RateCounter], token: ServiceToken | None = None, *, at: datetime
) -> RequestCounts:
    return rate_limit_counters.add_request_counts(
        [RateCounter(scale_rate(rate), key) for rate, key in counters],
        client_id=token.client_id if token is not None else None,
        at=at,
    )
