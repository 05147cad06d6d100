from __future__ import annotations

import ipaddress
from typing import Final

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest

UNKNOWN: Final = "unknown"
_HOST_BITS: Final = 64


def find_network(request: HttpRequest) -> str:
    """
    Return an IPv4 address, or an IPv6 /64, which belongs to one subscriber.

    `TRUSTED_PROXY_COUNT` selects the part of `X-Forwarded-For`. Requests without a readable
    address share one network.
    """
    try:
        address = ipaddress.ip_address(get_adapter(request).get_client_ip(request))
    except (ImproperlyConfigured, PermissionDenied, ValueError):
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"
