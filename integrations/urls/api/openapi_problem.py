from __future__ import annotations

from typing import Any, Final

from integrations.web import problem_catalogue

# Response to a feature that requests a forbidden purpose.
_REFUSED: Final = {
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


PROBLEM: Final[dict[str, Any]] = {
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
            "description": "With `bad-request`: which parameters or members are wrong, and why."
            " With `unreadable-file`: which lines are.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "oneOf": [{"required": ["parameter"]}, {"required": ["line"]}],
                "properties": {
                    "parameter": {"type": "string"},
                    "line": {"type": "integer", "minimum": 0},
                    "detail": {"type": "string"},
                },
            },
        },
        "has_more": {
            "type": "boolean",
            "description": "With `unreadable-file`: whether more lines are wrong than are listed.",
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
