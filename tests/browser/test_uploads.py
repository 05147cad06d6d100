"""The script that sends files: interrupted, refused, cancelled, and more than two at a time."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest

from config.embedded.embedded_service import ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("attached files in a browser; tests over HTTP send the same"),
]

# Two slices and a bit.
SIZE = 17 * 1024 * 1024
SLICE = 8 * 1024 * 1024
# Makes a file of numbered bytes, sends it, and returns what was called back.
SEND = """
([mailbox, sizes]) => Promise.all(sizes.map((size, place) => new Promise((resolve) => {
  const data = new Uint8Array(size).map((_, index) => index % 251);
  const steps = [];
  startUpload(new File([data], `Grüße ${place}.bin`, {type: "text/plain"}), {
    mailbox,
    onProgress: (sent, total) => steps.push([sent, total]),
    onDone: (id) => resolve({id, steps}),
    onError: (problem) => resolve({problem, steps}),
  });
})))
"""
CANCEL = """
(mailbox) => new Promise((resolve) => {
  const called = [];
  const upload = startUpload(new File([new Uint8Array(20000000)], "a.bin"), {
    mailbox,
    onProgress: () => {
      upload.cancel();
      setTimeout(() => resolve(called), 1000);
    },
    onDone: () => called.push("done"),
    onError: () => called.push("error"),
  });
})
"""


@pytest.fixture
def sender(visit_at_any_size, service):
    """Return a person with a mailbox, on a page with the script."""
    with visit_at_any_size() as visitor:
        visitor.sign_in_by_http().connect_by_http()
        subprocess.run(
            [sys.executable, "-m", "tests.browser.sending", find_mailbox(visitor)],
            env=service.environment,
            cwd=ROOT,
            check=True,
        )
        visitor.go("/settings/integrations/")
        visitor.page.add_script_tag(url="/static/antares/upload.js")
        yield visitor


def find_mailbox(visitor) -> str:
    [connection] = visitor.http_person.api("/connections")["data"]
    [mailbox] = [one["id"] for one in connection["integrations"] if one["product"] == "mail"]
    return mailbox


def send_files(visitor, *sizes: int) -> list[dict]:
    return visitor.page.evaluate(SEND, [find_mailbox(visitor), list(sizes)])


def read_rows(service, mailbox: str) -> list[tuple]:
    with psycopg.connect(service.environment["DATABASE_URL"]) as database:
        return database.execute(
            "select id::text, size, received, (select count(*) from integrations_uploadchunk"
            " where upload_id = integrations_upload.id) from integrations_upload"
            " where integration_id = %s order by id",
            [mailbox],
        ).fetchall()


def list_patches(visitor) -> list[tuple[int, str]]:
    return [
        (one.status, one.request.headers["upload-offset"])
        for one in visitor.responses
        if one.request.method == "PATCH"
    ]


class TestSentFile:
    def test_arrives_in_slices_and_tells_its_progress(self, sender, service):
        [sent] = send_files(sender, SIZE)

        assert read_rows(service, find_mailbox(sender)) == [(sent["id"], SIZE, SIZE, 34)]
        assert list_patches(sender) == [(204, "0"), (204, str(SLICE)), (204, str(2 * SLICE))]
        assert sent["steps"][-1] == [SIZE, SIZE]
        assert sorted(sent["steps"]) == sent["steps"]
        assert sender.minded == []

    def test_continues_after_an_interruption(self, sender, service):
        patches = []

        def interrupt(route):
            if route.request.method == "PATCH":
                patches.append(route.request.headers["upload-offset"])
                if len(patches) == 2:
                    route.abort("connectionreset")
                    return
            route.continue_()

        sender.page.route("**/uploads/*/", interrupt)

        [sent] = send_files(sender, SIZE)

        assert patches == ["0", str(SLICE), str(SLICE), str(2 * SLICE)]
        assert read_rows(service, find_mailbox(sender)) == [(sent["id"], SIZE, SIZE, 34)]

    def test_of_no_bytes_is_done(self, sender, service):
        [sent] = send_files(sender, 0)

        assert read_rows(service, find_mailbox(sender)) == [(sent["id"], 0, 0, 0)]

    def test_beyond_the_limit_is_refused_with_the_reason(self, sender, service):
        [sent] = send_files(sender, 36_000_000)

        assert (sent["problem"]["status"], sent["problem"]["code"]) == (413, "file-too-large")
        assert read_rows(service, find_mailbox(sender)) == []

    def test_that_is_cancelled_leaves_nothing(self, sender, service):
        assert sender.page.evaluate(CANCEL, find_mailbox(sender)) == []

        assert read_rows(service, find_mailbox(sender)) == []

    def test_waits_for_the_first_two(self, sender, service):
        sent = send_files(sender, *[1_000_000] * 6)

        assert {len(one["id"]) for one in sent} == {36}
        assert [status for status, _ in list_patches(sender)] == [204] * 6
        rows = read_rows(service, find_mailbox(sender))
        assert {(size, received) for _, size, received, _ in rows} == {(1_000_000, 1_000_000)}
