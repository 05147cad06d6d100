"""Entra as the facts describe it: pages, codes, tokens, and every way in which they fail."""

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.worlds.microsoft import (
    ACCEPT,
    CANCEL,
    EVERYTHING,
    REQUEST,
    SIGN_IN,
    MicrosoftSandbox,
    Stayed,
)
from tests.worlds.sandbox import CLIENT_ID

ADA = "ada@contoso.example"
BOSS = "boss@contoso.example"
PAT = "pat@outlook.com"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
DAY = 86_400


@pytest.fixture
def microsoft(sandbox):
    found = MicrosoftSandbox(sandbox)
    found.register_client()
    found.seed(ADA, name="Ada Adams")
    found.seed(BOSS, admin=True)
    found.seed(PAT)
    return found


def claims_of(microsoft, token, path="common"):
    keys = httpx.get(f"{microsoft.url}/{path}/discovery/v2.0/keys").json()
    return jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"]).claims


class TestDiscovery:
    def test_has_a_placeholder_for_the_tenant_on_shared_paths(self, microsoft):
        tid = microsoft.look("microsoft/tenant", domain="contoso.example")["tid"]
        found = {
            path: httpx.get(f"{microsoft.url}/{path}/v2.0/.well-known/openid-configuration").json()
            for path in ("common", "organizations", "consumers", "contoso.example", tid)
        }

        assert found["common"]["issuer"] == f"{microsoft.url}/{{tenantid}}/v2.0"
        assert found["organizations"]["issuer"] == f"{microsoft.url}/{{tenantid}}/v2.0"
        assert found["consumers"]["issuer"] == f"{microsoft.url}/{PERSONAL}/v2.0"
        assert found["contoso.example"]["issuer"] == f"{microsoft.url}/{tid}/v2.0"
        assert found[tid]["token_endpoint"] == f"{microsoft.url}/{tid}/oauth2/v2.0/token"
        assert "revocation_endpoint" not in found["common"]

    def test_knows_no_other_tenants(self, microsoft):
        answer = httpx.get(f"{microsoft.url}/nowhere.example/discovery/v2.0/keys")

        assert answer.json()["error_codes"] == [90002]

    def test_says_whose_tokens_a_key_is_good_for(self, microsoft):
        first = httpx.get(f"{microsoft.url}/common/discovery/v2.0/keys").json()["keys"]
        microsoft.control("microsoft/keys/rotate")
        second = httpx.get(f"{microsoft.url}/consumers/discovery/v2.0/keys").json()["keys"]

        assert first[0]["issuer"] == f"{microsoft.url}/{{tenantid}}/v2.0"
        assert second[0]["issuer"] == f"{microsoft.url}/{PERSONAL}/v2.0"
        assert second[0]["kid"] != first[0]["kid"] == second[1]["kid"]


