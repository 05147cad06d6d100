"""What anyone may read: the disclosure, in the words that the policies ask for."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db
PUBLIC = ("home", "data-use", "keys", "api-reference", "account_login")
# Each variant that Google has published; ours has to be one of them, normalised.
DISCLOSURES = (
    "information received from google workspace apis will adhere to the google user data",
    "information received from google workspace scopes will adhere to the google user data",
    "information received from google apis will adhere to the google api services user data",
)
_ENDING = "policy including the limited use requirements"
POLICY = "https://developers.google.com/terms/api-services-user-data-policy"


@pytest.fixture
def data_use():
    return Client().get(reverse("data-use")).text


def _normalised(words):
    return " ".join(re.sub(r"[^a-z0-9 ]", " ", words.lower()).split())


class TestPublicPages:
    @pytest.mark.parametrize("name", PUBLIC)
    def test_answer_whoever_asks(self, name):
        assert Client().get(reverse(name)).status_code == 200

    @pytest.mark.parametrize("name", PUBLIC)
    def test_link_to_nothing_that_is_not_there(self, name):
        browser = Client()

        links = reading.links(browser.get(reverse(name)).text)
        assert any(link.startswith("/") for link in links)

        for link in links:
            parts = urlsplit(link)
            if parts.netloc:
                assert parts.scheme == "https", link
            elif parts.path and not parts.path.startswith("/ledger/"):
                # What needs a sign-in sends there. A ledger without entries has no checkpoint.
                assert browser.get(parts.path, follow=True).status_code == 200, link

    @pytest.mark.parametrize("name", ["home", "data-use"])
    def test_link_the_privacy_notice_where_there_is_one(self, name, settings):
        settings.PRIVACY_NOTICE_URL = ""
        without = reading.links(Client().get(reverse(name)).text)
        settings.PRIVACY_NOTICE_URL = "https://antares.example/privacy"
        having = reading.links(Client().get(reverse(name)).text)

        assert "" not in without
        assert "https://antares.example/privacy" in having


class TestDisclosure:
    @pytest.mark.clause("WDISC")
    def test_holds_the_limited_use_sentence_with_a_link_to_the_policy(self, data_use):
        said = _normalised(reading.text(data_use))

        assert any(f"use of {sentence} {_ENDING}" in said for sentence in DISCLOSURES)
        assert POLICY in reading.links(data_use)

    @pytest.mark.clause("WLU-4.4")
    def test_promises_to_train_no_general_model(self, data_use):
        said = _normalised(reading.text(data_use))

        assert re.search(
            r"does not retain user data obtained through workspace apis .*to develop improve or"
            r" train generalised or non personalised ai or ml models",
            said,
        )

    @pytest.mark.parametrize("key", FEATURES)
    def test_says_of_each_feature_what_where_and_for_how_long(self, data_use, key):
        feature = FEATURES[key]
        said = reading.text(data_use)

        assert feature.title in said
        assert feature.where in said
        assert feature.says in said
        assert all(purpose in said for purpose in feature.purposes)
        assert all(data_class in said for data_class in feature.data_classes)
        if feature.retention_days:
            assert f"{feature.retention_days} days" in said

    def test_says_each_thing_that_is_never_done(self, data_use):
        said = reading.text(data_use)

        assert [
            rule.id for rule in policy_evaluation.RULES if not rule.allow and rule.says not in said
        ] == []

    @pytest.mark.clause("WDEL")
    def test_says_how_to_disconnect_and_delete(self, data_use):
        said = reading.text(data_use)

        assert "How to disconnect and delete" in said
        assert reverse("settings-integrations") in reading.links(data_use)

    @pytest.mark.clause("MS-REVLINK")
    def test_links_the_providers_own_pages_for_removing_access(self, data_use):
        hosts = {urlsplit(link).netloc for link in reading.links(data_use)}

        assert {"myaccount.google.com", "account.live.com", "myapps.microsoft.com"} <= hosts

    def test_says_how_it_is_protected(self, data_use):
        said = reading.text(data_use)

        assert "How it is protected" in said
        assert "AES-256-GCM" in said
