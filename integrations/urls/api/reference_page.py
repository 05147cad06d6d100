"""The OpenAPI document as a page: with Redoc, and as plain HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from .openapi import read_document

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Redoc makes style elements, and a worker for its search. The page shows no data, and its own
#: policy lets it load nothing else than other pages may.
POLICY: Final[Mapping[str, Any]] = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "connect-src": [SELF],
    "worker-src": ["blob:"],
    "form-action": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}

#: Limits of a value, as the page names them.
_BOUNDS: Final[Mapping[str, StrOrPromise]] = {
    "minimum": _("Smallest value:"),
    "maximum": _("Largest value:"),
    "minLength": _("Shortest length:"),
    "maxLength": _("Longest length:"),
    "minItems": _("Fewest items:"),
    "maxItems": _("Most items:"),
}


@require_safe
@csp(dict(POLICY))
def show_reference(request: HttpRequest) -> HttpResponse:
    """Nothing of the page depends on the session."""
    return render(request, "public/redoc.html")


@require_safe
def show_plain_reference(request: HttpRequest) -> HttpResponse:
    document = orjson.loads(read_document())
    operations = [
        _present_operation(document, method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return render(request, "public/reference.html", {"operations": operations})


def _present_operation(
    document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    schema = next((media["schema"] for media in body.values()), None)
    return {
        "id": operation["operationId"],
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "method": method.upper(),
        "path": path,
        "parameters": [
            _present_value(
                parameter["name"],
                {**parameter["schema"], "description": parameter.get("description", "")},
                is_required=parameter.get("required", False),
            )
            | {"location": parameter["in"]}
            for parameter in operation.get("parameters", ())
        ],
        "body_types": list(body),
        "members": list(_list_members(document, schema)) if schema else [],
        "responses": [
            _present_response(document, status, _resolve(document, response))
            for status, response in operation["responses"].items()
        ],
    }


def _present_response(
    document: Mapping[str, Any], status: str, response: Mapping[str, Any]
) -> dict[str, Any]:
    """A guide describes the members of problems, once for all responses."""
    content: Mapping[str, Mapping[str, Any]] = {}
    if status.startswith("2"):
        content = response.get("content", {})
    members: list[dict[str, Any]] = []
    examples: list[str] = []
    for media in content.values():
        # "Required" is for what a client sends.
        found = _list_members(document, media["schema"])
        members += [member | {"is_required": False} for member in found]
        examples += [_write_example(one["value"]) for one in media.get("examples", {}).values()]
    return {
        "status": status,
        "description": response["description"],
        "media_types": list(content),
        "members": members,
        "examples": examples,
    }


def _write_example(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _list_members(
    document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the members of a body. Members of nested objects have names such as `when.start`."""
    resolved = _resolve(document, schema)
    required = resolved.get("required", ())
    for name, member in resolved.get("properties", {}).items():
        value = _resolve(document, member)
        yield _present_value(f"{prefix}{name}", value, is_required=name in required)
        inner = value.get("items", value)
        suffix = "[]." if "items" in value else "."
        yield from _list_members(document, inner, f"{prefix}{name}{suffix}")


def _present_value(name: str, schema: Mapping[str, Any], *, is_required: bool) -> dict[str, Any]:
    types = schema.get("type", "")
    return {
        "name": name,
        "type": " or ".join(types) if isinstance(types, list) else types,
        "format": schema.get("format", ""),
        "choices": [choice for choice in schema.get("enum", ()) if choice is not None],
        "default": schema.get("default"),
        "bounds": [(_BOUNDS[name], schema[name]) for name in _BOUNDS if name in schema],
        "is_required": is_required,
        "description": schema.get("description", ""),
    }


def _resolve(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference inside the document, and a schema that only wraps one."""
    if reference := node.get("$ref"):
        target: Mapping[str, Any] = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        return target
    if len(wrapped := node.get("allOf", ())) == 1:
        return {**_resolve(document, wrapped[0]), **{k: v for k, v in node.items() if k != "allOf"}}
    return node


# Public.
show_reference.permission = None  # type: ignore[attr-defined]
show_plain_reference.permission = None  # type: ignore[attr-defined]
