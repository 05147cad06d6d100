"""Checks `fields` against the discovery document: Drive refuses unknown names."""

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.google import fields as field_masks
from integrations.sandbox.google.drive import problems
from integrations.sandbox.schemas import load_document


def check_fields(text: str, schema_name: str) -> None:
    """:raises HttpProblem: 400 for a malformed selection or an unknown name"""
    if not text or not schema_name:
        return
    try:
        mask = field_masks.parse_mask(text)
    except ValueError as error:
        raise problems.invalid_drive_parameter(
            "fields", f"Invalid field selection {text}"
        ) from error
    schemas = load_document("drive")["schemas"]
    if unknown := _find_unknown_name(mask, schemas[schema_name], schemas):
        raise problems.invalid_drive_parameter("fields", f"Invalid field selection {unknown}")


def _find_unknown_name(
    mask: field_masks.Mask, schema: Mapping[str, Any], schemas: Mapping[str, Any]
) -> str:
    schema = schema.get("items", schema)
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    properties = schema.get("properties", {})
    for name, submask in mask.items():
        if name == "*" or "additionalProperties" in schema:
            continue
        if name not in properties:
            return name
        if submask and (unknown := _find_unknown_name(submask, properties[name], schemas)):
            return unknown
    return ""
