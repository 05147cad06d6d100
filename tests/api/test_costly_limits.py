"""How often one person may ask for what keeps a thread: each such route, page or API."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts import rate_limit_counters
from accounts.models import RateCount
from integrations.web.slow_routes import COSTLY_ROUTES, DOWNLOAD, PROVIDER, UPLOAD, RouteCost
from tests.addresses import address_of
from tests.api import cast

pytestmark = pytest.mark.django_db
OF_COST = {
    RouteCost.WAIT: [PROVIDER],
    RouteCost.STREAM: [DOWNLOAD],
    RouteCost.WAIT_AND_STREAM: [PROVIDER, DOWNLOAD],
    RouteCost.RECEIVE: [UPLOAD],
    RouteCost.WAIT_AND_RECEIVE: [PROVIDER, UPLOAD],
}


@pytest.fixture(autouse=True)
def _scale(settings):
    settings.RATE_LIMIT_SCALE = 1


def use_up(rate: rate_limit_counters.Rate, person_id: object) -> None:
    key = f"person {person_id}"
    rate_limit_counters.add_rate_limit_count(rate, key, at=timezone.now())
    counter = RateCount.objects.filter(key_hash=rate_limit_counters._hash_key(rate, key))
    assert counter.update(count=rate.limit) == 1


@pytest.mark.parametrize(
    ("name", "rate"),
    [(name, rate) for name, cost in COSTLY_ROUTES.items() for rate in OF_COST[cost]],
    ids=lambda value: getattr(value, "name", value),
)
class TestARoute:
    def test_is_refused_beyond_its_rate(self, alice, bob, name, rate):
        use_up(rate, alice.user.pk)
        address = address_of(name)

        refused = cast.browser(alice.user).get(address)

        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 60
        assert cast.browser(bob.user).get(address).status_code != 429


class TestARouteThatWaitsForNobody:
    @pytest.mark.parametrize("address", ["/inbox/", "/v1/users/me/messages"])
    def test_is_answered_all_the_same(self, alice, address):
        for rate in (PROVIDER, DOWNLOAD, UPLOAD):
            use_up(rate, alice.user.pk)

        assert cast.browser(alice.user).get(address).status_code == 200
