from __future__ import annotations

from typing import Any, Final

from integrations.web import problem_catalogue
from limited_use.policy.policy_vocabulary import DataClass, Recipient

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem document (RFC 9457). `type` is the address of a page about it.",
    "required": ["type", "title", "status", "code", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "enum": sorted(problem_catalogue.EXPLAINED)},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "request_id": {"type": "string", "description": "The same as the header X-Request-ID."},
        "errors": {
            "type": "array",
            "description": "With `bad-request`: the parameters or members with problems. With"
            " `unreadable-file`: the lines with problems.",
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
            "description": "With `unreadable-file`: whether further lines have problems.",
        },
        "limited_by": {
            "enum": ["self", "provider"],
            "description": "Whose limit was reached: of Antares (`self`) or of the provider.",
        },
        "limit": {
            "type": "string",
            "description": "With `rate-limited`: the name of the limit that was reached, as in"
            " `RateLimit`. `people`: the client acted for too many people within a minute.",
        },
        "provider": {
            "type": "object",
            "description": "The status and the code of the provider's response, if there was one.",
            "required": ["status", "reason", "retry_after"],
            "properties": {
                "status": {"type": ["integer", "null"]},
                "reason": {"type": ["string", "null"]},
                "retry_after": {"type": ["integer", "null"], "description": "Seconds."},
            },
        },
        "rule": {
            "type": "string",
            "description": "Only with `limited-use-refused`, as are all members below.",
        },
        "clauses": {"type": "array", "items": {"type": "string"}},
        "missing": {"type": "array", "items": {"type": "string"}},
        "purpose": {"type": "string"},
        "data_class": {"type": "string", "enum": [*DataClass]},
        "recipient": {"type": "string", "enum": [*Recipient]},
        "ledger_entry": {"type": "string", "format": "uuid"},
    },
}
