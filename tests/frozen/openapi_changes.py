"""
Breaking changes between two OpenAPI documents.

`api-schema-diff` compares operations, parameters, members and types. The rest, which it does not
compare, is here: enumerations, nullable types, bounds, media types, and who may call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schema_diff.openapi.diff import diff_openapi

Document = Mapping[str, Any]
#: A request that was within the old bound is no longer within the new one.
_UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER_BOUNDS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_EXACT: Final = ("pattern", "format", "const", "uniqueItems")


def list_breaking_changes(old: Document, new: Document) -> list[str]:
    """Return a line for each change that can break a client of the old document."""
    changes = [
        f"{change.path}: {change.message}"
        for change in diff_openapi(old, new).breaking
        if not _is_harmless(change.path, change.message or "")
    ]
    for name, old_operation, new_operation in _pair_operations(old, new):
        changes += [
            f"{name}: {text}"
            for text in (
                *_compare_callers(old_operation, new_operation),
                *_compare_parameters(old, new, old_operation, new_operation),
                *_compare_body(old, new, old_operation, new_operation),
                *_compare_responses(old, new, old_operation, new_operation),
            )
        ]
    return sorted(set(changes))


def _is_harmless(path: str, message: str) -> bool:
    """Return whether a change that the library counts as breaking breaks no client."""
    is_of_response = ".responses." in path
    # A client of the old document does not wait for a refusal that no longer occurs.
    is_refusal = message == "Response status removed" and not path.rpartition(".")[2].startswith(
        "2"
    )
    return is_of_response and (is_refusal or message == "Field became required")


def _pair_operations(old: Document, new: Document) -> Iterator[tuple[str, Any, Any]]:
    for path, methods in old["paths"].items():
        for method, operation in methods.items():
            if changed := new["paths"].get(path, {}).get(method):
                yield f"{method.upper()} {path}", operation, changed


def _compare_callers(old: Document, new: Document) -> Iterator[str]:
    if old["operationId"] != new["operationId"]:
        yield f"operation id {old['operationId']} is now {new['operationId']}"
    for purpose in sorted(set(old.get("x-purposes", ())) - set(new.get("x-purposes", ()))):
        yield f"tokens for {purpose} are no longer let in"
    if old.get("x-person") and not new.get("x-person"):
        yield "the person is no longer let in"
    if old.get("x-client") and not new.get("x-client"):
        yield "the client's own token is no longer let in"


def _compare_parameters(
    old: Document, new: Document, old_operation: Document, new_operation: Document
) -> Iterator[str]:
    current = {(one["in"], one["name"]): one for one in new_operation.get("parameters", ())}
    for parameter in old_operation.get("parameters", ()):
        if changed := current.get((parameter["in"], parameter["name"])):
            comparison = SchemaComparison(old, new, is_request=True)
            yield from comparison.compare(parameter["schema"], changed["schema"], parameter["name"])


def _compare_body(
    old: Document, new: Document, old_operation: Document, new_operation: Document
) -> Iterator[str]:
    current = new_operation.get("requestBody", {}).get("content", {})
    for media_type, content in old_operation.get("requestBody", {}).get("content", {}).items():
        if media_type not in current:
            yield f"a body of {media_type} is no longer accepted"
            continue
        comparison = SchemaComparison(old, new, is_request=True)
        yield from comparison.compare(content["schema"], current[media_type]["schema"], "body")


def _compare_responses(
    old: Document, new: Document, old_operation: Document, new_operation: Document
) -> Iterator[str]:
    for status in sorted(new_operation["responses"].keys() - old_operation["responses"].keys()):
        if status.startswith("2"):
            yield f"{status} is a new success, which no client reads"
    for status, response in old_operation["responses"].items():
        if status not in new_operation["responses"]:
            continue
        before = _resolve(old, response)
        after = _resolve(new, new_operation["responses"][status])
        yield from _compare_headers(old, new, before, after, status)
        for media_type, content in before.get("content", {}).items():
            if media_type not in after.get("content", {}):
                yield f"{status} is no longer {media_type}"
                continue
            comparison = SchemaComparison(old, new, is_request=False)
            changed = after["content"][media_type]["schema"]
            yield from comparison.compare(content["schema"], changed, status)


def _compare_headers(
    old: Document, new: Document, old_response: Document, new_response: Document, status: str
) -> Iterator[str]:
    current = new_response.get("headers", {})
    for name, header in sorted(old_response.get("headers", {}).items()):
        if name not in current:
            yield f"{status} has no header {name} any more"
            continue
        before, after = _resolve(old, header), _resolve(new, current[name])
        if before.get("required") and not after.get("required"):
            yield f"{status}.{name}: can be absent now"
        comparison = SchemaComparison(old, new, is_request=False)
        yield from comparison.compare(before["schema"], after["schema"], f"{status}.{name}")


class SchemaComparison:
    """The differences of two schemas that the library does not compare."""

    def __init__(self, old: Document, new: Document, *, is_request: bool) -> None:
        self._old, self._new, self._is_request = old, new, is_request
        self._compared: set[tuple[int, int]] = set()

    def compare(self, old: Document, new: Document, place: str) -> Iterator[str]:
        old, new = _resolve(self._old, old), _resolve(self._new, new)
        if (id(old), id(new)) in self._compared:
            return
        self._compared.add((id(old), id(new)))
        yield from (f"{place}: {text}" for text in self._compare_values(old, new))
        yield from (f"{place}: {text}" for text in self._compare_types(old, new))
        if self._is_request:
            yield from (f"{place}: {text}" for text in _list_narrowings(old, new))
            if "default" in old and old["default"] != new.get("default"):
                yield f"{place}: default is now {new.get('default')}"
        else:
            for key in ("format", "const"):
                if key in old and old[key] != new.get(key):
                    yield f"{place}: {key} is now {new.get(key)}"
            lost = set(old.get("required", ())) - set(new.get("required", ()))
            for name in sorted(lost & new.get("properties", {}).keys()):
                yield f"{place}.{name}: can be absent now"
        yield from self._compare_inner(old, new, place)

    def _compare_values(self, old: Document, new: Document) -> Iterator[str]:
        if "enum" not in old:
            if "enum" in new and self._is_request:
                yield "is an enumeration now"
            return
        removed = [value for value in old["enum"] if value not in new.get("enum", old["enum"])]
        if removed:
            yield f"enumeration without {removed}"

    def _compare_types(self, old: Document, new: Document) -> Iterator[str]:
        old_types, new_types = _list_types(old), _list_types(new)
        if not old_types and not new_types:
            return
        if not old_types or not new_types:
            # Without a type, everything is allowed.
            if bool(new_types) is self._is_request:
                yield f"type {sorted(old_types) or 'any'} is now {sorted(new_types) or 'any'}"
            return
        lost = old_types - new_types if self._is_request else new_types - old_types
        if lost:
            yield f"type {sorted(old_types)} is now {sorted(new_types)}"

    def _compare_inner(self, old: Document, new: Document, place: str) -> Iterator[str]:
        for name, member in old.get("properties", {}).items():
            if name in new.get("properties", {}):
                yield from self.compare(member, new["properties"][name], f"{place}.{name}")
            elif name not in _resolve(self._new, new).get("properties", {}):
                yield f"{place}.{name}: removed"
        if "items" in old and "items" in new:
            yield from self.compare(old["items"], new["items"], f"{place}[]")
        for kind in ("oneOf", "anyOf", "allOf"):
            before, after = old.get(kind, []), new.get(kind, [])
            if len(before) != len(after):
                yield f"{place}: {kind} has {len(after)} schemas, not {len(before)}"
                continue
            for number, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from self.compare(one, other, f"{place}.{kind}[{number}]")


def _list_narrowings(old: Document, new: Document) -> Iterator[str]:
    """Yield what a request must fulfil now and did not have to before."""
    for bounds, sign in ((_UPPER_BOUNDS, 1), (_LOWER_BOUNDS, -1)):
        for bound in bounds:
            if bound in new and (bound not in old or sign * new[bound] < sign * old[bound]):
                yield f"{bound} is now {new[bound]}"
    for key in _EXACT:
        if key in new and new[key] != old.get(key):
            yield f"{key} is now {new[key]}"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield "further members are no longer accepted"
    required = set(new.get("required", ())) - set(old.get("required", ()))
    yield from (f"{name} is required now" for name in sorted(required))


def _list_types(schema: Document) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)


def _resolve(document: Document, node: Document) -> Document:
    if "$ref" not in node:
        return node
    for part in node["$ref"].removeprefix("#/").split("/"):
        document = document[part]
    return document
