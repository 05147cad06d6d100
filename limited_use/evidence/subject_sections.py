"""The sections of this package. Those above have their own, and join them."""

from __future__ import annotations

from typing import Final

from . import clause_parts, key_parts, policy_parts
from .sections import Basis, Section

SECTIONS: Final = (
    Section(
        key="policy",
        title="Policy",
        says="Every rule, and what the rules say of every use that there is.",
        basis=Basis.CODE,
        content=policy_parts.rules,
    ),
    Section(
        key="clauses",
        title="Clauses",
        says="Every sentence that binds us, with its source, and what enforces it.",
        basis=Basis.CODE,
        content=clause_parts.catalogue,
    ),
    Section(
        key="features",
        title="Features",
        says="What may use data: for what, of which kinds, for how long, and what is said of it.",
        basis=Basis.CODE,
        content=policy_parts.registry,
    ),
    Section(
        key="uses",
        title="Rules applied",
        says="How often each rule permitted or refused a use, counted from the ledger.",
        basis=Basis.LIVE,
        content=policy_parts.applied,
    ),
    Section(
        key="keyring",
        title="Custody of keys",
        says="Which keyring is in use, what fits it, and what its keys are for.",
        basis=Basis.LIVE,
        content=key_parts.custody_of_keys,
        not_met=key_parts.not_in_custody,
    ),
    Section(
        key="key_epochs",
        title="Key epochs",
        says="Which key-encryption keys live, and which were destroyed when.",
        basis=Basis.LIVE,
        content=key_parts.epochs,
    ),
    Section(
        key="ledger",
        title="Ledger",
        says="How far the ledger is, what of it was signed and published, and under which keys.",
        basis=Basis.LIVE,
        content=key_parts.ledger,
    ),
    Section(
        key="alarms",
        title="Alarms",
        says="What went wrong, by kind and number.",
        basis=Basis.LIVE,
        content=key_parts.alarms,
    ),
)
