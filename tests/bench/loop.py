"""The plain loop: list, get, take the text out of the payload, write plain rows."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

from accounts.ids import uuid7
from accounts.models import User
from tests.bench.models import PlainBody, PlainMessage
from tests.worlds.sandbox import Sandbox

PAGE = 500


class Loop:
    """One mailbox through Google's own client and its own transport."""

    def __init__(self, sandbox: Sandbox, email: str) -> None:
        token = sandbox.authorize(email)["access_token"]
        document = json.loads(get_static_doc("gmail", "v1"))
        document["rootUrl"] = document["baseUrl"] = f"{sandbox.url}/"
        api = build_from_document(document, credentials=Credentials(token))
        self._messages = api.users().messages()

    def pages(self) -> Iterator[list[dict[str, str]]]:
        """Yield the listing, spam and trash left out: pages of ids with their thread's."""
        request = self._messages.list(userId="me", maxResults=PAGE)
        while request is not None:
            answer = request.execute()
            yield answer.get("messages", [])
            request = self._messages.list_next(request, answer)

    def threads(self) -> dict[int, int]:
        """Return how many threads of so many messages are listed."""
        threads = Counter(ref["threadId"] for page in self.pages() for ref in page)
        return dict(sorted(Counter(threads.values()).items()))

    def read(self, user: User) -> None:
        """Read everything, one message at a time, and write a page of rows at once."""
        owner = {"integration_id": uuid7(), "user_id": user.id, "organisation_id": uuid7()}
        for page in self.pages():
            messages, bodies = [], []
            for ref in page:
                resource = self._messages.get(userId="me", id=ref["id"], format="full").execute()
                message = _message(resource, owner)
                messages.append(message)
                bodies.append(PlainBody(message=message, content=_text(resource["payload"])))
            PlainMessage.objects.bulk_create(messages)
            PlainBody.objects.bulk_create(bodies)


def _message(resource: dict[str, Any], owner: dict[str, Any]) -> PlainMessage:
    headers = {one["name"].lower(): one["value"] for one in resource["payload"].get("headers", [])}
    labels = resource.get("labelIds", [])
    wanted = ("subject", "from", "to", "cc", "bcc", "reply-to", "message-id")
    summary = {name: headers.get(name, "") for name in wanted}
    return PlainMessage(
        **owner,
        remote_id=resource["id"],
        thread_id=uuid7(),
        received_at=datetime.fromtimestamp(int(resource["internalDate"]) / 1000, UTC),
        size=resource["sizeEstimate"],
        is_unread="UNREAD" in labels,
        is_starred="STARRED" in labels,
        has_attachments="attachmentId" in json.dumps(resource["payload"]),
        folders=[label for label in labels if label.isupper()],
        seen_round=1,
        synced_at=timezone.now(),
        # What a database keeps as text holds no NUL.
        summary=json.dumps({**summary, "snippet": resource["snippet"]}).replace("\\u0000", ""),
    )


def _text(part: dict[str, Any]) -> str:
    """Return the first text of a payload, taken for UTF-8."""
    data = part.get("body", {}).get("data")
    if data and part.get("mimeType", "").startswith("text/"):
        return base64.urlsafe_b64decode(data).decode(errors="replace").replace("\0", "")
    return next(filter(None, map(_text, part.get("parts", []))), "")
