"""The registers that tests hold against the code, as they are committed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from integrations.registers import clear_columns as columns
from integrations.registers import plaintext as functions
from integrations.registers import source


def clear_columns(_: datetime) -> Mapping[str, Any]:
    return {"register": columns.FILE.read_text(encoding="utf-8")}


def plaintext(_: datetime) -> Mapping[str, Any]:
    return {
        "register": functions.FILE.read_text(encoding="utf-8"),
        "share_of_code": {
            what: {"may hold it": f"{held:.1%}", "may do more than compute": f"{leading_on:.1%}"}
            for what, held, leading_on in functions.committed_shares()
        },
        "means": functions.MEANS,
        "goal": {
            "of": "all code that may hold words, addresses or tokens",
            "at most": f"{functions.GOAL:.1%}",
            "met": functions.is_goal_met(functions.committed_shares()),
            "why not": functions.WHY_MISSED,
        },
    }


@cache
def code_hashes() -> Mapping[str, str]:
    """Return the SHA-256 of each package's code: which code it is that says all this."""
    digests = {package: hashlib.sha256() for package in source.PACKAGES}
    for module in source.read():
        digest = digests[module.path.partition("/")[0]]
        digest.update(module.path.encode() + b"\0" + module.text.encode() + b"\0")
    return {package: digest.hexdigest() for package, digest in digests.items()}
