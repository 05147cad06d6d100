"""Messages for content that the provider does not deliver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.providers import errors

TRY_LATER: Final = "The provider is not answering now. Please try again in a moment."
SLOW_DOWN: Final = "Your mailbox was read very often in the last minute."
EXPLANATIONS: Final[Mapping[type[errors.ProviderError], str]] = {
    errors.Gone: "The provider no longer has it: the message was deleted there.",
    errors.Rejected: "It is larger than we carry. Open the message at the provider.",
    errors.GrantRevoked: "Access ended at the provider. Reconnect the account in Settings.",
    errors.ScopeMissing: "The permission to read mail was not given.",
}
