"""
The scopes of every product and provider: asked for, disclosed, and explained in the evidence.

`ASKED` is typed in, and compared with the address of every consent page. The evidence file, the
data-use page, the pages before consent and config/providers.md are compared with those addresses.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from integrations.access import scopes
from integrations.connections.requested_permissions import list_all_permissions
from integrations.providers import PROVIDERS
from integrations.review import evidence, scope_table
from integrations.review.evidence import method_scopes, narrower_scopes, scope_report
from integrations.review.messages import labels
from tests.api import cast
from tests.integrations.providers.test_google import discovery_methods
from tests.review.conftest import as_worker

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.clause("SCOPE-MIN", "SCOPE-MATCH"),
    pytest.mark.invariant(11),
]

DOCUMENT = Path(__file__).parents[2] / "config" / "providers.md"
GOOGLE = "https://www.googleapis.com/auth/"
SIGN_IN = {"openid", "profile", "email", "offline_access"}
ASKED = {
    ("google", "mail"): {"openid", "email", f"{GOOGLE}gmail.readonly"},
    ("google", "calendar"): {
        "openid",
        "email",
        f"{GOOGLE}calendar.calendarlist.readonly",
        f"{GOOGLE}calendar.events.readonly",
        f"{GOOGLE}calendar.events",
    },
    ("google", "drive"): {"openid", "email", f"{GOOGLE}drive.file"},
    ("microsoft", "mail"): SIGN_IN | {"Mail.Read", "MailboxSettings.Read"},
    ("microsoft", "calendar"): SIGN_IN
    | {"Calendars.Read", "Calendars.ReadWrite", "MailboxSettings.Read"},
}
# When a person first answers a mail: not on connecting.
ASKED_IN_CONTEXT = {
    ("google", "mail"): {f"{GOOGLE}gmail.compose"},
    ("microsoft", "mail"): {"Mail.ReadWrite", "Mail.Send"},
}
EACH = pytest.mark.parametrize(("provider", "product"), ASKED, ids=["-".join(one) for one in ASKED])
# The cells of a row of the data-use page, and of the tables before consent.
CELL = r'<td data-label="{}">(?:<code[^>]*>)?([^<]*)(?:</code>)?</td>'
PAGE_ROW = re.compile("".join(map(CELL.format, ("Reason", "Product", "Permission"))))
PAGE_TABLE = re.compile(r"<summary>(\w+)</summary>(.*?)</details>", re.DOTALL)
CONSENT_ROW = re.compile("".join(map(CELL.format, ("What for", r"Name at \w+"))))


@pytest.fixture(autouse=True)
def _registered(settings):
    settings.MICROSOFT = replace(
        settings.MICROSOFT, client_id="a-registration-of-ours", client_secret="a-secret-of-ours"
    )


@pytest.fixture
def browser(alice):
    return cast.browser(alice.user)


@pytest.fixture
def rows(used):
    """Return the table of the evidence file, as a worker writes it."""
    with as_worker():
        made = evidence.make_bundle(at=timezone.now())
    return json.loads(made)["sections"]["scopes"]["content"]["scopes"]


def asked_on_consent_page(browser, provider: str, product: str) -> set[str]:
    """Press "Continue"; return the scopes in the address of the provider's consent page."""
    features = scopes.features_for(product)
    versions = [f"{feature.key}:{feature.version}" for feature in features]
    answer = browser.post(
        f"/settings/integrations/connect/{provider}/begin",
        {"agree": "yes", "product": product, "version": versions},
    )
    assert answer.status_code == 303
    return set(parse_qs(urlsplit(answer["Location"]).query)["scope"][0].split())


def label_of(provider: str) -> str:
    return PROVIDERS[provider].label


def asked_by_row() -> dict[tuple[str, str], list[str]]:
    """Return, by provider and scope, the products that ask for it."""
    found: dict[tuple[str, str], list[str]] = {}
    for (provider, product), asked in sorted(ASKED.items()):
        for scope in asked:
            found.setdefault((label_of(provider), scope), []).append(product)
    for (provider, product), asked in sorted(ASKED_IN_CONTEXT.items()):
        for scope in asked:
            found.setdefault((label_of(provider), scope), []).append(product)
    return found


class TestConsentPages:
    def test_are_known_for_every_product_of_every_provider(self):
        offered = {(key, one) for key, each in PROVIDERS.items() for one in each.products}

        assert offered == ASKED.keys()

    @EACH
    def test_ask_for_these_scopes_and_no_others(self, browser, provider, product):
        assert asked_on_consent_page(browser, provider, product) == ASKED[provider, product]


