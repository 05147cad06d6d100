"""The operation of the OpenAPI document that a request calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

import orjson
from django.http import HttpRequest

from .openapi import read_document
from .operation_access import ACCESS

#: A parameter of a Django route: ``<uuid:file_id>``.
_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")


def is_for_person_only(request: HttpRequest) -> bool:
    """Return whether no token opens the operation."""
    operation_id = find_operation_id(request)
    if operation_id is None:
        return False
    access = ACCESS[operation_id]
    return access.is_for_person and not access.purposes


def find_operation_id(request: HttpRequest) -> str | None:
    """Return None if the document does not describe the request's method and URL."""
    if request.resolver_match is None:
        return None
    path = "/" + _PARAMETER.sub(r"{\1}", request.resolver_match.route)
    method = "get" if request.method == "HEAD" else (request.method or "").lower()
    return _read_operation_ids().get((path, method))


@cache
def _read_operation_ids() -> Mapping[tuple[str, str], str]:
    return {
        (path, method): operation["operationId"]
        for path, methods in orjson.loads(read_document())["paths"].items()
        for method, operation in methods.items()
    }
