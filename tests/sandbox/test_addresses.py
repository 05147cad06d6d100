"""A sandbox that clients reach by the providers' own names, through something that leads there."""

from __future__ import annotations

import pytest

from tests.sandbox.test_entra import ADA, claims_of
from tests.worlds import sandbox
from tests.worlds.microsoft import MicrosoftSandbox

AUTHORITY, GRAPH = "https://login.microsoftonline.com", "https://graph.microsoft.com"


@pytest.fixture(scope="module")
def microsoft():
    with sandbox.run_sandbox("--authority", AUTHORITY, "--graph", GRAPH) as process:
        found = MicrosoftSandbox(process)
        found.register_client()
        found.seed(ADA, size=3)
        yield found


def test_tokens_are_of_the_authority_that_it_is_told(microsoft):
    token = microsoft.authorize(ADA)["id_token"]

    claims = claims_of(microsoft, token)

    assert claims["iss"] == f"{AUTHORITY}/{claims['tid']}/v2.0"


def test_links_lead_to_the_graph_that_it_is_told(microsoft):
    token = microsoft.authorize(ADA)["access_token"]
    with microsoft.graph(token) as graph:
        page = graph.get("/me/messages", params={"$top": 1}).json()

    assert page["@odata.nextLink"].startswith(f"{GRAPH}/v1.0/me/messages?")
