"""
Strict JSON schemas from Google's discovery documents.

They ship inside google-api-python-client; only the JSON files are read. `REQUIRED` adds the
required fields, which they lack.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

FOLDER = "discovery_cache/documents"
DOCUMENTS = {"gmail": "gmail.v1.json", "calendar": "calendar.v3.json", "drive": "drive.v3.json"}
BOUNDS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}

# Of answers; `Message` has its own rules per call.
REQUIRED = {
    "Profile": ("emailAddress", "messagesTotal", "threadsTotal", "historyId"),
    "ListHistoryResponse": ("historyId",),
    "ListMessagesResponse": ("resultSizeEstimate",),
    "ListThreadsResponse": ("resultSizeEstimate",),
    "ListDraftsResponse": ("resultSizeEstimate",),
    "ListLabelsResponse": ("labels",),
    "Message": ("id", "threadId"),
    "MessagePartHeader": ("name", "value"),
    "MessagePartBody": ("size",),
    "Thread": ("id",),
    "Draft": ("id", "message"),
    "Label": ("id", "name", "type"),
    "History": ("id",),
    "HistoryMessageAdded": ("message",),
    "HistoryMessageDeleted": ("message",),
    "HistoryLabelAdded": ("message", "labelIds"),
    "HistoryLabelRemoved": ("message", "labelIds"),
    "ListSendAsResponse": ("sendAs",),
    "SendAs": ("sendAsEmail",),
    "WatchResponse": ("historyId", "expiration"),
    "CalendarList": ("kind", "etag", "items"),
    "CalendarListEntry": ("kind", "etag", "id"),
    "Calendar": ("kind", "etag", "id", "summary"),
    "Events": ("kind", "etag", "items", "summary", "timeZone", "accessRole"),
    # Cancelled events promise no more.
    "Event": ("kind", "id"),
    "EventReminder": ("method", "minutes"),
    "FreeBusyResponse": ("kind", "timeMin", "timeMax", "calendars"),
    "TimePeriod": ("start", "end"),
    "File": ("kind", "id", "name", "mimeType"),
    "FileList": ("kind", "incompleteSearch", "files"),
    "GeneratedIds": ("kind", "space", "ids"),
    "Channel": ("kind", "id", "resourceId", "resourceUri", "expiration"),
}
REQUIRED_IN_MESSAGE = {
    "minimal": ("labelIds", "snippet", "sizeEstimate", "historyId", "internalDate"),
    "metadata": ("labelIds", "snippet", "sizeEstimate", "historyId", "internalDate", "payload"),
    "full": ("labelIds", "snippet", "sizeEstimate", "historyId", "internalDate", "payload"),
    "raw": ("labelIds", "snippet", "sizeEstimate", "historyId", "internalDate", "raw"),
}


@dataclass(frozen=True)
class ApiMethod:
    """`query` maps names to parameter descriptions."""

    api: str
    id: str
    http_method: str
    template: str
    scopes: frozenset[str]
    query: Mapping[str, Mapping[str, Any]]
    path: frozenset[str]
    request: str
    response: str
    upload: bool


@cache
def load_document(api: str) -> dict[str, Any]:
    """:raises FileNotFoundError: google-api-python-client is not installed"""
    spec = importlib.util.find_spec("googleapiclient")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / FOLDER / DOCUMENTS[api]
        if file.exists():
            loaded: dict[str, Any] = orjson.loads(file.read_bytes())
            return loaded
    raise FileNotFoundError(DOCUMENTS[api])


@cache
def get_methods() -> dict[str, ApiMethod]:
    return {
        method.id: method
        for api in DOCUMENTS
        for method in _iterate_methods(api, load_document(api)["servicePath"], load_document(api))
    }


def _iterate_methods(api: str, prefix: str, resource: Mapping[str, Any]) -> Iterator[ApiMethod]:
    for method in resource.get("methods", {}).values():
        parameters = method.get("parameters", {})
        yield ApiMethod(
            api=api,
            id=method["id"],
            http_method=method["httpMethod"],
            template=f"/{prefix}{method.get('flatPath', method['path'])}",
            scopes=frozenset(method.get("scopes", ())),
            query={n: p for n, p in parameters.items() if p["location"] == "query"},
            path=frozenset(n for n, p in parameters.items() if p["location"] == "path"),
            request=method.get("request", {}).get("$ref", ""),
            response=method.get("response", {}).get("$ref", ""),
            upload="mediaUpload" in method,
        )
    for subresource in resource.get("resources", {}).values():
        yield from _iterate_methods(api, prefix, subresource)


def get_global_parameters() -> Mapping[str, Mapping[str, Any]]:
    """Gmail's: all APIs share those that the sandbox serves."""
    parameters: dict[str, Mapping[str, Any]] = load_document("gmail")["parameters"]
    return parameters


def make_strict_schema(api: str, name: str, *, answers: bool, form: str = "") -> dict[str, Any]:
    """With its references. Only answers have required fields."""
    definitions = {
        method: _make_strict_object(method, schema, answers=answers)
        for method, schema in load_document(api)["schemas"].items()
    }
    top = definitions[name]
    if answers and form and name == "Message":
        top = top | {"required": [*REQUIRED["Message"], *REQUIRED_IN_MESSAGE[form]]}
    return top | {"$defs": definitions}


def _make_strict_object(name: str, schema: Mapping[str, Any], *, answers: bool) -> dict[str, Any]:
    strict_schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            n: _make_strict_property(p, answers=answers)
            for n, p in schema.get("properties", {}).items()
        },
    }
    if answers and name in REQUIRED:
        strict_schema["required"] = list(REQUIRED[name])
    return strict_schema


def _make_strict_property(description: Mapping[str, Any], *, answers: bool) -> dict[str, Any]:
    """In requests null removes an entry of a map."""
    if "$ref" in description:
        return {"$ref": f"#/$defs/{description['$ref']}"}
    kind = description["type"]
    strict_property: dict[str, Any] = {"type": kind}
    if kind == "array":
        strict_property["items"] = _make_strict_property(description["items"], answers=answers)
    if kind == "object":
        strict_property["properties"] = {
            n: _make_strict_property(p, answers=answers)
            for n, p in description.get("properties", {}).items()
        }
        additional = description.get("additionalProperties")
        entries = _make_strict_property(additional, answers=answers) if additional else False
        strict_property["additionalProperties"] = (
            {"anyOf": [entries, {"type": "null"}]} if entries and not answers else entries
        )
    if description.get("format") in BOUNDS and kind == "integer":
        strict_property["minimum"], strict_property["maximum"] = BOUNDS[description["format"]]
    elif "format" in description:
        strict_property["format"] = description["format"]
    if "enum" in description:
        strict_property["enum"] = description["enum"]
    return strict_property
