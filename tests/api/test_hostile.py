"""Hostile mail on every page and in every answer: shown as text, or not at all."""

from __future__ import annotations

from html.parser import HTMLParser

import orjson
import pytest
from django.conf import settings as django_settings

from tests.api import cast, schema

V1 = "/v1/users/me"
TAGS = frozenset(
    {"script", "iframe", "object", "embed", "form", "input", "base", "meta", "link", "svg"}
)


class Elements(HTMLParser):
    """Every tag of a page with its attributes, as a browser's tokenizer has them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)


def policy(answer) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split(";")
    return dict(part.strip().partition(" ")[::2] for part in parts)


def at_provider(house, tail: str = "") -> str:
    place = cast.make_remote_attachment_ref(house)
    return f"/inbox/elsewhere/{place.integration_id}/{place.row}/{place.seal}/{tail}"


def list_page_paths(mine) -> dict[str, str]:
    return {
        "list": "/inbox/",
        "all": "/inbox/?folder=all",
        "thread": f"/inbox/threads/{mine.thread}/",
        "settings": "/settings/integrations/",
        "disconnect": f"/settings/integrations/{mine.integration}/disconnect/",
        "details": f"/settings/integrations/{mine.integration}/details/",
    }


@pytest.mark.control("5.1.7")
@pytest.mark.scenario("H1")
class TestHostilePageRequest:
    @pytest.mark.parametrize("name", ["list", "all", "thread", "settings", "disconnect", "details"])
    def test_shows_hostile_mail_as_text(self, alice, mine, name):
        answer = cast.browser(alice.user, recent=True).get(list_page_paths(mine)[name])

        assert answer.status_code == 200
        for markup in cast.MARKUP:
            assert markup not in answer.content
        for tag, attributes in Elements(answer.content.decode()).found:
            assert not [one for one in attributes if one.startswith("on")], (tag, attributes)
            assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
            for one in ("src", "href", "action", "data", "srcset"):
                assert "evil.example" not in (attributes.get(one) or "")
                assert not (attributes.get(one) or "").lower().startswith("javascript:")

    def test_shows_what_is_found_at_the_provider_as_text(self, alice, hers):
        found = hers.post("/inbox/search/", {"words": cast.MARKER})
        message = hers.get(at_provider(alice))

        for answer in (found, message):
            assert cast.MARKER in answer.text
            for markup in cast.MARKUP:
                assert markup not in answer.content
            for tag, attributes in Elements(answer.text).found:
                assert not [one for one in attributes if one.startswith("on")], (tag, attributes)
                assert tag != "script" or (attributes.get("src") or "").startswith("/static/")

    @pytest.mark.control("5.1.4")
    @pytest.mark.parametrize("name", ["list", "thread"])
    def test_evaluates_no_template_of_the_sender(self, hers, mine, name):
        page = hers.get(list_page_paths(mine)[name]).content.decode()

        assert cast.MARKER in page
        assert "{{7*7}}" in page
        assert "49" not in page.partition(cast.MARKER)[2].partition("</")[0]
        assert "{% now" in page
        assert django_settings.SECRET_KEY not in page
        assert name != "thread" or "{{settings.SECRET_KEY}}" in page

    @pytest.mark.invariant(12)
    @pytest.mark.parametrize("name", ["list", "thread", "settings"])
    def test_loads_nothing_from_elsewhere_and_is_not_kept(self, hers, mine, name):
        answer = hers.get(list_page_paths(mine)[name])

        says = policy(answer)
        assert says["default-src"] == "'none'"
        assert says["script-src"] == "'self'"
        assert says["frame-ancestors"] == "'none'"
        assert says["base-uri"] == "'none'"
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.scenario("H1", "H2", "H3")
@pytest.mark.control("5.1.7", "5.1.5")
@pytest.mark.invariant(12)
class TestABodyOpenedDirectly:
    @pytest.fixture(params=["kept here", "at the provider"])
    def answer(self, request, hers, mine, alice):
        here = f"/inbox/messages/{mine.message}/body/"
        answer = hers.get(here if request.param == "kept here" else at_provider(alice, "body/"))
        assert answer.status_code == 200
        return answer

    def test_is_sandboxed_by_its_own_response(self, answer):
        says = policy(answer)

        assert says["default-src"] == "'none'"
        assert says["img-src"] == "data:"
        assert says["style-src"] == "'unsafe-inline'"
        assert says["form-action"] == "'none'"
        assert says["frame-ancestors"] == "'self'"
        # Nothing of the pages' policy is left: not even from our own origin does anything come.
        assert set(says) == {
            "sandbox", "default-src", "img-src", "style-src", "form-action", "base-uri",
            "frame-ancestors",
        }  # fmt: skip
        sandbox = set(says["sandbox"].split())
        assert not sandbox & {
            "allow-scripts",
            "allow-same-origin",
            "allow-forms",
            "allow-top-navigation",
        }

    def test_is_kept_by_nobody_and_named_to_nobody(self, answer):
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"

    def test_holds_no_active_or_remote_content(self, answer):
        harmless(answer.content.decode())

    def test_shows_the_text(self, answer):
        assert cast.MARKER in answer.content.decode()
        assert "{{7*7}}" in answer.content.decode()


@pytest.mark.scenario("H1", "H2", "H3")
@pytest.mark.control("5.1.7")
class TestTheApi:
    def test_gives_a_sanitised_body_only(self, hers, mine):
        body = schema.check_answer(hers.get(f"{V1}/messages/{mine.message}"))

        harmless(body["body"])
        assert cast.MARKER in body["body"]
        assert body["body_text"].strip() == cast.TEXT
        assert body["subject"] == cast.SUBJECT

    @pytest.mark.parametrize("who", ["hers", "widget"])
    def test_gives_text_as_json_that_no_browser_takes_for_a_page(self, request, who, mine):
        client = request.getfixturevalue(who)
        for where in ("messages", "threads", f"messages/{mine.message}", f"threads/{mine.thread}"):
            answer = client.get(f"{V1}/{where}")

            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert orjson.loads(answer.content)

    @pytest.mark.scenario("F3")
    @pytest.mark.control("5.1.10")
    def test_gives_a_file_name_without_a_path(self, hers, mine):
        [file] = schema.check_answer(hers.get(f"{V1}/messages/{mine.message}"))["attachments"]

        assert cast.MARKER in file["filename"]
        assert not set(file["filename"]) & set("/\\\0\r\n")
        assert not file["filename"].startswith(".")


@pytest.mark.scenario("F3")
@pytest.mark.control("5.2.1")
class TestAnAttachment:
    @pytest.mark.parametrize(
        "where",
        [
            "/inbox/messages/{message}/attachments/{attachment}/",
            V1 + "/messages/{message}/attachments/{attachment}",
            "at the provider",
        ],
    )
    def test_never_renders_at_our_origin(self, hers, mine, alice, where):
        is_here = where != "at the provider"
        answer = hers.get(where.format(**vars(mine)) if is_here else at_provider(alice, "file/"))

        assert answer.status_code == 200
        assert answer.getvalue().startswith(b"<script>")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "\r" not in answer.headers["Content-Disposition"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def harmless(page: str) -> None:
    """:raises AssertionError: if `page` does something, or loads something from elsewhere"""
    for markup in cast.MARKUP:
        assert markup.decode() not in page
    for tag, attributes in Elements(page).found:
        is_ours = tag == "meta" and set(attributes) <= {"charset", "name", "content"}
        assert is_ours or tag not in TAGS, tag
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert "evil.example" not in (value or ""), (tag, name)
            assert "position" not in (value or "") or name != "style", value
        if tag == "a" and attributes.get("href"):
            assert attributes["href"].startswith(("https://", "http://", "mailto:"))
            assert {"noopener", "noreferrer"} <= set((attributes.get("rel") or "").split())
        if tag == "img" and attributes.get("src"):
            assert attributes["src"].startswith("data:")
    assert "url(https://evil" not in page
