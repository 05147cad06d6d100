"""
The resumable protocol: requests to the address of an upload session.

Source: https://developers.google.com/workspace/drive/api/guides/manage-uploads. The answers to a
cancelled session are those of Cloud Storage, which has the same protocol.
"""

from collections.abc import Callable
from typing import Protocol

from integrations.sandbox.google.drive import file_creation
from integrations.sandbox.google.drive.content import BlockBuffer
from integrations.sandbox.google.drive.upload_faults import (
    COMPLETION_KINDS,
    TRANSFER_KINDS,
    UploadFault,
)
from integrations.sandbox.google.drive.upload_ranges import (
    RangeError,
    UploadRange,
    format_range,
    parse_range,
)
from integrations.sandbox.google.drive.upload_sessions import UploadSession
from integrations.sandbox.http_messages import HttpAnswer, HttpCall, HttpProblem
from integrations.sandbox.request_log import LoggedRequest
from integrations.sandbox.state import SandboxState

# The name of these requests in the log: they are no method of the API.
METHOD_ID = "drive.uploads"
PATHS = ("/upload/drive/v3/files", "/resumable/upload/drive/v3/files")
TEXT = "text/plain; charset=utf-8"
RESUME_INCOMPLETE, CLIENT_CLOSED_REQUEST = 308, 499


class BodyReader(Protocol):
    """The body of a request, in the pieces in which it arrives; b"" is its end."""

    async def read_piece(self) -> bytes:
        """:raises ConnectionError: the connection broke"""


class ConnectionCut(Exception):
    """The connection ends without an answer."""


def is_session_call(call: HttpCall) -> bool:
    return call.path in PATHS and "upload_id" in call.query


async def answer_session_call(
    state: SandboxState, call: HttpCall, body: BodyReader, abort: Callable[[], None]
) -> HttpAnswer:
    """
    Answer when the body has arrived.

    :param abort: cuts the connection
    :raises ConnectionCut: broken by the client, by a fault, or by a later request
    """
    session = state.uploads.find(call.get_param("upload_id"))
    try:
        if session is None:
            answer = _make_text_answer(404, "Not Found")
        else:
            answer = await _answer_request(state, session, call, body, abort)
        await _drain(body)
    except ConnectionError as error:
        raise ConnectionCut from error
    headers = {"X-GUploader-UploadID": call.get_param("upload_id"), **answer.headers}
    return HttpAnswer(answer.status, answer.body, headers, answer.content_type)


def describe_request(state: SandboxState, call: HttpCall, status: int) -> LoggedRequest:
    """With `Content-Range` as the body. The status of a cut connection is 0."""
    session = state.uploads.find(call.get_param("upload_id"))
    return LoggedRequest(
        at=state.clock.now(),
        method=call.method,
        path=call.path,
        query=call.query_string,
        body=call.headers.get("content-range", ""),
        method_id=METHOD_ID,
        user=session.account.email if session else "",
        status=status,
    )


def _make_text_answer(status: int, text: str) -> HttpAnswer:
    return HttpAnswer(status, text.encode(), {}, TEXT)


async def _drain(body: BodyReader) -> None:
    """Clients read an answer only after they have sent everything."""
    while await body.read_piece():
        pass


async def _answer_request(  # noqa: PLR0911 - one per outcome
    state: SandboxState,
    session: UploadSession,
    call: HttpCall,
    body: BodyReader,
    abort: Callable[[], None],
) -> HttpAnswer:
    if call.method == "DELETE" and session.answer is None:
        session.cancelled = True
        session.content.release()
    if session.cancelled:
        return HttpAnswer(CLIENT_CLOSED_REQUEST)
    if session.answer:
        return session.answer
    if call.method not in ("PUT", "POST"):
        return _make_text_answer(405, "Method Not Allowed")
    try:
        upload_range = parse_range(call)
    except RangeError as error:
        return _make_text_answer(400, str(error))
    if upload_range.is_query and upload_range.total != session.content.size:
        return _make_progress_answer(session)
    await session.acquire(abort)
    try:
        return await _take_content(state, session, upload_range, body)
    except HttpProblem as problem:
        return problem.answer
    finally:
        session.release()


def _make_progress_answer(session: UploadSession) -> HttpAnswer:
    return HttpAnswer(RESUME_INCOMPLETE, b"", format_range(session.content.size))


async def _take_content(
    state: SandboxState, session: UploadSession, upload_range: UploadRange, body: BodyReader
) -> HttpAnswer:
    if session.answer:
        return session.answer
    if refusal := _find_refusal(session, upload_range):
        return _make_text_answer(400, refusal)
    if not upload_range.is_query:
        fault = None
        if upload_range.end != upload_range.start:
            fault = state.uploads.faults.take_matching(TRANSFER_KINDS, session.account.email)
        await _store_body(session, upload_range, body, fault)
        if fault and fault.kind == "cut":
            raise ConnectionCut
        if fault and fault.kind == "error":
            return HttpAnswer(fault.status)
    if session.content.size != session.total:
        return _make_progress_answer(session)
    return _complete_upload(state, session)


def _find_refusal(session: UploadSession, upload_range: UploadRange) -> str:
    """Return why a range does not fit the session, or nothing."""
    if upload_range.start > session.content.size:
        return f"Only {session.content.size} bytes are stored."
    if session.total is None:
        session.total = upload_range.total
    if upload_range.total not in (None, session.total):
        return f"The size of this upload is {session.total}."
    return ""


async def _store_body(
    session: UploadSession,
    upload_range: UploadRange,
    body: BodyReader,
    fault: UploadFault | None,
) -> None:
    """Store what the session lacks; up to the last whole block if the body is not complete."""
    if fault and fault.kind == "discard":
        session.content.clear()
        return
    buffer = BlockBuffer(session.content)
    overlap = session.content.size - upload_range.start
    end = session.total if upload_range.end is None else upload_range.end
    largest = None if end is None else end - upload_range.start
    limit = fault.after_bytes if fault else largest
    position, complete = 0, False
    try:
        while limit is None or position < limit:
            piece = await body.read_piece()
            if not piece:
                complete = end is None
                break
            if limit is not None:
                piece = piece[: limit - position]
            position += len(piece)
            skipped = max(0, min(len(piece), overlap - (position - len(piece))))
            if piece := piece[skipped:]:
                await buffer.add(piece)
        complete = complete or position == largest
    finally:
        await buffer.finish(keep_rest=complete)
    if complete and end is None:
        session.total = upload_range.start + position


def _complete_upload(state: SandboxState, session: UploadSession) -> HttpAnswer:
    """
    Create the file.

    :raises HttpProblem: the metadata no longer fit, or the storage is full
    """
    faults, email = state.uploads.faults, session.account.email
    fault = faults.take_matching(COMPLETION_KINDS, email)
    if fault and fault.kind == "damage":
        session.content.damage()
        fault = faults.take_matching(("lose_answer",), email)
    session.answer = file_creation.create_uploaded_file(state, session)
    if fault:
        raise ConnectionCut
    return session.answer
