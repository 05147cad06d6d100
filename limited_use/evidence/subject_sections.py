from __future__ import annotations

from typing import Final

from . import clause_evidence, key_evidence, policy_evidence
from .evidence_sections import EvidenceBasis, EvidenceSection

SECTIONS: Final = (
    EvidenceSection(
        key="policy",
        title="Policy",
        says="Every rule, and what the rules say of every use that there is.",
        basis=EvidenceBasis.CODE,
        content=policy_evidence.describe_rules,
    ),
    EvidenceSection(
        key="clauses",
        title="Clauses",
        says="Every sentence that binds us, with its source, and what enforces it.",
        basis=EvidenceBasis.CODE,
        content=clause_evidence.describe_clauses,
    ),
    EvidenceSection(
        key="features",
        title="Features",
        says="What may use data: for what, of which kinds, for how long, and what is said of it.",
        basis=EvidenceBasis.CODE,
        content=policy_evidence.describe_features,
    ),
    EvidenceSection(
        key="uses",
        title="Rules applied",
        says="How often each rule permitted or refused a use, counted from the ledger.",
        basis=EvidenceBasis.LIVE,
        content=policy_evidence.describe_rule_usage,
    ),
    EvidenceSection(
        key="keyring",
        title="Custody of keys",
        says="Which keyring is in use, what fits it, and what its keys are for.",
        basis=EvidenceBasis.LIVE,
        content=key_evidence.describe_custody,
        not_met=key_evidence.find_unmet_custody,
    ),
    EvidenceSection(
        key="key_epochs",
        title="Key epochs",
        says="Which key-encryption keys live, and which were destroyed when.",
        basis=EvidenceBasis.LIVE,
        content=key_evidence.describe_epochs,
    ),
    EvidenceSection(
        key="ledger",
        title="Ledger",
        says="How far the ledger is, what of it was signed and published, and under which keys.",
        basis=EvidenceBasis.LIVE,
        content=key_evidence.describe_ledger,
    ),
    EvidenceSection(
        key="alarms",
        title="Alarms",
        says="What went wrong, by kind and number.",
        basis=EvidenceBasis.LIVE,
        content=key_evidence.describe_alarms,
    ),
)