class TestEvidence:
    def test_has_a_row_for_each_scope_with_the_products_that_ask_for_it(self, rows):
        assert {(row["provider"], row["scope"]): row["products"] for row in rows} == asked_by_row()
        assert len(rows) == len(asked_by_row())

    def test_says_of_each_scope_why_it_is_asked_and_why_no_narrower_one(self, rows):
        for row in rows:
            assert row["says"], row["scope"]
            assert len(row["why_not_narrower"].split()) > 7, row["scope"]
            assert row["class"] != "unknown", row["scope"]
        classed = {(label, scope) for label, each in scope_report.CLASSES.items() for scope in each}
        assert {(row["provider"], row["scope"]) for row in rows} == classed

    def test_computes_what_each_narrower_scope_lacks(self, rows):
        [row] = [row for row in rows if row["scope"] == f"{GOOGLE}gmail.readonly"]

        lacking = {narrower["scope"]: narrower["lacks"] for narrower in row["narrower"]}
        assert lacking["gmail.metadata"] == [
            "gmail.users.messages.attachments.get",
            "gmail.users.settings.sendAs.list",
        ]
        assert "gmail.users.messages.get" in lacking["gmail.send"]
        assert "gmail.modify" not in lacking

    def test_names_features_and_methods_of_each_scope_that_reads_or_writes(self, rows):
        for row in rows:
            is_identity = row["scope"] in SIGN_IN
            assert bool(row["methods"]) is not is_identity, row["scope"]
            assert bool(row["features"]) is not is_identity, row["scope"]

    def test_lists_the_methods_of_all_capabilities(self, rows):
        for provider in PROVIDERS.values():
            listed = {
                method
                for row in rows
                if row["provider"] == provider.label
                for method in row["methods"]
            }
            assert listed == {
                method for each in provider.capabilities.values() for method in each.methods
            }

    def test_says_what_the_mailbox_settings_are_read_for(self, rows):
        [row] = [row for row in rows if row["scope"] == "MailboxSettings.Read"]

        assert row["methods"] == ["GET /me/mailboxSettings", "GET /me/outlook/masterCategories"]
        assert "categories" in row["says"]
        assert "time zone" in row["says"]
        assert {feature["key"] for feature in row["features"]} == {"inbox", "calendar"}

    def test_says_that_offline_access_brings_the_refresh_token(self, rows):
        [row] = [row for row in rows if row["scope"] == "offline_access"]

        assert "stay connected" in row["says"]
        assert "refresh token" in row["why_not_narrower"]
        assert row["narrower"] == []


class TestNarrowerScopes:
    """The table of methods and scopes, and what is computed from it."""

    def test_of_google_come_from_its_discovery_documents(self):
        documents = discovery_methods()

        for method, known in method_scopes.GOOGLE_METHODS.items():
            accepted = {scope.removeprefix(GOOGLE) for scope in documents[method]["scopes"]}
            assert set(known.scopes) == accepted, method
        for api, sizes in method_scopes.GOOGLE_SCOPE_SIZES.items():
            counted = Counter(
                scope.removeprefix(GOOGLE)
                for name, method in documents.items()
                if name.startswith(f"{api}.")
                for scope in method["scopes"]
            )
            assert sizes == counted

    def test_know_every_method_that_adapters_call_and_no_other(self):
        for provider in PROVIDERS.values():
            if provider.products:
                called = {
                    method for each in provider.capabilities.values() for method in each.methods
                }
                assert method_scopes.METHODS[provider.label].keys() == called

    def test_let_none_be_enough_that_is_narrower(self):
        compared = 0
        for permission in list_all_permissions():
            narrower = narrower_scopes.list_narrower_scopes(
                permission.provider, permission.scope, permission.methods
            )
            compared += len(narrower)
            assert [other.scope for other in narrower if other.is_enough] == []
        assert compared > 20

    def test_would_find_a_scope_that_is_too_broad(self):
        methods = {"gmail.users.labels.list", "gmail.users.getProfile"}

        narrower = narrower_scopes.list_narrower_scopes("Google", "gmail.modify", methods)

        assert "gmail.readonly" in [other.scope for other in narrower if other.is_enough]

    def test_of_microsoft_stand_in_the_order_of_its_pages(self):
        families = {family[0]: family for family in method_scopes.MICROSOFT_FAMILIES}
        for method, known in method_scopes.MICROSOFT_METHODS.items():
            for family in families.values():
                listed = [scope for scope in known.scopes if scope in family]
                assert listed == sorted(listed, key=family.index), method

    def test_without_a_narrower_one_say_so(self):
        methods = {"GET /me/mailboxSettings"}

        assert (
            narrower_scopes.list_narrower_scopes("Microsoft", "MailboxSettings.Read", methods) == ()
        )


