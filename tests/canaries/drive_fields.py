"""
The text fields of Google Drive's answers, from Google's description of the methods that we call.

A file is filled in by its description: each text of it is a canary, except for those of `EXPLAINED`
and `_FOLLOWED`. `saving` has the service get such answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from googleapiclient.discovery_cache import get_static_doc

_NUMBER: Final = "a number, written as text"
#: By field: why it is not seeded.
EXPLAINED: Final[Mapping[str, str]] = {
    "Drive.File.size": _NUMBER,
}
#: The walk continues by these: they are what the provider really said.
_FOLLOWED: Final = frozenset({"File.id", "File.mimeType"})
#: Where the description refers to itself.
_DEPTH: Final = 6
# What is stored of it has to be an address.
_LINK: Final = "File.webViewLink"


def word(path: str) -> str:
    """Return the word under which the canary of a field is planted."""
    return "drive" + re.sub(r"[^a-z0-9]", "", path.lower())


def fill_file(mark: str, **followed: str) -> dict[str, Any]:
    """
    Return a file of which every text is a canary.

    :param followed: fields that have other values
    """
    return {**_fill("File", mark, "File", _DEPTH), **followed}


def fill_list(mark: str) -> dict[str, Any]:
    """Return the answer to a search: a file that is wholly a canary."""
    names = {name: f"{mark}-{word(f'FileList.{name}')}" for name in ("kind", "nextPageToken")}
    whole = {"id": f"{mark}-{word('File.id')}", "mimeType": f"{mark}-{word('File.mimeType')}"}
    return {**names, "files": [fill_file(mark, **whole)]}


def fill_ids(mark: str) -> dict[str, Any]:
    """Return the answer to a request for an id."""
    names = {name: f"{mark}-{word(f'GeneratedIds.{name}')}" for name in ("kind", "space")}
    return {**names, "ids": [f"{mark}-{word('GeneratedIds.ids')}"]}


def _schemas() -> dict[str, Any]:
    return dict(json.loads(get_static_doc("drive", "v3"))["schemas"])


def _fill(name: str, mark: str, path: str, depth: int) -> dict[str, Any]:
    return _fill_properties(_schemas()[name], mark, path, depth)


def _fill_properties(shape: Mapping[str, Any], mark: str, path: str, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, inner in shape.get("properties", {}).items():
        if f"Drive.{path}.{name}" in EXPLAINED or f"{path}.{name}" in _FOLLOWED:
            continue
        value = _fill_value(inner, mark, f"{path}.{name}", depth)
        if value is not None:
            made[name] = value
    if "additionalProperties" in shape:
        value = _fill_value(shape["additionalProperties"], mark, f"{path}.*", depth)
        made[f"{mark}-drivekey"] = value
    return made


def _fill_value(shape: Mapping[str, Any], mark: str, path: str, depth: int) -> Any:
    """Return None for what is no text and has none inside."""
    if shape.get("type") == "array":
        value = _fill_value(shape["items"], mark, path, depth)
        return None if value is None else [value]
    if "$ref" in shape:
        name = str(shape["$ref"])
        return _fill(name, mark, name, depth - 1) if depth else None
    if shape.get("type") == "object":
        return _fill_properties(shape, mark, path, depth)
    if shape.get("type") != "string":
        return None
    text = f"{mark}-{word(path)}"
    return f"https://x.example/{text}" if path == _LINK else text
