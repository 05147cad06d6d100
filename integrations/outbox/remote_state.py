"""What a command knows of its message at the provider, as the JSON of its sealed column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import orjson

from integrations.providers.outgoing_mail import DraftRef, SentRef


@dataclass(frozen=True, slots=True)
class RemoteState:
    """
    :param is_accepted: the provider accepted the request to send
    :param refusal: the `OutboxProblem` for which the provider refused that request; "" if it
        did not
    """

    draft: DraftRef | None = None
    sent: SentRef | None = None
    is_accepted: bool = False
    refusal: str = ""

    def replace(self, **values: object) -> Self:
        return replace(self, **values)  # type: ignore[arg-type]

    def encode(self) -> bytes:
        return orjson.dumps(
            {
                "draft": _encode_draft(self.draft),
                "sent": _encode_sent(self.sent),
                "is_accepted": self.is_accepted,
                "refusal": self.refusal,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        values = orjson.loads(data)
        return cls(
            draft=None if values["draft"] is None else DraftRef(*values["draft"]),
            sent=None if values["sent"] is None else SentRef(*values["sent"]),
            is_accepted=values["is_accepted"],
            refusal=values["refusal"],
        )


def _encode_draft(draft: DraftRef | None) -> list[str] | None:
    return None if draft is None else [draft.draft_id, draft.message_id, draft.checkpoint]


def _encode_sent(sent: SentRef | None) -> list[str] | None:
    return None if sent is None else [sent.message_id, sent.thread_id, sent.rfc822_id]
