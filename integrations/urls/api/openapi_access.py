"""Tags, and who may call an operation, in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from accounts.oauth.registered_client import CLIENT_SCOPE

from .openapi_iteration import iterate_operations
from .operation_access import ACCESS, OperationAccess
from .operation_tags import TAG_GROUPS


class UndocumentedOperation(Exception):
    """An operation is in none of the tables of this package."""


def describe_access(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add tags, purposes and data classes to every operation (a drf-spectacular hook)."""
    for operation in iterate_operations(result):
        access = get_access(operation["operationId"])
        operation["tags"] = [access.tag]
        operation["x-purposes"] = [str(purpose) for purpose in access.purposes]
        operation["x-data-classes"] = [str(data_class) for data_class in access.data_classes]
        operation["x-person"] = access.is_for_person
        operation["x-client"] = access.is_for_client
        operation["security"] = [
            *({"serviceToken": [f"purpose:{purpose}"]} for purpose in access.purposes),
            *([{"session": []}] if access.is_for_person else []),
            *([{"clientToken": [CLIENT_SCOPE]}] if access.is_for_client else []),
        ]
        operation["description"] = "\n\n".join(
            filter(None, (operation.get("description"), describe_callers(access)))
        )
    result["tags"] = [
        {"name": name, "description": description}
        for tags in TAG_GROUPS.values()
        for name, description in tags.items()
    ]
    result["x-tagGroups"] = [{"name": name, "tags": [*tags]} for name, tags in TAG_GROUPS.items()]
    return result


def get_access(operation_id: str) -> OperationAccess:
    """:raises UndocumentedOperation:"""
    try:
        return ACCESS[operation_id]
    except KeyError:
        message = f"add the tag, purposes and data classes of {operation_id} to operation_access"
        raise UndocumentedOperation(message) from None


def describe_callers(access: OperationAccess) -> str:
    """Return a sentence about tokens and sessions."""
    if access.is_for_client:
        return "Needs the client's own token, with the scope `client`."
    purposes = [f"`{purpose}`" for purpose in access.purposes]
    if not purposes:
        return "Needs the person's session. Tokens are refused."
    token = f"Needs a token for {join_choices(purposes)}"
    return f"{token}, or the person's session." if access.is_for_person else f"{token}."


def join_choices(choices: list[str]) -> str:
    """Return such as `a, b or c`."""
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last
