"""The guides for developers, and the page of the API reference."""

from __future__ import annotations

import re
from html import unescape
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import pytest
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.conf import settings
from django.utils import timezone

from accounts import route_limits
from accounts.models import ServiceClient
from integrations import connections
from integrations.calendar import free_busy_query
from integrations.models import PurgeTrigger
from integrations.urls.api import openapi
from integrations.urls.api.guides import GUIDES
from integrations.urls.api.openapi_iteration import iterate_operations
from integrations.urls.api.operation_access import ACCESS, TOKEN_PURPOSES
from integrations.web import problem_catalogue
from integrations.web.slow_routes import COSTLY_ROUTES, DOWNLOAD, UPLOAD, find_rates
from limited_use.policy.policy_evaluation import TABLE, decide_data_use
from limited_use.policy.policy_vocabulary import Use
from tests.api import cast, schema

pytestmark = pytest.mark.django_db
V1 = "/v1/users/me"
RANGE = "?start=2026-05-04T00:00:00Z&end=2026-05-05T00:00:00Z&timezone=UTC"
SLUGS = [guide.slug for guide in GUIDES]


def read_guide(client, slug):
    answer = client.get(f"/api/guides/{slug}/")
    assert answer.status_code == 200
    return answer.content.decode()


class TestGuides:
    def test_are_listed_and_lead_to_each_other(self, client):
        contents = client.get("/api/guides/").content.decode()

        for guide in GUIDES:
            assert f'href="/api/guides/{guide.slug}/"' in contents
            html = read_guide(client, guide.slug)
            assert f"<h1>{guide.title}</h1>" in html
            others = {slug for slug in SLUGS if f'href="/api/guides/{slug}/"' in html}
            assert others == set(SLUGS) - {guide.slug}
            assert 'href="/api/"' in html

    def test_are_in_the_footer_of_public_pages(self, client):
        assert 'href="/api/guides/"' in client.get("/data-use/").content.decode()

    @pytest.mark.parametrize("slug", ["quick", "PAGING", "..", "_layout", "list"])
    def test_that_do_not_exist_are_not_found(self, client, slug):
        assert client.get(f"/api/guides/{slug}/").status_code == 404

    @pytest.mark.parametrize("slug", SLUGS)
    def test_lead_only_to_pages_that_exist(self, client, slug):
        links = {
            link
            for link in re.findall(r'href="(/[^"#]*)"', read_guide(client, slug))
            if not link.startswith(settings.STATIC_URL)
        }

        assert links
        assert [link for link in links if client.get(link).status_code == 404] == []

    @pytest.mark.parametrize("slug", SLUGS)
    def test_have_a_button_for_each_text_to_copy(self, client, slug):
        html = read_guide(client, slug)
        texts = set(re.findall(r'<code id="([^"]+)"', html))

        assert texts == set(re.findall(r'data-copy="([^"]+)"', html))
        assert texts or slug in {"stability", "tokens"}

    def test_explain_every_problem(self, client):
        html = read_guide(client, "errors")

        for code in problem_catalogue.EXPLAINED:
            assert f'href="/problems/{code}/"' in html

    def test_name_every_purpose_and_operation(self, client):
        html = read_guide(client, "purposes")

        for purpose in TOKEN_PURPOSES:
            assert f"<code>{purpose}</code></h3>" in html
        for operation_id in ACCESS:
            assert f'<code class="small">{operation_id}</code>' in html
        assert "never-market" in html

    def test_list_each_missing_fact_of_a_refusal(self, client, widget):
        html = read_guide(client, "purposes")

        for use, cell in TABLE.items():
            # Each set of facts from which one is left out.
            facts = frozenset().union(*(needs for needs, _ in cell.options))
            for held in (frozenset(), *(facts - {fact} for fact in facts)):
                missing = decide_data_use(Use(*use), held).missing
                if use[1] in TOKEN_PURPOSES:
                    assert [one for one in missing if f"<code>{one}</code>" not in html] == [], use
        refusal = schema.problem(widget.get(f"{V1}/events{RANGE}"), 403, "limited-use-refused")
        assert all(f"<code>{fact}</code>" in html for fact in refusal["missing"])

    @pytest.mark.parametrize("scale", [1, 7])
    def test_name_each_rate_of_a_response(self, client, settings, scale):
        settings.RATE_LIMIT_SCALE = scale
        html = unescape(read_guide(client, "limits"))
        rates = {*list_caller_rates(), *list_rates_of_views()}

        assert {DOWNLOAD, UPLOAD, route_limits.ORGANISATION, free_busy_query.RATE} <= rates
        periods = {60: "a minute", 3600: "an hour", 24 * 3600: "a day"}
        for rate in rates:
            row = html.partition(f"<dt><code>{rate.name}</code></dt>")[2].partition("</dd>")[0]
            period = periods[rate.seconds]
            limit = rate.limit if rate in list_rates_of_views() else rate.limit * scale
            assert f" {limit} requests {period}" in " ".join(row.split()), rate.name
        assert "<code>people</code>" in html

    @pytest.mark.parametrize("scale", [1, 7])
    def test_show_the_limits_that_a_client_gets(self, client, widget, settings, scale):
        settings.RATE_LIMIT_SCALE = scale
        sample = unescape(read_guide(client, "limits").partition('<code id="headers">')[2])
        answer = widget.get(f"{V1}/messages")

        assert f"RateLimit-Policy: {answer['RateLimit-Policy']}" in sample

    def test_list_each_operation_with_pages(self, client):
        html = read_guide(client, "paging")

        for operation in iterate_operations(orjson.loads(openapi.read_document())):
            is_paged = any(one["name"] == "cursor" for one in operation["parameters"])
            assert (f'<code class="small">{operation["operationId"]}</code>' in html) is is_paged

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"scope": "purpose:calendar.schedule"}, "invalid_scope"),
            ({"scope": ""}, "invalid_scope"),
            ({"code_challenge": ""}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({}, "access_denied"),
        ],
    )
    def test_list_each_error_of_a_redirect(self, client, hers, changed, error):
        cast.widget()
        ServiceClient.objects.update(redirect_uris=["http://127.0.0.1:8201/callback"])
        # Without `state`, which is optional.
        parameters = {
            "response_type": "code",
            "client_id": "inbox-widget",
            "redirect_uri": "http://127.0.0.1:8201/callback",
            "scope": "purpose:inbox.display",
            "code_challenge": "a" * 43,
            "code_challenge_method": "S256",
            **changed,
        }
        answer = hers.post(f"/oauth/authorize?{urlencode(parameters)}", {"decision": "deny"})
        redirect = dict(parse_qsl(urlsplit(answer["Location"]).query))

        assert redirect["error"] == error
        assert redirect["error_description"]
        assert redirect["iss"]
        _, _, listed = read_guide(client, "tokens").partition("<code>access_denied</code></dt>")
        assert (
            error == "access_denied"
            or f"<dt><code>{error}</code></dt>" in (listed.partition("<h2>")[0])
        )

    def test_are_right_about_lists_after_a_disconnect(self, alice, widget):
        connections.disconnect_integration(
            integration_id=alice.integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
            trigger=PurgeTrigger.OWNER,
        )

        for name in ("messages", "connections"):
            body = schema.check_answer(widget.get(f"{V1}/{name}"))
            assert (body["data"], body["next_cursor"], body["has_more"]) == ([], None, False)

    def test_are_right_about_ids(self, hers, mine):
        listed = hers.get(f"{V1}/messages/{mine.message}")

        assert "request_id" not in listed.json()
        assert listed["X-Request-ID"]
        upper = hers.get(f"{V1}/messages/{mine.message.upper()}")
        schema.problem(upper, 404, "not-found")
        schema.problem(hers.get("/v1/users/ME/messages"), 404, "not-found")

    def test_are_right_about_details_of_bad_requests(self, hers):
        unknown = schema.problem(hers.get(f"{V1}/messages?x=1"), 400, "bad-request")
        unreadable = schema.problem(
            hers.post(f"{V1}/free-busy", "{", content_type="application/json"), 400, "bad-request"
        )

        assert unknown["errors"]
        assert "Without" not in unknown["detail"]
        assert "errors" not in unreadable
        assert "not valid JSON" in unreadable["detail"]


