"""
The OpenAPI document, and a page to read it.

It is generated from the views by `manage.py spectacular --format openapi-json
--file integrations/api/openapi.json`; what is served is that file, and a test
holds it against the views.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from integrations import problem_catalogue
from limited_use.features import FEATURES

FILE = Path(__file__).with_name("openapi.json")

# Every operation may answer with these.
PROBLEMS = {
    "400": "Not understood",
    "401": "Nobody is signed in, or the token is not valid",
    "403": "Refused by role or policy",
    "404": "Not there, or not yours",
    "405": "Not a method of this address",
    "409": "Disconnected meanwhile",
    "429": "Too many requests, or too many at a time: `Retry-After` says when to come again",
    "500": "A bug of ours",
    "503": "Where the keys are kept does not answer",
}
# These have more to say.
MORE_PROBLEMS = {
    "list_messages": {"410": "The cursor has expired"},
    "list_threads": {"410": "The cursor has expired"},
    "list_events": {"410": "The cursor has expired"},
    "create_event": {
        "409": "The same is being answered now, or disconnected meanwhile",
        "410": "It was written under this key before, and is no longer there",
        "422": "The key came with another request, or the provider does not accept it",
    },
    "get_event": {"503": "The copy of its calendar is too old, and none came in time"},
    "get_attachment": {
        "410": "No longer at the provider",
        "422": "Larger than we carry",
        "503": "The provider is not answering now",
    },
}


# What a feature is told that asks for a purpose which nobody may have.
_REFUSED = {
    "type": "https://antares.example/problems/limited-use-refused/",
    "title": "Provider data is not used for this purpose.",
    "status": 403,
    "code": "limited-use-refused",
    "instance": "/v1/users/me/messages",
    "request_id": "27deee554d824f57b7d9f5994893935c",
    "detail": "Data from your connected accounts is never used for marketing.",
    "rule": "never-market",
    "clauses": ["LU-4", "LU-4.1", "MS-ADS", "AN-11", "AN-17"],
    "missing": [],
    "purpose": "marketing",
    "data_class": "mail.metadata",
    "recipient": "platform_feature",
    "ledger_entry": "01a21239-6483-768c-8b4a-8c4c9e3efcf3",
}


class ServiceToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # not typed there
    """A platform feature, acting for one person (read by drf-spectacular)."""

    target_class = "accounts.authentication.ServiceTokenAuthentication"
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:  # noqa: ARG002
        scopes = {
            f"purpose:{purpose}": feature.says
            for feature in FEATURES.values()
            if feature.platform_client
            for purpose in sorted(feature.purposes)
        }
        return {
            "type": "oauth2",
            "description": "Client credentials with `private_key_jwt`, one purpose and one"
            " `delegation` (a form field) per token; ten minutes.",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes}},
        }


class Session(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # not typed there
    """The person themself (read by drf-spectacular)."""

    target_class = "accounts.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "apiKey", "in": "cookie", "name": "__Host-session"}


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the problem answers to every operation (a drf-spectacular postprocessing hook)."""
    reference = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": reference}}
    for path in result["paths"].values():
        for operation in path.values():
            says = {**PROBLEMS, **MORE_PROBLEMS.get(operation["operationId"], {})}
            answers = {
                status: {"description": text, "content": content} for status, text in says.items()
            }
            operation["responses"] |= dict(sorted(answers.items()))
    result["components"]["schemas"]["Problem"] = _problem()
    result["servers"] = [{"url": "/"}]
    return result


def _problem() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "RFC 9457. `type` is the address of a page that explains it.",
        "required": ["type", "title", "status", "code", "instance", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"type": "string", "enum": sorted(problem_catalogue.EXPLAINED)},
            "detail": {"type": "string"},
            "instance": {"type": "string", "format": "uri-reference"},
            "request_id": {"type": "string", "description": "The same as X-Request-ID."},
            "errors": {
                "type": "array",
                "description": "With `bad-request`: which parameters, and why.",
                "items": {
                    "type": "object",
                    "required": ["parameter", "detail"],
                    "properties": {"parameter": {"type": "string"}, "detail": {"type": "string"}},
                },
            },
            "limited_by": {
                "enum": ["self", "provider"],
                "description": "With a limit that was reached: whose it is.",
            },
            "provider": {
                "type": "object",
                "description": "Where the provider was asked: its status and code, if it answered.",
                "required": ["status", "reason", "retry_after"],
                "properties": {
                    "status": {"type": ["integer", "null"]},
                    "reason": {"type": ["string", "null"]},
                    "retry_after": {"type": ["integer", "null"], "description": "Seconds."},
                },
            },
            "rule": {"type": "string", "description": "With `limited-use-refused`, as all below."},
            "clauses": {"type": "array", "items": {"type": "string"}},
            "missing": {"type": "array", "items": {"type": "string"}},
            "purpose": {"type": "string"},
            "data_class": {"type": "string"},
            "recipient": {"type": "string"},
            "ledger_entry": {"type": "string", "format": "uuid"},
        },
        "examples": [_REFUSED],
    }


@cache
def written() -> bytes:
    """Return the OpenAPI 3.1 document of `/v1`, as JSON."""
    return FILE.read_bytes()


@require_safe
def openapi(_: HttpRequest) -> HttpResponse:
    return HttpResponse(written(), content_type="application/json")


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Return the document as a page, without scripts of anybody's."""
    document = orjson.loads(written())
    operations = [
        {
            **operation,
            "path": path,
            "method": method.upper(),
            "parameters": [_describe_parameter(one) for one in operation.get("parameters", ())],
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    context = {"operations": operations, "info": document["info"]}
    return render(request, "public/reference.html", context)


def _describe_parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter of the document for the page; optional keys get a default."""
    return {
        "name": parameter["name"],
        "in": parameter["in"],
        "is_required": parameter.get("required", False),
        "type": parameter["schema"]["type"],
        "format": parameter["schema"].get("format", ""),
        "description": parameter.get("description", ""),
    }


# Anyone may read how the API is called.
openapi.permission = None  # type: ignore[attr-defined]
reference.permission = None  # type: ignore[attr-defined]
