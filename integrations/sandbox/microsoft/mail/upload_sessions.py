"""Upload sessions: pieces in order, without a token, because the real host is not Graph's."""

import re
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.http_messages import HttpAnswer, HttpCall, make_json_answer
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.mail.outlook_mailbox import AttachmentUpload
from integrations.sandbox.state import SandboxState

ROOT = "/outlook-uploads/"
MAX_PIECE_BYTES = 4 * 2**20
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def answer_upload_call(state: SandboxState, call: HttpCall) -> HttpAnswer:
    secret = call.path.removeprefix(ROOT)
    upload = state.microsoft.uploads.get(secret)
    if "authorization" in call.headers:
        raise problems.make_problem(
            401, "InvalidAuthenticationToken", "This address takes no token."
        )
    if upload is None or upload.expires_at <= state.clock.now():
        raise problems.make_problem(404, "ErrorItemNotFound", "The upload session was not found.")
    if call.method == "DELETE":
        del state.microsoft.uploads[secret]
        return HttpAnswer(204)
    if call.method == "GET":
        return make_json_answer(_describe_state(upload))
    if call.method != "PUT":
        raise problems.make_problem(405, "BadRequest", "PUT the pieces.")
    _take_piece(upload, call)
    if len(upload.content) < upload.size:
        return make_json_answer(_describe_state(upload))
    del state.microsoft.uploads[secret]
    return _complete_upload(state, upload)


def _describe_state(upload: AttachmentUpload) -> dict[str, Any]:
    expires_at = datetime.fromtimestamp(upload.expires_at, tz=UTC).isoformat()
    return {"expirationDateTime": expires_at, "nextExpectedRanges": [f"{len(upload.content)}-"]}


def _take_piece(upload: AttachmentUpload, call: HttpCall) -> None:
    range_match = _RANGE.fullmatch(call.headers.get("content-range", ""))
    if not range_match:
        raise problems.bad_request("Content-Range is missing or malformed.", "ErrorInvalidRequest")
    start, end, total = (int(number) for number in range_match.groups())
    if (
        total != upload.size
        or end - start + 1 != len(call.body)
        or len(call.body) > MAX_PIECE_BYTES
    ):
        raise problems.bad_request("The range does not fit the piece.", "ErrorInvalidRequest")
    if start != len(upload.content):
        raise problems.make_problem(416, "InvalidRange", "The pieces come in order, each once.")
    upload.content += call.body


def _complete_upload(state: SandboxState, upload: AttachmentUpload) -> HttpAnswer:
    entry = upload.outlook.store.entries.get(upload.entry_id)
    account = state.microsoft.accounts.find(upload.outlook.oid)
    if entry is None or account is None:
        raise problems.not_found()
    attachment = {
        name: upload.item.get(name) for name in ("name", "contentType", "isInline", "contentId")
    }
    from integrations.sandbox.microsoft.mail import upload_completion

    location = upload_completion.attach_upload(
        state, account, entry, attachment | {"bytes": bytes(upload.content)}
    )
    return HttpAnswer(201, b"", {"Location": f"{state.url}/v1.0/me/messages/{location}"})
