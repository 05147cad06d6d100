from .access_rates import HourOfOpens
from .consents import Consent
from .keys import DataKey, KeyEpoch
from .ledger import Checkpoint, Leaf, OwedTombstone, Tile, VerifierKeyPeriod
from .ledger_keys import LedgerKey, WrappedLedgerKey
from .receipts import Receipt, ReceiptLink
from .shares import Share
from .usage import EvidenceBundle, Gauge, PolicyUse, Refusal, Tally

__all__ = [
    "Checkpoint",
    "Consent",
    "DataKey",
    "EvidenceBundle",
    "Gauge",
    "HourOfOpens",
    "KeyEpoch",
    "Leaf",
    "LedgerKey",
    "OwedTombstone",
    "PolicyUse",
    "Receipt",
    "ReceiptLink",
    "Refusal",
    "Share",
    "Tally",
    "Tile",
    "VerifierKeyPeriod",
    "WrappedLedgerKey",
]
