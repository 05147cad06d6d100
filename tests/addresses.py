"""An address of each named route, with values that belong to nobody."""

from __future__ import annotations

from django.urls import reverse

from tests import test_routes

VALUES = {"user": "me", "seal": "a", "token": "a", "pk": 1, "key": "a"}
UNKNOWN = "00000000-0000-7000-8000-000000000001"


def address_of(name: str) -> str:
    if name == "api-nothing":
        return "/v1/files"
    fixed = {"provider": "google", "code": "a", "clause_id": "a", "uidb36": "a"}
    wanted = test_routes.route(name).wanted
    return reverse(name, kwargs={key: {**VALUES, **fixed}.get(key, UNKNOWN) for key in wanted})
