"""The registry of features is the one source: what else says something says what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from itertools import product

import pytest
from django.test import Client
from django.urls import reverse

from integrations.access import scopes
from integrations.mail.sending import proposals
from integrations.mail.sync_controls import HORIZONS
from integrations.models import Integration
from integrations.models.calendar import DAYS_AHEAD, DAYS_BACK
from integrations.outbox import command_outcomes
from integrations.providers import PROVIDERS
from integrations.review.evidence import claim_register
from integrations.settings import mailbox_details
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_evaluation import TABLE
from limited_use.policy.policy_vocabulary import Recipient, Use
from limited_use.policy.stored_data import STORED_DATA, describe_stored_data

EACH = [pytest.param(one, id=one.key) for one in FEATURES.values()]
KEEPING = [one for one in FEATURES.values() if one.retention_days is not None]
# Whom a feature of the service itself shows something to, or asks to send it; then the same of a
# feature of the platform.
OURS = frozenset(
    {
        Recipient.OWNER,
        Recipient.OWN_PROVIDER,
        Recipient.OTHER_OWN_ACCOUNT,
        Recipient.REGISTERED_USER,
        Recipient.SUPPORT_AGENT,
    }
)
THEIRS = frozenset({Recipient.PLATFORM_FEATURE})


class TestWhatAFeatureDeclares:
    @pytest.mark.clause("LU-1", "W-LU1")
    @pytest.mark.parametrize("feature", EACH)
    def test_is_permitted_to_somebody_each_purpose_with_each_kind_of_data(self, feature):
        # One that can never be permitted is declared for nothing, and would be disclosed wrongly.
        recipients = THEIRS if feature.platform_client else OURS
        for purpose, data_class in product(feature.purposes, feature.data_classes):
            assert any(TABLE[Use(data_class, purpose, one)].options for one in recipients)

    @pytest.mark.clause("SCOPE-MIN")
    def test_is_asked_of_a_provider_by_what_it_needs_and_nothing_else_is(self):
        needed = {one for feature in FEATURES.values() for one in feature.capabilities}

        for provider in PROVIDERS.values():
            # A scope for what nothing here does yet would be asked for nothing.
            assert set(provider.capabilities) <= needed
        assert needed <= {one for each in PROVIDERS.values() for one in each.capabilities}

    @pytest.mark.clause("AN-21", "MS-COPY")
    @pytest.mark.parametrize("feature", KEEPING, ids=lambda one: one.key)
    def test_is_kept_for_as_long_as_a_person_can_choose(self, feature):
        assert feature.retention_days in HORIZONS
        assert str(feature.retention_days) in dict(mailbox_details.HORIZONS)


class TestWhatAFeatureStores:
    def test_is_said_of_each_feature(self):
        assert STORED_DATA.keys() == FEATURES.keys()

    def test_names_the_times_that_are_enforced(self):
        sent, drafts = command_outcomes.LISTED_FOR, proposals.LIFETIME

        assert f"the time of sending for {sent.days} days" in STORED_DATA["mail-sending"]
        assert f"at most {drafts.days} days" in STORED_DATA["reply-assistant"]

    @pytest.mark.django_db
    def test_is_shown_before_consent_in_the_settings_and_to_everybody(self, browser_of, alice):
        browser = browser_of(alice).client
        connect_pages = {
            name: browser.get("/settings/connect/google/", {"product": name})
            for name in ("mail", "calendar", "drive")
        }
        access, data_use = browser.get("/settings/access/"), Client().get(reverse("data-use"))

        assert read_stored(data_use) == [describe_stored_data(one) for one in FEATURES.values()]
        # The page sorts the features by their state.
        assert sorted(read_stored(access)) == sorted(
            describe_stored_data(feature) for feature in FEATURES.values() if feature.purposes
        )
        for name, page in connect_pages.items():
            features = scopes.features_for(name)
            assert read_stored(page) == [describe_stored_data(feature) for feature in features]


def read_stored(page) -> list[str]:
    """Return what a page names as stored, without markup."""
    return re.findall(r"<dt>Stored</dt><dd>([^<]*)</dd>", unescape(page.text))


class TestHowLongCalendarsAreKept:
    @pytest.mark.claim("calendars.copy")
    @pytest.mark.claim("feature.calendar")
    @pytest.mark.clause("AN-5")
    def test_is_what_is_said_of_them(self):
        words = f"{DAYS_BACK} days back to {DAYS_AHEAD} days ahead"

        assert words in " ".join(FEATURES["calendar"].disclosure.split())
        [page] = [
            claim for claim in claim_register.collect_claims() if claim.id == "calendars.copy"
        ]
        assert words in page.sentence


class TestHowLongMailIsKept:
    @pytest.mark.parametrize(("days", "kept"), [([], None), ([None], None), ([30, None, 90], 90)])
    def test_is_as_long_as_one_of_its_features_needs_it(self, days, kept):
        features = [replace(FEATURES["inbox"], retention_days=one) for one in days]

        assert scopes.get_retention_days(features) == kept

    @pytest.mark.claim("stored.mail")
    @pytest.mark.django_db
    @pytest.mark.clause("AN-21", "GWDP-notice")
    @pytest.mark.parametrize("days", HORIZONS)
    def test_is_what_was_said_when_it_was_connected(self, browser_of, alice, monkeypatch, days):
        inbox = replace(FEATURES["inbox"], retention_days=days)
        monkeypatch.setitem(FEATURES, "inbox", inbox)
        browser = browser_of(alice)

        said = browser.client.get(reverse("settings-connect", args=["google"])).text
        browser.connect()

        assert f"the last {days} days" in said
        assert Integration.objects.get().horizon_days == days

    @pytest.mark.claim("data-use.horizon", "stored.mail")
    @pytest.mark.django_db
    @pytest.mark.clause("WDISC", "AN-21")
    def test_is_what_the_page_on_data_use_says(self, monkeypatch):
        monkeypatch.setitem(FEATURES, "inbox", replace(FEATURES["inbox"], retention_days=30))

        page = Client().get(reverse("data-use")).text

        assert "Antares stores the mail of the last 30 days" in page
        assert "a copy of the mail of the last 30 days, unless you choose another period" in page
        assert "90 days" not in page


@pytest.mark.django_db
class TestWhatIsSaidBeforeConsent:
    @pytest.mark.clause("GWDP-notice", "SCOPE-CTX")
    def test_is_each_features_own_disclosure_and_the_scopes_with_their_reasons(
        self, browser_of, alice
    ):
        page = unescape(browser_of(alice).client.get("/settings/connect/google/").text)

        for feature in scopes.features_for("mail"):
            assert feature.disclosure in page
            assert feature.where in page
            assert f'value="{feature.key}:{feature.version}"' in page
        for scope in scopes.get_product_scopes(PROVIDERS["google"], "mail"):
            assert f'<code class="scope">{scope}</code>' in page
