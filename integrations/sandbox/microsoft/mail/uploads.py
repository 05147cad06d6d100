"""The address of an upload session: pieces in order, and no token, for the host is another one."""

import re
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.mail.outlook import Upload
from integrations.sandbox.world import World

ROOT = "/outlook-uploads/"
LARGEST_PIECE = 4 * 2**20
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def answer(world: World, call: Call) -> Answer:
    secret = call.path.removeprefix(ROOT)
    upload = world.microsoft.uploads.get(secret)
    if "authorization" in call.headers:
        raise problems.error(401, "InvalidAuthenticationToken", "This address takes no token.")
    if upload is None or upload.until <= world.clock.now():
        raise problems.error(404, "ErrorItemNotFound", "The upload session was not found.")
    if call.method == "DELETE":
        del world.microsoft.uploads[secret]
        return Answer(204)
    if call.method == "GET":
        return json_answer(_state(upload))
    if call.method != "PUT":
        raise problems.error(405, "BadRequest", "PUT the pieces.")
    _take(upload, call)
    if len(upload.content) < upload.size:
        return json_answer(_state(upload))
    del world.microsoft.uploads[secret]
    return _finished(world, upload)


def _state(upload: Upload) -> dict[str, Any]:
    until = datetime.fromtimestamp(upload.until, tz=UTC).isoformat()
    return {"expirationDateTime": until, "nextExpectedRanges": [f"{len(upload.content)}-"]}


def _take(upload: Upload, call: Call) -> None:
    found = _RANGE.fullmatch(call.headers.get("content-range", ""))
    if not found:
        raise problems.bad_request("Content-Range is missing or malformed.", "ErrorInvalidRequest")
    start, end, total = (int(one) for one in found.groups())
    if total != upload.size or end - start + 1 != len(call.body) or len(call.body) > LARGEST_PIECE:
        raise problems.bad_request("The range does not fit the piece.", "ErrorInvalidRequest")
    if start != len(upload.content):
        raise problems.error(416, "InvalidRange", "The pieces come in order, each once.")
    upload.content += call.body


def _finished(world: World, upload: Upload) -> Answer:
    entry = upload.outlook.box.entries.get(upload.entry_id)
    account = world.microsoft.people.find(upload.outlook.oid)
    if entry is None or account is None:
        raise problems.not_found()
    made = {
        name: upload.item.get(name) for name in ("name", "contentType", "isInline", "contentId")
    }
    from integrations.sandbox.microsoft.mail import finishing

    place = finishing.attach(world, account, entry, made | {"bytes": bytes(upload.content)})
    return Answer(201, b"", {"Location": f"{world.url}/v1.0/me/messages/{place}"})