class TestScopesForReviewers:
    def test_have_tier_feature_picture_and_narrower_scopes(self, rita):
        page = " ".join(unescape(re.sub(r"<[^>]+>", " ", rita.get("/review/scopes/").text)).split())

        for (provider, scope), products in asked_by_row().items():
            assert scope in page
            assert str(labels.SCOPE_CLASSES[scope_report.CLASSES[provider][scope]]) in page
            assert products
        assert "gmail.metadata shows headers and labels, but no text and no attachments" in page
        assert "gmail.users.messages.attachments.get" in page
        assert "Microsoft documents no narrower scope for these methods." in page

    def test_have_a_picture_of_every_feature_that_needs_a_scope(self, rita):
        page = rita.get("/review/scopes/").text

        for row in scope_table.list_scope_rows():
            for feature in row.features:
                assert feature.picture, feature.key
                assert f"/static/{feature.picture.path}" in page
        assert f"/static/antares/shots/{scope_table.IDENTITY_PICTURE}.webp" in page


class TestScopePages:
    @pytest.mark.clause("SCOPE-CTX", "WDISC")
    def test_on_data_use_have_the_rows_of_the_evidence(self, rows):
        page = Client().get("/data-use/").text

        listed = [
            (provider, unescape(scope), products, unescape(reason))
            for provider, table in PAGE_TABLE.findall(page)
            for reason, products, scope in PAGE_ROW.findall(table)
        ]
        assert listed == [
            (row["provider"], row["scope"], ", ".join(row["products"]), row["says"]) for row in rows
        ]
        assert page.count('data-label="Permission"') == len(listed)

    @EACH
    @pytest.mark.clause("SCOPE-CTX")
    def test_before_consent_have_the_scopes_of_the_product(self, browser, provider, product):
        query = urlencode({"product": product})

        page = browser.get(f"/settings/connect/{provider}/?{query}").text

        listed = [unescape(scope) for reason, scope in CONSENT_ROW.findall(page) if reason]
        assert sorted(listed) == sorted(ASKED[provider, product])

    @pytest.mark.parametrize("product", ["mail", "calendar"])
    def test_for_administrators_also_have_the_scopes_that_people_allow_later(
        self, browser, settings, product
    ):
        settings.MICROSOFT = replace(
            settings.MICROSOFT, admin_consent_url="https://entra.example/adminconsent"
        )
        query = urlencode({"product": product})

        page = browser.get(f"/settings/connect/microsoft/administrator/?{query}").text

        listed = [unescape(scope) for reason, scope in CONSENT_ROW.findall(page) if reason]
        later = ASKED_IN_CONTEXT.get(("microsoft", product), set())
        assert sorted(listed) == sorted(ASKED["microsoft", product] | later)

    def test_give_a_product_the_reasons_of_that_product_alone(self, browser):
        def reason(product: str) -> str:
            page = browser.get(f"/settings/connect/microsoft/?product={product}").text
            reasons = {scope: reason for reason, scope in CONSENT_ROW.findall(page)}
            return reasons["MailboxSettings.Read"]

        assert ("categories" in reason("mail"), "time zone" in reason("mail")) == (True, False)
        assert ("categories" in reason("calendar"), "time zone" in reason("calendar")) == (
            False,
            True,
        )


class TestProvidersDocument:
    @pytest.mark.parametrize(
        ("provider", "heading"),
        [("Google", "## Google accounts"), ("Microsoft", "## Microsoft 365")],
    )
    def test_lists_each_scope_with_its_products_and_its_class(self, provider, heading):
        text = DOCUMENT.read_text(encoding="utf-8").partition(f"{heading}\n")[2]
        [section, *_] = re.split(r"^#+ ", text, flags=re.MULTILINE)

        rows = re.findall(r"^ *\| `(.+)` \| (.+) \| (.+) \|$", section, flags=re.MULTILINE)
        assert sorted(rows) == sorted(
            (scope.removeprefix(GOOGLE), ", ".join(products), scope_report.CLASSES[provider][scope])
            for (label, scope), products in asked_by_row().items()
            if label == provider
        )
