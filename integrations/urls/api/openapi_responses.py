"""Hooks that complete the generated OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .openapi_iteration import iterate_operations
from .openapi_problem import PROBLEM
from .operation_texts import OPERATIONS, PARAMETERS, SCHEMAS

# Problems that operations share.
_PROBLEMS: Final = {
    "400": "The request is invalid; `errors` names the parameters or members",
    "401": "Not signed in, or the token is invalid",
    "403": "Refused by the role or the policy",
    "404": "Does not exist, or belongs to someone else",
    "408": "The body did not arrive in time",
    "409": "The account was disconnected, or must be reconnected",
    "410": "No longer exists, or the cursor has expired",
    "413": "The body is larger than this address accepts",
    "422": "Cannot be read, or the provider does not accept the request",
    "429": "Too many requests, or too many at the same time",
    "500": "An error in this service",
    "503": "Temporarily unavailable: send the request again later",
}
_OF_EVERY_OPERATION: Final = frozenset({"400", "401", "403", "429", "500", "503"})
_OF_BODIES: Final = frozenset({"408", "413"})
# The key can be destroyed while the operation runs, and a sealed value can be damaged.
_OF_OPENED_DATA: Final = frozenset({"409", "422"})
# Further problems of operations with these headers.
_PROBLEMS_BY_HEADER: Final = {
    "Tus-Resumable": {"412": "Another version of tus"},
    "If-Match": {
        "412": "Changed since the version in `If-Match`",
        "428": "No version was sent in `If-Match`",
    },
    "Idempotency-Key": {
        "409": "The first request with this key is still being processed: wait for `Retry-After`;"
        " or the account was disconnected",
        "410": "Created with this key before, and deleted since",
        "422": "The key was used for another request, or the provider does not accept the request",
    },
}
_GONE: Final = {"410": "No longer exists at the provider, or the series has no such occurrence"}
_NOT_OPEN: Final = {"409": "The file is in another state, or the account was disconnected"}
# A list of an account that was disconnected before is empty.
_DISCONNECTED_DURING_LIST: Final = {
    "409": "The account was disconnected while Antares read the list"
}
# For a client of tus, which sends its version with each request.
_OTHER_TUS: Final = {"412": "`Tus-Resumable` names another version of tus"}
_PROBLEMS_BY_OPERATION: Final = {
    "list_messages": _DISCONNECTED_DURING_LIST,
    "list_threads": _DISCONNECTED_DURING_LIST,
    "get_attachment": {
        "410": "No longer exists at the provider",
        "422": "Too large, or cannot be read",
    },
    "undo_outbox_message": {"409": "The message has left the outbox, or is leaving it"},
    "remove_outbox_message": {"409": "The message waits or is on its way"},
    "look_for_outbox_message": {"409": "The outcome of the message is known"},
    "settle_outbox_message": {"409": "The outcome of the message is known"},
    "create_file": {
        "409": "A file of this name and size was uploaded before, too many uploads are unfinished,"
        " or the account was disconnected",
        "413": "The file is larger than allowed",
    },
    "send_file_bytes": {
        "409": "Not at this offset, or the file takes no bytes; its state says why",
        "411": "The length of the body was not announced",
        "415": "The body is not `application/offset+octet-stream`",
        "422": "The piece is too small, or the Drive refuses the file",
        "423": "Another request is sending this file",
        "460": "The body does not have the digest in `Upload-Checksum`",
    },
    "list_files": _OTHER_TUS,
    "get_file": _OTHER_TUS,
    "remove_file": _OTHER_TUS,
    "accept_file": _NOT_OPEN,
    "pause_file": _NOT_OPEN,
    "resume_file": _NOT_OPEN,
    "cancel_file": _NOT_OPEN,
    "retry_file": _NOT_OPEN,
    "import_calendar": {"422": "The file cannot be read; `errors` names its lines"},
    "share_calendar": {"409": "The person has not agreed to the current text about sharing"},
    "get_event": {
        **_GONE,
        "503": "The copy of the calendar is out of date, and fetching a new one took too long",
    },
    "change_event": _GONE,
    "delete_event": _GONE,
    "move_event": _GONE,
    "answer_event": _GONE,
}
_SECONDS: Final = {"type": "integer", "minimum": 1}
_RETRY_AFTER: Final = {"description": "Seconds until the next request.", "schema": _SECONDS}
_TEXT: Final = {"type": "string"}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "401": {"WWW-Authenticate": {"required": True, "schema": _TEXT}},
    "408": {"Retry-After": {"required": True, **_RETRY_AFTER}},
    "409": {"Retry-After": _RETRY_AFTER},
    "429": {"Retry-After": {"required": True, **_RETRY_AFTER}},
    "503": {"Retry-After": _RETRY_AFTER},
}
_UPLOAD_OFFSET: Final = {
    "description": "The number of bytes that have arrived.",
    "schema": {"type": "integer", "minimum": 0},
}
_UPLOAD_EXPIRES: Final = {
    "description": "When an unfinished upload ends (a date of HTTP).",
    "schema": _TEXT,
}
#: Headers of a success, by operation.
_HEADERS_BY_OPERATION: Final[dict[str, dict[str, Any]]] = {
    "create_file": {
        "Location": {"description": "The address of the upload.", "schema": _TEXT},
        "Upload-State": {
            "description": "`waiting` for bytes, or `proposed` to the person.",
            "schema": {"type": "string", "enum": ["waiting", "proposed"]},
        },
        "Upload-Expires": _UPLOAD_EXPIRES,
    },
    "send_file_bytes": {"Upload-Offset": _UPLOAD_OFFSET, "Upload-Expires": _UPLOAD_EXPIRES},
}
_ETAG: Final = {"ETag": {"description": "The version, for `If-Match`.", "schema": _TEXT}}
_REPLAYED: Final = {
    "Idempotent-Replayed": {
        "description": "Sent if an earlier request with this key was answered already.",
        "schema": {"type": "string", "const": "true"},
    }
}
# Components that are returned with an ETag.
_VERSIONED: Final = frozenset({"#/components/schemas/Calendar", "#/components/schemas/Event"})


def describe_responses(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add problems and headers to every operation (a drf-spectacular postprocessing hook)."""
    for operation in iterate_operations(result):
        header_names = {
            parameter["name"]
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "header"
        }
        responses = operation["responses"]
        for status, response in responses.items():
            headers = _success_headers(
                response, is_repeatable="Idempotency-Key" in header_names
            ) | _HEADERS_BY_OPERATION.get(operation["operationId"], {})
            if status.startswith("2") and headers:
                response["headers"] = headers
        responses |= dict(sorted(_describe_problems(operation, header_names).items()))
    result["components"]["responses"] = {
        _get_component_name(status): _describe_problem(status, text)
        for status, text in _PROBLEMS.items()
    }
    result["components"]["schemas"]["Problem"] = PROBLEM
    result["servers"] = [{"url": "/"}]
    return result


