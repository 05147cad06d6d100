from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.worlds.sandbox import CLIENT_ID, GMAIL_READONLY

pytestmark = pytest.mark.browser


class TestTheConsentPageOfTheSandbox:
    def test_is_used_by_people(self, sandbox, page):
        landing = f"{sandbox.url}/v1/userinfo"
        sandbox.register_client(redirect_uris=(landing,))
        sandbox.seed("alice@example.com")
        sandbox.seed("bob@example.com")
        query = {
            "client_id": CLIENT_ID,
            "redirect_uri": landing,
            "response_type": "code",
            "scope": f"openid email {GMAIL_READONLY}",
        }
        page.goto(f"{sandbox.url}/o/oauth2/v2/auth?{urlencode(query)}")

        page.get_by_label("bob@example.com").check()
        page.get_by_label("View your email messages and settings").uncheck()
        page.get_by_role("button", name="Allow").click()

        back = parse_qs(urlsplit(page.url).query)
        assert back["scope"] == ["openid https://www.googleapis.com/auth/userinfo.email"]
        assert back["code"][0].startswith("4/0A")
