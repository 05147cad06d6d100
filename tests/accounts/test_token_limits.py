"""How many tokens a client gets within a minute."""

from __future__ import annotations

from dataclasses import replace

import pytest
import time_machine

from accounts import clients, route_limits
from accounts.models import ServiceToken
from accounts.rate_limit_counters import Rate
from tests.accounts.cast import AT, post_form, tamper_with_token

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(settings, monkeypatch):
    settings.RATE_LIMIT_SCALE = 1
    monkeypatch.setattr(route_limits, "CLIENT_TOKEN", Rate("client-token", 2, 60))
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


class TestTokensPerMinute:
    def test_are_limited_per_client(self, asking):
        answers = [post_form(asking.form()) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].json() == {
            "error": "temporarily_unavailable",
            "error_description": "Too many tokens within this minute.",
        }
        assert answers[-1]["Retry-After"] == "60"
        assert "no-store" in answers[-1]["Cache-Control"]
        assert ServiceToken.objects.count() == 2

    def test_are_given_out_again_after_the_wait(self, asking, clock):
        refused = [post_form(asking.form()) for _ in range(3)][-1]

        clock.shift(float(refused["Retry-After"]))

        assert post_form(asking.form()).status_code == 200

    def test_count_refused_purposes_as_well(self, asking):
        for _ in range(2):
            assert post_form(asking.form(scope="purpose:marketing")).status_code == 400

        assert post_form(asking.form()).status_code == 429

    @pytest.mark.control("3.2.1")
    def test_are_not_used_up_by_a_forger(self, asking):
        for _ in range(5):
            forged = tamper_with_token(asking.assertion())
            assert post_form(asking.form(client_assertion=forged)).status_code == 401

        assert post_form(asking.form()).status_code == 200

    def test_of_one_client_are_not_those_of_another(self, asking, widget):
        clients.create_service_client(
            client_id="gadget",
            feature=widget.feature,
            purposes=widget.purposes,
            jwks=widget.jwks,
            at=AT,
        )
        for _ in range(2):
            post_form(asking.form())

        assert post_form(asking.form()).status_code == 429
        assert post_form(replace(asking, client_id="gadget").form()).status_code == 200

    def test_are_multiplied_by_the_setting(self, asking, settings):
        settings.RATE_LIMIT_SCALE = 2

        answers = [post_form(asking.form()).status_code for _ in range(5)]

        assert answers == [200] * 4 + [429]