def describe_operations(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Replace the docstrings of views and serializers by the texts for clients (a hook)."""
    for operation in iterate_operations(result):
        text = OPERATIONS[operation["operationId"]]
        operation["summary"] = text.summary
        operation.pop("description", None)
        if text.description:
            operation["description"] = text.description
        for parameter in operation.get("parameters", ()):
            if "description" not in parameter:
                parameter["description"] = _get_parameter_text(operation, parameter["name"])
        for response in operation["responses"].values():
            response["description"] = response["description"] or "Success"
    for name, schema in result["components"]["schemas"].items():
        schema.pop("description", None)
        if description := SCHEMAS.get(name.removeprefix("Patched")):
            schema["description"] = description
    return result


def _get_parameter_text(operation: dict[str, Any], name: str) -> str:
    """:raises KeyError: the parameter needs a text"""
    return PARAMETERS.get(f"{operation['operationId']}.{name}") or PARAMETERS[name]


def close_requests(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Set `additionalProperties: false` on request bodies (a postprocessing hook)."""
    schemas = result["components"]["schemas"]
    for operation in iterate_operations(result):
        for name in _names_within(operation.get("requestBody", {}), schemas):
            schemas[name]["additionalProperties"] = False
    return result


def _describe_problems(
    operation: dict[str, Any], header_names: set[str]
) -> dict[str, dict[str, Any]]:
    own_problems: dict[str, str] = {}
    for header in header_names & set(_PROBLEMS_BY_HEADER):
        own_problems |= _PROBLEMS_BY_HEADER[header]
    own_problems |= _PROBLEMS_BY_OPERATION.get(operation["operationId"], {})
    shared_problems = {
        status: {"$ref": f"#/components/responses/{_get_component_name(status)}"}
        for status in _list_shared_statuses(operation)
    }
    return shared_problems | {
        status: _describe_problem(status, text) for status, text in own_problems.items()
    }


def _list_shared_statuses(operation: dict[str, Any]) -> set[str]:
    statuses = set(_OF_EVERY_OPERATION)
    parameters = operation.get("parameters", ())
    if any(parameter["in"] == "path" for parameter in parameters):
        statuses.add("404")
    if any(parameter["name"] == "cursor" for parameter in parameters):
        statuses.add("410")
    if "requestBody" in operation:
        statuses |= _OF_BODIES
    if operation["x-data-classes"]:
        statuses |= _OF_OPENED_DATA
    return statuses


def _get_component_name(status: str) -> str:
    return f"Problem{status}"


def _describe_problem(status: str, text: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    headers = {"headers": _HEADERS[status]} if status in _HEADERS else {}
    return {"description": text, "content": content} | headers


def _success_headers(answer: dict[str, Any], *, is_repeatable: bool) -> dict[str, Any]:
    shape = answer.get("content", {}).get("application/json", {}).get("schema", {})
    headers = dict(_ETAG) if shape.get("$ref") in _VERSIONED else {}
    return headers | (_REPLAYED if is_repeatable else {})


def _names_within(node: Any, schemas: dict[str, Any]) -> Iterator[str]:
    if isinstance(node, list):
        for inner in node:
            yield from _names_within(inner, schemas)
    elif isinstance(node, dict):
        if reference := node.get("$ref"):
            name = reference.rsplit("/", 1)[1]
            yield name
            yield from _names_within(schemas[name], schemas)
        yield from _names_within([*node.values()], schemas)