class TestEntraConsent:
    def test_gives_a_code_and_the_state_back(self, microsoft):
        back = microsoft.visit(microsoft.authorize_url(login_hint=ADA), ACCEPT)

        assert back["state"] == "some-state"
        assert back["code"].startswith("1.A")
        assert "session_state" in back

    def test_is_asked_once(self, microsoft):
        microsoft.authorize(ADA)

        assert "code" in microsoft.visit(microsoft.authorize_url(login_hint=ADA))
        with pytest.raises(Stayed, match="Permissions requested"):
            microsoft.visit(microsoft.authorize_url(login_hint=ADA, prompt="consent"))
        with pytest.raises(Stayed, match="Pick an account"):
            microsoft.visit(microsoft.authorize_url(login_hint=ADA, prompt="select_account"))

    def test_can_be_declined(self, microsoft):
        back = microsoft.visit(microsoft.authorize_url(login_hint=ADA), CANCEL)

        assert back["error"] == "access_denied"
        assert back["error_description"].startswith("AADSTS65004")
        assert back["state"] == "some-state"

    def test_without_a_page_needs_consent_of_before(self, microsoft):
        back = microsoft.visit(microsoft.authorize_url(login_hint=ADA, prompt="none"))
        nobody = microsoft.visit(microsoft.authorize_url(prompt="none"))

        assert back["error"] == "consent_required"
        assert nobody["error"] == "login_required"

    @pytest.mark.parametrize(
        ("changes", "number"),
        [
            ({"redirect_uri": "http://localhost:8000/connect/microsoft/Callback"}, 50011),
            ({"redirect_uri": "http://127.0.0.1:8000/connect/microsoft/callback"}, 50011),
            ({"client_id": "stranger"}, 700016),
            ({"login_hint": PAT}, 50020),
        ],
    )
    def test_shows_some_errors_to_the_person_only(self, microsoft, changes, number):
        with pytest.raises(Stayed, match=f"AADSTS{number}"):
            microsoft.visit(microsoft.authorize_url("organizations", **changes), ACCEPT)

    def test_takes_any_port_of_localhost(self, microsoft):
        address = "http://localhost:9999/connect/microsoft/callback"

        assert "code" in microsoft.visit(
            microsoft.authorize_url(redirect_uri=address, login_hint=ADA), ACCEPT
        )

    @pytest.mark.parametrize(
        ("changes", "number"),
        [
            ({"scope": "openid https://vault.azure.net/secrets"}, 700022),
            ({"scope": "openid Mail.Steal"}, 70011),
            ({"code_challenge_method": "plain"}, 9002313),
            ({"response_type": "token"}, 9002313),
        ],
    )
    def test_sends_others_back(self, microsoft, changes, number):
        back = microsoft.visit(microsoft.authorize_url(**changes))

        assert back["error_description"].startswith(f"AADSTS{number}")
        assert back["state"] == "some-state"

    def test_page_works_once(self, microsoft):
        page = httpx.get(microsoft.authorize_url(login_hint=ADA))

        first, second = (microsoft._press(page, ACCEPT, ADA) for _ in range(2))

        assert first.is_redirect
        assert second.status_code == 400

    def test_refuses_shared_paths_to_an_app_of_one_tenant(self, microsoft):
        microsoft.register_client(tenant="contoso.example")

        with pytest.raises(Stayed, match="AADSTS50194"):
            microsoft.visit(microsoft.authorize_url(login_hint=ADA), ACCEPT)
        assert "code" in microsoft.visit(
            microsoft.authorize_url("contoso.example", login_hint=ADA), ACCEPT
        )


class TestAdministrators:
    @pytest.fixture(autouse=True)
    def _policy(self, microsoft):
        microsoft.control("microsoft/tenants", domain="contoso.example", consent="admin")

    def test_must_approve_and_the_person_stays(self, microsoft):
        with pytest.raises(Stayed, match="AADSTS90094"):
            microsoft.visit(microsoft.authorize_url(login_hint=ADA), ACCEPT)

    def test_are_not_needed_for_what_is_harmless_or_private(self, microsoft):
        assert "code" in microsoft.visit(
            microsoft.authorize_url(login_hint=ADA, scope=f"{SIGN_IN} Mail.Send"), ACCEPT
        )
        assert "code" in microsoft.visit(microsoft.authorize_url(login_hint=PAT), ACCEPT)

    def test_can_be_asked_and_yet_it_reads_as_declined(self, microsoft):
        microsoft.control("microsoft/tenants", domain="contoso.example", workflow=True)

        back = microsoft.visit(microsoft.authorize_url(login_hint=ADA), ACCEPT, REQUEST)

        assert back["error"] == "access_denied"
        assert back["error_subcode"] == "cancel"
        assert back["error_description"].startswith("AADSTS65004")
        tenant = microsoft.look("microsoft/tenant", domain="contoso.example")
        assert [one["client_id"] for one in tenant["requests"]] == [CLIENT_ID]

    def test_approve_for_everybody(self, microsoft):
        back = microsoft.visit(microsoft.admin_url(scope=EVERYTHING), ACCEPT, account=BOSS)

        tid = microsoft.look("microsoft/tenant", domain="contoso.example")["tid"]
        assert back["admin_consent"] == "True"
        assert back["tenant"] == tid
        assert back["state"] == "some-state"
        assert "code" not in back
        assert "code" in microsoft.visit(microsoft.authorize_url(login_hint=ADA))
        # Whoever forces the page forces the refusal as well.
        with pytest.raises(Stayed, match="AADSTS90094"):
            microsoft.visit(microsoft.authorize_url(login_hint=ADA, prompt="consent"), ACCEPT)

    def test_decline(self, microsoft):
        back = microsoft.visit(microsoft.admin_url(), CANCEL, account=BOSS)

        assert back["error"] == "consent_required"
        assert back["error_description"].startswith("AADSTS65004")

    def test_page_is_for_them_only(self, microsoft):
        with pytest.raises(Stayed, match="AADSTS90094"):
            microsoft.visit(microsoft.admin_url(), ACCEPT, account=ADA)
        with pytest.raises(Stayed, match="AADSTS9002313"):
            microsoft.visit(microsoft.admin_url("common"), ACCEPT, account=BOSS)

    def test_may_assign_people(self, microsoft):
        microsoft.control(
            "microsoft/tenants", domain="contoso.example", assigned_only={CLIENT_ID: [BOSS]}
        )

        with pytest.raises(Stayed, match="AADSTS50105"):
            microsoft.visit(microsoft.authorize_url(login_hint=ADA), ACCEPT)


