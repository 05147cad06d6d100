"""What anyone may read: the disclosure, in the words that the policies ask for."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from integrations.urls.public_pages import messages
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from tests.accounts.cast import person, sign_in
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db
PUBLIC = (
    "home", "data-use", "privacy-notice", "disconnect-help", "contact", "cookies", "children",
    "session-replay", "accessibility", "keys", "api-reference", "account_login",
)  # fmt: skip
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
            if parts.scheme == "mailto":
                continue
            if parts.netloc:
                assert parts.scheme == "https", link
            elif parts.path and not parts.path.startswith("/ledger/"):
                # What needs a sign-in sends there. A ledger without entries has no checkpoint.
                assert browser.get(parts.path, follow=True).status_code == 200, link

    @pytest.mark.parametrize("name", PUBLIC)
    def test_link_the_privacy_notice_and_the_contact_page(self, name):
        links = reading.links(Client().get(reverse(name)).text)

        assert {reverse("privacy-notice"), reverse("contact")} <= set(links)

    @pytest.mark.parametrize("name", PUBLIC)
    def test_name_no_setting(self, name):
        """Names of settings are for operators."""
        assert not re.search(
            r"\b[A-Z]{3,}_[A-Z_]{3,}\b", reading.text(Client().get(reverse(name)).text)
        )


class TestPrivacyNotice:
    def test_is_on_this_site_in_the_demo(self, settings):
        settings.PRIVACY_NOTICE_URL = f"{settings.PUBLIC_URL}/privacy/"

        page = reading.text(Client().get("/privacy/").text)

        for heading in (
            "Limited Use",
            "How your data is protected",
            "How long your data is stored",
        ):
            assert heading in page
        for feature in FEATURES.values():
            assert not feature.purposes or feature.disclosure in page

    def test_leads_to_the_notice_of_the_platform(self, settings):
        settings.PRIVACY_NOTICE_URL = "https://antares.example/privacy"

        assert Client().get("/privacy/").url == "https://antares.example/privacy"


class TestContact:
    def test_names_the_support_address_of_the_settings(self, settings):
        settings.SUPPORT_EMAIL = "help@antares.example"

        assert "mailto:help@antares.example" in reading.links(Client().get("/contact/").text)


class TestCookies:
    @pytest.mark.claim("cookies.only-these")
    def test_lists_every_cookie_of_a_sign_in(self):
        browser = sign_in(person("alice"))
        browser.get("/accounts/profile/")

        listed = set(re.findall(r"<td[^>]*><code>([^<]+)</code>", browser.get("/cookies/").text))

        assert set(browser.cookies) == listed


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
        for data_class in feature.data_classes:
            assert str(messages.DATA[data_class]) in said
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

        assert "How your data is protected" in said
        assert "AES-256-GCM" in said
