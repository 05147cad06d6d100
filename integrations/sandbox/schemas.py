"""
Google's published descriptions of its APIs, made strict: nothing unknown, nothing missing.

The discovery documents ship inside google-api-python-client; only those JSON files are read.
What they do not say (which fields an answer must have) is our own list.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

FOLDER = "discovery_cache/documents"
DOCUMENTS = {"gmail": "gmail.v1.json", "calendar": "calendar.v3.json"}
BOUNDS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}

# Fields that an answer never lacks, by schema; `Message` has its own rules per call.
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
    "WatchResponse": ("historyId", "expiration"),
    "CalendarList": ("kind", "etag", "items"),
    "CalendarListEntry": ("kind", "etag", "id"),
    "Calendar": ("kind", "etag", "id", "summary"),
    "Events": ("kind", "etag", "items", "summary", "timeZone", "accessRole"),
    # Of a cancelled one no more is promised.
    "Event": ("kind", "id"),
    "EventReminder": ("method", "minutes"),
    "FreeBusyResponse": ("kind", "timeMin", "timeMax", "calendars"),
    "TimePeriod": ("start", "end"),
    "Channel": ("kind", "id", "resourceId", "resourceUri", "expiration"),
}
REQUIRED_IN_MESSAGE = {
    "minimal": ("labelIds", "snippet", "sizeEstimate", "historyId", "internalDate"),
    "metadata": ("labelIds", "snippet", "sizeEstimate", "historyId", "internalDate", "payload"),
    "full": ("labelIds", "snippet", "sizeEstimate", "historyId", "internalDate", "payload"),
    "raw": ("labelIds", "snippet", "sizeEstimate", "historyId", "internalDate", "raw"),
}


@dataclass(frozen=True)
class Method:
    """One method of an API. `query` maps names to the document's parameter description."""

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
def document(api: str) -> dict[str, Any]:
    """:raises FileNotFoundError: google-api-python-client is not installed"""
    spec = importlib.util.find_spec("googleapiclient")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / FOLDER / DOCUMENTS[api]
        if file.exists():
            loaded: dict[str, Any] = orjson.loads(file.read_bytes())
            return loaded
    raise FileNotFoundError(DOCUMENTS[api])


@cache
def methods() -> dict[str, Method]:
    return {
        method.id: method
        for api in DOCUMENTS
        for method in _walk(api, document(api)["servicePath"], document(api))
    }


def _walk(api: str, prefix: str, resource: Mapping[str, Any]) -> Iterator[Method]:
    for each in resource.get("methods", {}).values():
        parameters = each.get("parameters", {})
        yield Method(
            api=api,
            id=each["id"],
            http_method=each["httpMethod"],
            template=f"/{prefix}{each.get('flatPath', each['path'])}",
            scopes=frozenset(each.get("scopes", ())),
            query={n: p for n, p in parameters.items() if p["location"] == "query"},
            path=frozenset(n for n, p in parameters.items() if p["location"] == "path"),
            request=each.get("request", {}).get("$ref", ""),
            response=each.get("response", {}).get("$ref", ""),
            upload="mediaUpload" in each,
        )
    for below in resource.get("resources", {}).values():
        yield from _walk(api, prefix, below)


def global_parameters() -> Mapping[str, Mapping[str, Any]]:
    """Those of Gmail: what we serve of them is the same in all."""
    found: dict[str, Mapping[str, Any]] = document("gmail")["parameters"]
    return found


def strict(api: str, name: str, *, answers: bool, form: str = "") -> dict[str, Any]:
    """JSON Schema of one schema with all it refers to. Required fields are for answers only."""
    definitions = {
        each: _strict(each, schema, answers=answers)
        for each, schema in document(api)["schemas"].items()
    }
    top = definitions[name]
    if answers and form and name == "Message":
        top = top | {"required": [*REQUIRED["Message"], *REQUIRED_IN_MESSAGE[form]]}
    return top | {"$defs": definitions}


def _strict(name: str, schema: Mapping[str, Any], *, answers: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {n: _property(p) for n, p in schema.get("properties", {}).items()},
    }
    if answers and name in REQUIRED:
        made["required"] = list(REQUIRED[name])
    return made


def _property(described: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in described:
        return {"$ref": f"#/$defs/{described['$ref']}"}
    kind = described["type"]
    made: dict[str, Any] = {"type": kind}
    if kind == "array":
        made["items"] = _property(described["items"])
    if kind == "object":
        made["properties"] = {n: _property(p) for n, p in described.get("properties", {}).items()}
        more = described.get("additionalProperties")
        made["additionalProperties"] = _property(more) if more else False
    if described.get("format") in BOUNDS and kind == "integer":
        made["minimum"], made["maximum"] = BOUNDS[described["format"]]
    elif "format" in described:
        made["format"] = described["format"]
    if "enum" in described:
        made["enum"] = described["enum"]
    return made