class TestEntraCodes:
    def code(self, microsoft, path="common", **changes):
        url = microsoft.authorize_url(path, login_hint=ADA, **changes)
        return microsoft.visit(url, ACCEPT)["code"]

    def test_buy_tokens(self, microsoft):
        found = microsoft.exchange(self.code(microsoft)).json()

        assert found["token_type"] == "Bearer"
        assert "Mail.ReadWrite" in found["scope"].split()
        assert "offline_access" not in found["scope"]
        assert 3_600 <= found["expires_in"] <= 5_400
        claims = claims_of(microsoft, found["id_token"])
        assert claims["iss"] == f"{microsoft.url}/{claims['tid']}/v2.0"
        assert claims["aud"] == CLIENT_ID
        assert claims["nonce"] == "some-nonce"
        assert claims["ver"] == "2.0"
        assert claims["oid"] == microsoft.control("microsoft/accounts/change", email=ADA)["oid"]

    def test_give_no_refresh_token_unless_asked(self, microsoft):
        code = self.code(microsoft, scope="openid User.Read")

        found = microsoft.exchange(code).json()

        assert "refresh_token" not in found
        assert "oid" not in claims_of(microsoft, found["id_token"])

    def test_are_good_once_and_not_for_long(self, microsoft):
        used = self.code(microsoft)
        microsoft.exchange(used)
        late = self.code(microsoft)
        microsoft.sandbox.advance(601)

        assert microsoft.exchange(used).json()["error_codes"] == [54005]
        assert microsoft.exchange(late).json()["error_codes"] == [70008]

    def test_are_bound_to_path_verifier_and_address(self, microsoft):
        code = self.code(microsoft)

        elsewhere = microsoft.exchange(code, "organizations").json()
        unverified = microsoft.exchange(code, code_verifier="w" * 64).json()
        redirected = microsoft.exchange(code, redirect_uri="http://localhost/other").json()

        assert elsewhere["error_codes"] == [700005]
        assert unverified["error_codes"] == [501481]
        assert redirected["error_codes"] == [50011]
        assert microsoft.exchange(code).is_success

    def test_may_grant_less_and_more_than_asked(self, microsoft):
        microsoft.sandbox.dial(
            graph_withheld_scopes="Mail.Send", graph_extra_scopes="Files.ReadWrite"
        )

        scopes = microsoft.exchange(self.code(microsoft)).json()["scope"].split()

        assert "Mail.Send" not in scopes
        assert "Files.ReadWrite" in scopes