def list_caller_rates():
    """Return the rates that an API request counts towards by who sends it, and to which route."""
    costs = {rate for name in COSTLY_ROUTES for rate in find_rates(name)}
    methods = ("GET", "POST")
    return costs | {
        route_limits.ANONYMOUS,
        route_limits.BAD_TOKEN,
        route_limits.CLIENT,
        route_limits.USER,
        route_limits.ORGANISATION,
        *map(route_limits.get_method_rate, methods),
        *map(route_limits.get_delegation_rate, methods),
    }


def list_rates_of_views():
    """Return the rates that views of the API count for themselves (`count_request`)."""
    rates = set()
    for path in (Path(settings.BASE_DIR) / "integrations").glob("*/api/*.py"):
        if calls := re.findall(r"self\.count_request\(request, ([\w.]+)\)", path.read_text()):
            name = ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts)
            rates |= {attrgetter(call)(import_module(name)) for call in calls}
    return rates


class TestReferencePage:
    def test_has_a_policy_of_its_own(self, client):
        policy = client.get("/api/").headers["Content-Security-Policy"]
        directives = {
            name: values for name, *values in (part.split() for part in policy.split(";") if part)
        }

        assert directives == {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF, UNSAFE_INLINE],
            "img-src": [SELF, "data:"],
            "connect-src": [SELF],
            "worker-src": ["blob:"],
            "form-action": [NONE],
            "base-uri": [NONE],
            "frame-ancestors": [NONE],
        }

    @pytest.mark.invariant(12)
    @pytest.mark.parametrize("path", ["/api/plain/", "/api/guides/", "/api/guides/errors/"])
    def test_is_the_only_page_with_inline_styles(self, client, path):
        policy = client.get(path).headers["Content-Security-Policy"]

        assert UNSAFE_INLINE not in policy
        assert "worker-src" not in policy

    def test_is_the_same_for_everyone(self, client, alice):
        signed_in = cast.browser(alice.user).get("/api/")

        assert signed_in.content == client.get("/api/").content
        assert "Set-Cookie" not in signed_in.headers
        assert alice.user.name.encode() not in signed_in.content

    def test_loads_scripts_and_the_document_of_this_site_only(self, client):
        html = client.get("/api/").content.decode()

        sources = re.findall(r'(?:src|href|data-document)="([^"]+)"', html)
        assert "/openapi.json" in sources
        assert any(source.endswith("redoc/redoc.standalone.js") for source in sources)
        assert [source for source in sources if not source.startswith("/")] == []
        assert settings.STATIC_URL.startswith("/")

    def test_leads_to_the_plain_version_without_javascript(self, client):
        html = client.get("/api/").content.decode()

        assert (
            '<a href="/api/plain/">' in html.partition("<noscript>")[2].partition("</noscript>")[0]
        )
