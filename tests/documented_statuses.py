"""No test gets a status from the API that the OpenAPI document does not list for the operation."""

from __future__ import annotations

import pytest
from django.test import Client


@pytest.fixture(scope="session", autouse=True)
def _statuses_are_documented():
    plain_request = Client.request

    def request(self, **environ):
        answer = plain_request(self, **environ)
        if environ.get("PATH_INFO", "").startswith("/v1/"):
            # Loaded late: pytest reads this module before the settings of the tests.
            from tests.api import schema

            assert schema.is_documented(answer), (
                f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} answered"
                f" {answer.status_code}: add it to `openapi_responses`"
            )
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "request", request)
        yield
