"""Requests of the endpoints, in the shape that authlib asks for."""

from __future__ import annotations

from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request
from django.http import HttpRequest, QueryDict

FORM_TYPE: Final = "application/x-www-form-urlencoded"


class _Parameters(OAuth2Payload):  # type: ignore[misc]  # authlib ships no types
    def __init__(self, parameters: QueryDict) -> None:
        self._parameters = parameters

    @property
    def data(self) -> QueryDict:
        return self._parameters

    @property
    def datalist(self) -> dict[str, Any]:
        return dict(self._parameters.lists())


class EndpointRequest(OAuth2Request):  # type: ignore[misc]  # authlib ships no types
    """
    A request of an endpoint: the page of authorization reads the address, all others the form.

    authlib's class for Django refuses every http address but localhost's; here
    `SECURE_SSL_REDIRECT`, which knows about proxies, decides.
    """

    def __init__(self, request: HttpRequest, *, reads_address: bool = False) -> None:
        super().__init__(request.method, "https://endpoint", headers=request.headers)
        self.payload = _Parameters(request.GET if reads_address else request.POST)
        self.http = request

    @property
    def args(self) -> QueryDict:
        return self.http.GET

    @property
    def form(self) -> QueryDict:
        return self.http.POST


def check_form_request(request: HttpRequest) -> None:
    """
    Refuse parameters in the address, or twice (RFC 6749 §3.2).

    :raises InvalidRequestError:
    """
    if request.META.get("QUERY_STRING"):
        raise InvalidRequestError("Parameters belong into the body.")
    if any(len(values) > 1 for _, values in request.POST.lists()):
        raise InvalidRequestError("A parameter was sent twice.")