class TestEntraRefresh:
    def test_rotates_softly(self, microsoft):
        first = microsoft.authorize(ADA)["refresh_token"]

        answers = [microsoft.refresh(first) for _ in range(3)]

        tokens = {answer.json()["refresh_token"] for answer in answers}
        assert len(tokens | {first}) == 4
        assert all(microsoft.refresh(token).is_success for token in tokens)

    def test_may_omit_the_new_token(self, microsoft):
        first = microsoft.authorize(ADA)["refresh_token"]
        microsoft.sandbox.dial(graph_refresh_rotates=False)

        assert "refresh_token" not in microsoft.refresh(first).json()

    def test_ends_after_ninety_idle_days(self, microsoft):
        token = microsoft.authorize(ADA)["refresh_token"]
        microsoft.sandbox.advance(89 * DAY)
        kept = microsoft.refresh(token)
        microsoft.sandbox.advance(91 * DAY)

        answer = microsoft.refresh(token)

        assert kept.is_success
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_grant"
        assert answer.json()["error_codes"] == [700082]
        assert {"error_description", "timestamp", "trace_id", "correlation_id"} <= set(
            answer.json()
        )

    @pytest.mark.parametrize("number", [50173, 65001, 700082, 70043])
    def test_ends_when_it_is_revoked(self, microsoft, number):
        tokens = microsoft.authorize(ADA)
        assert microsoft.control("microsoft/tokens/kill", email=ADA, code=number)["killed"] == 1

        answer = microsoft.refresh(tokens["refresh_token"]).json()

        assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [number])

    def test_notices_a_consent_that_was_taken_back(self, microsoft):
        tokens = microsoft.authorize(ADA)
        microsoft.control("microsoft/consents/forget", email=ADA)

        answer = microsoft.refresh(tokens["refresh_token"]).json()

        assert answer["error_codes"] == [65001]
        assert answer["suberror"] == "consent_required"
        with microsoft.graph(tokens["access_token"]) as graph:
            assert httpx.get(
                f"{microsoft.url}/oidc/userinfo", headers=graph.headers
            ).is_success  # access tokens live on

    def test_cannot_widen(self, microsoft):
        token = microsoft.authorize(ADA, f"{SIGN_IN} Mail.Read")["refresh_token"]

        assert microsoft.refresh(token, scope="Mail.Send").json()["error_codes"] == [65001]
        narrowed = microsoft.refresh(token, scope="https://graph.microsoft.com/mail.read").json()
        assert narrowed["scope"] == "https://graph.microsoft.com/mail.read"

    def test_forwards_claims_that_are_demanded(self, microsoft):
        token = microsoft.authorize(ADA)["refresh_token"]
        microsoft.control("microsoft/tokens/challenge", email=ADA, claims='{"access_token":{}}')

        refused = microsoft.refresh(token).json()
        microsoft.control("microsoft/tokens/satisfy", email=ADA)

        assert refused["error"] == "interaction_required"
        assert refused["claims"] == '{"access_token":{}}'
        assert microsoft.refresh(token).is_success

    def test_of_a_disabled_account_is_refused(self, microsoft):
        token = microsoft.authorize(ADA)["refresh_token"]
        microsoft.control("microsoft/accounts/change", email=ADA, disabled=True)

        assert microsoft.refresh(token).json()["error_codes"] == [50057]

    @pytest.mark.scenario("A7")
    def test_says_that_our_own_secret_is_over_to_everybody(self, microsoft):
        tokens = [microsoft.authorize(one)["refresh_token"] for one in (ADA, PAT)]
        microsoft.register_client(secret_expired=True)

        answers = [microsoft.refresh(token) for token in tokens]

        assert {answer.status_code for answer in answers} == {401}
        assert {answer.json()["error"] for answer in answers} == {"invalid_client"}
        assert {answer.json()["error_codes"][0] for answer in answers} == {7000222}

    def test_may_fail_for_a_while(self, microsoft):
        token = microsoft.authorize(ADA)["refresh_token"]
        microsoft.sandbox.dial(graph_token_code=90033)

        answer = microsoft.refresh(token)

        assert answer.status_code == 503
        assert answer.json()["error"] == "temporarily_unavailable"


class TestEntraIdTokens:
    def test_private_accounts_share_a_tenant(self, microsoft):
        claims = claims_of(microsoft, microsoft.authorize(PAT)["id_token"])

        assert claims["tid"] == PERSONAL
        assert claims["oid"].startswith("00000000-0000-0000-")

    def test_same_address_may_be_somebody_else(self, microsoft):
        before = claims_of(microsoft, microsoft.authorize(ADA)["id_token"])
        microsoft.seed(ADA, tid="7f0f6b0e-9a52-4a7c-8b1e-a6f6a7d3c111")

        after = claims_of(microsoft, microsoft.authorize(ADA)["id_token"])

        assert before["preferred_username"] == after["preferred_username"]
        assert (before["tid"], before["oid"]) != (after["tid"], after["oid"])

    @pytest.mark.scenario("A8")
    @pytest.mark.parametrize("flaw", ["alg_none", "alg_hs256", "signature", "kid"])
    def test_can_be_forged(self, microsoft, flaw):
        microsoft.sandbox.dial(id_token_flaw=flaw)

        with pytest.raises((JoseError, ValueError)):
            claims_of(microsoft, microsoft.authorize(ADA)["id_token"])

    def test_has_no_way_to_be_revoked(self, microsoft):
        for path in ("revoke", "oauth2/v2.0/revoke"):
            assert httpx.post(f"{microsoft.url}/common/{path}").status_code == 404
