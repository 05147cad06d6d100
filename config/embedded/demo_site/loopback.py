"""The demo's pages answer programs on this machine only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final

from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port

from config.egress_tripwire import is_loopback

_View = Callable[Concatenate[HttpRequest, ...], HttpResponse]
#: A proxy sets these: its client may be another machine.
_PROXY_HEADERS: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def is_loopback_request(request: HttpRequest) -> bool:
    """Return whether the client and the requested host are this machine, without a proxy."""
    try:
        host, _ = split_domain_port(request.get_host())
    except DisallowedHost:
        return False
    return (
        _is_loopback_address(request.META.get("REMOTE_ADDR", ""))
        # A foreign name may lead here, if its owner changes its address (DNS rebinding).
        and is_loopback(host.strip("[]"))
        and not any(header in request.headers for header in _PROXY_HEADERS)
    )


def require_loopback(view: _View) -> _View:
    """Answer everybody else with 404, as an address without a page."""

    @wraps(view)
    def answer_loopback(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_loopback_request(request):
            raise Http404
        return view(request, *args, **kwargs)

    return answer_loopback


def _is_loopback_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
