"""The guides for developers, and the page of the API reference."""

from __future__ import annotations

import re

import pytest
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.conf import settings

from integrations.urls.api.guides import GUIDES
from integrations.urls.api.operation_access import ACCESS, TOKEN_PURPOSES
from integrations.web import problem_catalogue
from tests.api import cast

pytestmark = pytest.mark.django_db
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
