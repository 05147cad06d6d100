"""Words that change are asked for again, in our own pages; and nobody is sent anywhere unasked."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations import connections
from integrations.access import permits
from integrations.models import ConnectAttempt, Connection, IntegrationStatus, StatusReason
from limited_use.agreements.consents import DeclarationOutdated
from limited_use.guard.guard import AccessRefused
from limited_use.policy.feature_registry import FEATURES
from tests import routes
from tests.broker import record_messages
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[3]
PAGES = ("/inbox/", "/settings/integrations/", "/settings/connect/google/", "/data-use/")


@pytest.fixture
def reworded(monkeypatch):
    """The inbox, doing something more from now on: its declaration is another version."""
    inbox = FEATURES["inbox"]
    says = "Shows your mail, and tells you of new mail."
    feature = replace(inbox, version=inbox.version + 1, says=says)
    monkeypatch.setitem(FEATURES, "inbox", feature)
    record_messages(monkeypatch)
    return feature


def agree(house, version):
    connections.renew_consent(
        feature="inbox",
        version=version,
        user_id=house.user.id,
        organisation_id=house.organisation.id,
        at=timezone.now(),
    )


@pytest.mark.clause("GUDP-change", "LU-2.1")
class TestAFeatureThatChanged:
    @pytest.mark.claim("feature.needs-agreement", "integrations.agree-again")
    def test_shows_nothing_until_it_is_agreed_to_again(self, her_browser, reworded):
        assert her_browser.get("/inbox/").status_code == 403

        # The settings say so, and show the words as they are now.
        asked = her_browser.get(reverse("settings-access")).text
        form = her_browser.get(reverse("settings-feature", args=["inbox"])).text
        assert "The description has changed" in asked
        assert reworded.says in form

        # Not agreed, or agreed to other words: nothing changes.
        for said in ({}, {"agree": "yes"}, {"agree": "yes", "version": str(reworded.version - 1)}):
            her_browser.post(reverse("settings-feature", args=["inbox"]), said)
            assert her_browser.get("/inbox/").status_code == 403

        said = {"agree": "yes", "version": str(reworded.version)}
        her_browser.post(reverse("settings-feature", args=["inbox"]), said)

        assert her_browser.get("/inbox/").status_code == 200

    def test_says_on_the_page_what_is_missing_and_by_which_clauses(self, her_browser, reworded):
        page = her_browser.get("/inbox/").text

        assert "owner-reads-own-inbox" in page
        assert "LU-1, W-LU1, AN-10" in page
        assert "Antares needs your agreement again" in page
        assert "has not agreed to the current text in Settings" in page
        assert "Read and agree again" in page

    @pytest.mark.claim("integrations.agree-again")
    def test_brings_nothing_in_meanwhile(self, alice, reworded):
        with pytest.raises(AccessRefused) as refused:
            permits.to_sync(integration_id=alice.integration.id, at=timezone.now())

        assert refused.value.missing == ["consent_current"]
        agree(alice, reworded.version)
        assert permits.to_sync(integration_id=alice.integration.id, at=timezone.now())
        assert permits.to_store(integration_id=alice.integration.id, at=timezone.now())

    def test_pauses_the_mailbox_on_its_card_and_in_its_details(self, alice, her_browser, reworded):
        settings = her_browser.get(reverse("settings-integrations")).text
        (card,) = reading.cards(settings)
        details = her_browser.get(reverse("settings-details", args=[alice.integration.id])).text

        for page in (card, details):
            assert "Paused until you agree to the changed description." in reading.text(page)
            assert reverse("settings-feature", args=["inbox"]) in reading.links(page)
        assert "Up to date" not in card
        assert "Sync now" not in card
        assert "Next check" not in details

    def test_does_not_say_that_it_checks_for_mail_meanwhile(self, alice, her_browser, reworded):
        address = reverse("settings-sync-now", args=[alice.integration.id])

        refused = her_browser.post(address, follow=True).text
        agree(alice, reworded.version)
        checking = her_browser.post(address, follow=True).text

        assert "Checking for new mail now." not in refused
        assert "Checking for new mail now." in checking

    def test_is_not_agreed_to_in_words_that_are_no_longer_there(self, alice, reworded):
        with pytest.raises(connections.NoEarlierConsent):
            connections.renew_consent(
                feature="export",
                version=1,
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )
        with pytest.raises(DeclarationOutdated):
            agree(alice, reworded.version - 1)


@pytest.mark.clause("SCOPE-REASK")
class TestTheConsentPageOfAProvider:
    def test_is_led_to_by_one_form_and_by_no_page(self):
        leading = {
            (route, method)
            for route, kind in routes.ROUTES.items()
            for answers in (kind.nobody, kind.owner, kind.other, *kind.roles.values())
            for method, answer in zip(
                ("get", "post", "put", "options"), answers.split(), strict=True
            )
            if "provider" in answer
        }

        assert leading == {("connect-begin", "post")}

    def test_has_its_address_made_in_one_place(self):
        found = [
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "integrations").rglob("*.py")
            if "sandbox" not in path.relative_to(ROOT).parts
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("authorize_url")
        ]

        assert found == ["integrations/connections/authorize.py"]

    @pytest.mark.parametrize("path", PAGES)
    def test_is_not_where_a_page_leads_that_misses_a_permission(self, alice, her_browser, path):
        # The permission to read mail is gone; every page says so, and waits for a click.
        Connection.objects.filter(id=alice.connection.id).update(granted_scopes=["openid"])
        alice.integration.status = IntegrationStatus.REAUTH_REQUIRED
        alice.integration.status_reason = StatusReason.SCOPE_MISSING
        alice.integration.save()
        before = ConnectAttempt.objects.count()

        answer = her_browser.get(path)

        assert answer.status_code == 200
        assert "Location" not in answer.headers
        assert 'http-equiv="refresh"' not in answer.text
        assert ConnectAttempt.objects.count() == before
