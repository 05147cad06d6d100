"""Files sent from the page to a Drive: chosen, dropped, paused, interrupted and continued."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.tcp_relay import TcpRelay, run_relay
from tests.browser.test_accessibility import violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("uploads in a browser; tests over HTTP and the smoke test send the same"),
]

PAGE = "/files/"
MIB = 1024 * 1024
# Addresses of uploads, and of their creation.
FILE_URLS = "**/v1/users/me/files/*"
CREATIONS = re.compile(r"/v1/users/me/files\?")


def make_file(size: int, seed: str = "") -> bytes:
    """Return bytes in which no part repeats another."""
    block = hashlib.shake_256(f"{seed}{size}".encode()).digest(min(size, 65536))
    return b"".join(
        number.to_bytes(8, "big") + block[8:] for number in range(-(-size // max(len(block), 1)))
    )[:size]


@pytest.fixture
def sender(visitor):
    """Return a person with a connected Drive, on the page of files."""
    visitor.http_person.connect(visitor.account, product="drive")
    visitor._take_cookies()
    visitor.go(PAGE)
    visitor.offsets = []
    visitor.page.on("request", lambda request: note_offset(visitor, request))
    return visitor


def note_offset(visitor, request) -> None:
    if request.method == "PATCH":
        visitor.offsets.append(int(request.headers["upload-offset"]))


@pytest.fixture
def relay(service) -> Iterator[TcpRelay]:
    """Return a network between browser and service that a test can break."""
    site = urlsplit(service.url)
    with run_relay(site.hostname, site.port) as relay:
        yield relay


def choose(visitor, **files: bytes) -> None:
    visitor.page.locator("#id_files").set_input_files(
        [
            {"name": name, "mimeType": "application/x-test", "buffer": data}
            for name, data in files.items()
        ]
    )


def list_stored_uploads(visitor) -> list[str]:
    """Return the keys and values of uploads in the browser's storage."""
    entries = visitor.page.evaluate("Object.entries(localStorage)")
    return [f"{key} {value}" for key, value in entries if key.startswith("tus::")]


def find_row(visitor, name: str):
    return visitor.page.locator(".file", has_text=name)


def expect_state(visitor, name: str, label: str) -> None:
    expect(find_row(visitor, name).locator("[data-label]")).to_have_text(label)


def list_remote(visitor) -> dict[str, bytes]:
    """Return names and contents of the files in the Drive."""
    account = visitor.account
    return {
        file["name"]: visitor.google.drive_content(account, file["id"])
        for file in visitor.google.drive_files(account)
        if "folder" not in file["mime_type"] and not file["deleted"] and not file["trashed"]
    }


class TestChosenFiles:
    def test_reach_the_drive_unchanged(self, sender):
        files = {"one.bin": make_file(3 * MIB + 5), "two.txt": b"Hello", "none.txt": b""}

        choose(sender, **files)

        for name in files:
            expect_state(sender, name, "In the Drive")
        assert list_remote(sender) == files
        patches = [r.request for r in sender.responses if r.request.method == "PATCH"]
        assert len(patches) == 2
        for request in patches:
            assert request.headers["tus-resumable"] == "1.0.0"
            assert request.headers["upload-offset"] == "0"
            assert request.headers["upload-checksum"].startswith("sha256 ")
        assert sender.foreign() == []
        assert sender.minded == []
        assert violations(sender.page) == []


class TestFolders:
    def test_are_sent_as_their_files(self, sender, tmp_path):
        inner = tmp_path / "photos" / "inner"
        inner.mkdir(parents=True)
        (tmp_path / "photos" / "one.jpg").write_bytes(make_file(1000))
        (inner / "two.jpg").write_bytes(make_file(2000))

        sender.page.locator("#id_folder").set_input_files(str(tmp_path / "photos"))

        expect_state(sender, "one.jpg", "In the Drive")
        expect_state(sender, "two.jpg", "In the Drive")
        assert list_remote(sender) == {"one.jpg": make_file(1000), "two.jpg": make_file(2000)}

    def test_can_be_dropped_with_files(self, sender, tmp_path):
        inner = tmp_path / "photos" / "inner"
        inner.mkdir(parents=True)
        (inner / "deep.bin").write_bytes(make_file(3000))
        for name, size in {"a.bin": 1000, "b.bin": 2000}.items():
            (tmp_path / name).write_bytes(make_file(size))

        drop(sender, [tmp_path / "photos", tmp_path / "a.bin", tmp_path / "b.bin"])

        for name in ("a.bin", "b.bin", "deep.bin"):
            expect_state(sender, name, "In the Drive")
        assert list_remote(sender) == {
            "a.bin": make_file(1000),
            "b.bin": make_file(2000),
            "deep.bin": make_file(3000),
        }


class TestManyFiles:
    def test_are_sent_two_at_a_time(self, sender):
        files = {f"file{number}.bin": make_file(MIB, str(number)) for number in range(5)}
        under_way = {"now": 0, "most": 0}

        def count(request, step):
            if request.method == "PATCH":
                under_way["now"] += step
                under_way["most"] = max(under_way.values())

        sender.page.on("request", lambda request: count(request, 1))
        sender.page.on("requestfinished", lambda request: count(request, -1))

        choose(sender, **files)

        for name in files:
            expect_state(sender, name, "In the Drive")
        assert list_remote(sender) == files
        assert under_way["most"] == 2


class TestInterruptedUpload:
    def test_is_paused_and_resumed(self, sender):
        data = make_file(12 * MIB)
        slow_down(sender, MIB // 4)
        choose(sender, **{"large.bin": data})
        expect_state(sender, "large.bin", "Uploading")
        words = find_row(sender, "large.bin").locator("[data-progress-words]")
        expect(words).to_contain_text("per second")
        expect(words).to_contain_text("left")
        assert violations(sender.page) == []

        find_row(sender, "large.bin").get_by_role("button", name="Pause").click()
        expect_state(sender, "large.bin", "Paused")
        slow_down(sender, -1)
        find_row(sender, "large.bin").get_by_role("button", name="Resume").click()

        expect_state(sender, "large.bin", "In the Drive")
        assert list_remote(sender) == {"large.bin": data}
        assert sender.offsets[0] == 0
        assert len(sender.offsets) >= 2

    def test_continues_after_the_network_was_away(self, sender, relay):
        data = make_file(12 * MIB)
        sender.page.goto(f"http://{urlsplit(sender.url).hostname}:{relay.port}{PAGE}")
        slow_down(sender, MIB)
        choose(sender, **{"large.bin": data})
        row = find_row(sender, "large.bin")
        expect(row.locator("[data-progress-words]")).to_contain_text("left")
        sender.page.wait_for_timeout(5000)

        relay.break_off()
        expect(row.locator("[data-note]")).to_contain_text("No connection")
        slow_down(sender, -1)
        relay.mend()

        expect_state(sender, "large.bin", "In the Drive")
        assert list_remote(sender) == {"large.bin": data}
        assert max(sender.offsets) > 0
        assert {file["creations"] for file in sender.google.drive_files(sender.account)} == {1}

    @pytest.mark.claim("cookies.file-storage")
    def test_continues_after_a_reload(self, sender, tmp_path):
        data = make_file(12 * MIB)
        path = tmp_path / "large.bin"
        path.write_bytes(data)
        slow_down(sender, MIB)
        sender.page.locator("#id_files").set_input_files(path)
        expect(find_row(sender, "large.bin").locator("[data-progress-words]")).to_contain_text(
            "left"
        )
        sender.page.wait_for_timeout(2500)
        (entry,) = list_stored_uploads(sender)
        assert "/v1/users/me/files/" in entry
        assert "large" not in entry
        sender.page.on("dialog", lambda dialog: dialog.accept())
        sender.page.reload()

        row = find_row(sender, "large.bin")
        expect(row.locator("[data-note]")).to_have_text("Choose the same file again to continue.")
        assert violations(sender.page) == []
        slow_down(sender, -1)
        sender.page.locator("#id_files").set_input_files(path)

        expect(sender.page.locator(".file")).to_have_count(1)
        expect_state(sender, "large.bin", "In the Drive")
        assert list_remote(sender) == {"large.bin": data}
        assert max(sender.offsets) > 0
        assert list_stored_uploads(sender) == []

    def test_is_cancelled(self, sender):
        slow_down(sender, MIB)
        choose(sender, **{"large.bin": make_file(12 * MIB)})
        expect_state(sender, "large.bin", "Uploading")

        find_row(sender, "large.bin").get_by_role("button", name="Cancel").click()

        expect_state(sender, "large.bin", "Cancelled")
        find_row(sender, "large.bin").get_by_role("button", name="Remove from the list").click()
        expect(sender.page.locator(".file")).to_have_count(0)
        expect(sender.page.get_by_text("No files yet.")).to_be_visible()
        assert list_remote(sender) == {}


class TestFileThatWasSentBefore:
    def test_is_sent_again_only_if_the_person_says_so(self, sender):
        files = {"same.bin": make_file(1000)}
        choose(sender, **files)
        expect_state(sender, "same.bin", "In the Drive")
        dialog = sender.page.get_by_role("dialog")

        choose(sender, **files)
        expect(dialog).to_contain_text("same.bin")
        assert violations(sender.page) == []
        dialog.get_by_role("button", name="Leave it out").click()
        expect(sender.page.locator(".file")).to_have_count(1)
        choose(sender, **files)
        dialog.get_by_role("button", name="Upload again").click()

        expect(sender.page.locator(".file .badge.good")).to_have_count(2)
        expect(sender.page.locator(".file").first).to_contain_text("Both are kept")
        remote = sender.google.drive_files(sender.account)
        assert [file["name"] for file in remote].count("same.bin") == 2


class TestRecordForContinuing:
    """An entry of the browser's storage goes only if the upload has ended."""

    def test_stays_when_the_session_ends(self, sender, tmp_path):
        path = make_path(tmp_path)
        sender.page.route(FILE_URLS, lambda route: end_session(sender, route))
        sender.page.locator("#id_files").set_input_files(path)

        note = find_row(sender, "large.bin").locator("[data-note]")
        expect(note).to_have_text("Sign in again, then reload this page.")
        assert len(list_stored_uploads(sender)) == 1
        sender.page.unroute(FILE_URLS)
        sender._take_cookies()
        sender.page.reload()
        expect(note).to_have_text("Choose the same file again to continue.")
        sender.page.locator("#id_files").set_input_files(path)

        expect(sender.page.locator(".file")).to_have_count(1)
        expect_state(sender, "large.bin", "In the Drive")
        assert list_stored_uploads(sender) == []

    def test_stays_when_another_window_pauses(self, sender):
        slow_down(sender, MIB // 4)
        choose(sender, **{"large.bin": make_file(4 * MIB)})
        expect_state(sender, "large.bin", "Uploading")

        (file,) = sender.http_person.api("/files")["data"]
        sender.http_person.send("POST", f"/files/{file['id']}/pause")
        slow_down(sender, -1)

        expect_state(sender, "large.bin", "Paused")
        assert len(list_stored_uploads(sender)) == 1
        expect(sender.page.locator("[data-files-status]")).not_to_contain_text("Failed")
        find_row(sender, "large.bin").get_by_role("button", name="Resume").click()
        expect_state(sender, "large.bin", "In the Drive")
        assert list_stored_uploads(sender) == []

    def test_is_used_if_the_list_of_states_lacks_the_upload(self, sender, tmp_path):
        path = make_path(tmp_path)
        sender.page.route(FILE_URLS, refuse_patch(status=503))
        sender.page.locator("#id_files").set_input_files(path)
        note = find_row(sender, "large.bin").locator("[data-note]")
        expect(note).to_contain_text("tries again by itself")
        sender.page.on("dialog", lambda dialog: dialog.accept())
        sender.page.route("**/files/states/", lambda route: route.fulfill(json={"files": {}}))
        sender.page.reload()
        expect(note).to_have_text("Choose the same file again to continue.")
        sender.page.unroute(FILE_URLS)
        sender.page.locator("#id_files").set_input_files(path)

        expect(sender.page.locator(".file")).to_have_count(1)
        expect_state(sender, "large.bin", "In the Drive")
        assert len(sender.http_person.api("/files")["data"]) == 1


class TestRefusedBytes:
    def test_are_sent_again_after_too_many_requests(self, sender):
        headers = {"Retry-After": "3"}
        refuse = refuse_patch(status=429, headers=headers, json={"code": "rate-limited"})
        sender.page.route(FILE_URLS, refuse, times=1)

        choose(sender, **{"large.bin": make_file(MIB)})

        expect(find_row(sender, "large.bin").locator("[data-note]")).to_have_text(
            "Too many requests. Antares continues by itself."
        )
        expect_state(sender, "large.bin", "In the Drive")

    def test_are_explained_until_the_person_tries_again(self, sender):
        problem = {"code": "bad-request", "title": "The request is not valid."}
        sender.page.route(FILE_URLS, refuse_patch(status=400, json=problem))
        choose(sender, **{"large.bin": make_file(MIB)})
        row = find_row(sender, "large.bin")
        expect(row.locator("[data-note]")).to_have_text("The request is not valid.")

        with sender.page.expect_response("**/files/states/"):
            pass
        sender.page.wait_for_timeout(1000)

        expect_state(sender, "large.bin", "Failed")
        expect(row.locator("[data-note]")).to_have_text("The request is not valid.")
        sender.page.unroute(FILE_URLS)
        row.get_by_role("button", name="Try again").click()
        expect_state(sender, "large.bin", "In the Drive")
        expect(sender.page.locator(".file")).to_have_count(1)


class TestFileChangedOnTheDisk:
    def test_is_not_taken_for_a_broken_connection(self, sender, tmp_path):
        path = make_path(tmp_path)
        sender.page.route(FILE_URLS, refuse_patch(status=503), times=1)
        sender.page.locator("#id_files").set_input_files(path)
        note = find_row(sender, "large.bin").locator("[data-note]")
        expect(note).to_contain_text("tries again by itself")

        path.write_bytes(b"other")

        expect(note).to_contain_text("changed or moved")
        expect_state(sender, "large.bin", "Failed")
        assert len(list_stored_uploads(sender)) == 1


class TestFileOfAnotherWindow:
    def test_shows_bytes_as_the_service_counts_them(self, sender):
        slow_down(sender, MIB // 4)
        choose(sender, **{"large.bin": make_file(4 * MIB)})
        expect_state(sender, "large.bin", "Uploading")
        (file,) = sender.http_person.api("/files")["data"]
        row = find_row(sender, "large.bin")
        counted = {"state": "paused", "received": 2 * MIB, "size": None}
        sender.page.route(
            "**/files/states/", lambda route: route.fulfill(json={"files": {file["id"]: counted}})
        )

        row.get_by_role("button", name="Pause").click()

        words = row.locator("[data-progress-words]")
        expect(words).to_have_text("2.0\xa0MB")
        expect(row.locator("progress")).not_to_have_attribute("value", re.compile("."))
        counted |= {"received": 3 * MIB, "size": 4 * MIB}
        expect(words).to_have_text("3.0\xa0MB of 4.0\xa0MB")
        expect(row.locator("progress")).to_have_attribute("value", str(3 * MIB))


class TestFileCancelledBeforeItHasAnAddress:
    def test_is_cancelled_once_the_service_has_created_it(self, sender):
        held = []
        sender.page.route(CREATIONS, lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers, which a built-in method does not allow
        with sender.page.expect_request(CREATIONS):
            choose(sender, **{"large.bin": make_file(MIB)})

        find_row(sender, "large.bin").get_by_role("button", name="Cancel").click()
        expect(sender.page.locator(".file")).to_have_count(0)
        with sender.page.expect_response("**/files/*/cancel"):
            held[0].continue_()

        (file,) = sender.http_person.api("/files")["data"]
        assert file["state"] == "cancelled"
        assert sender.offsets == []
        assert list_stored_uploads(sender) == []

    def test_is_not_created_after_a_wait(self, sender):
        creations = []

        def refuse(route):
            creations.append(route)
            route.fulfill(status=503, headers={"Retry-After": "3"}, json={"code": "busy"})

        sender.page.route(CREATIONS, refuse)
        choose(sender, **{"large.bin": make_file(MIB)})
        row = find_row(sender, "large.bin")
        expect(row.locator("[data-note]")).to_contain_text("tries again by itself")
        # The client's own pause is over, and that of the answer is not.
        sender.page.wait_for_timeout(1500)

        row.get_by_role("button", name="Cancel").click()
        sender.page.wait_for_timeout(3000)

        assert len(creations) == 1
        expect(sender.page.locator(".file")).to_have_count(0)


class TestFolderOfTheDrive:
    def test_is_chosen_at_the_provider(self, sender):
        folder_id = sender.google.add_folder(sender.account, "Contracts")
        sender.page.get_by_role("button", name="Choose a folder in the Drive").click()
        sender.page.wait_for_url(f"{sender.service.sandbox_url}/**")
        sender.page.locator(f'input[name="account"][value="{sender.account}"]').check()
        sender.page.locator(f'input[value="{folder_id}"]').check()
        sender.page.get_by_role("button", name="Allow", exact=True).click()

        expect(sender.page.locator(".messages")).to_contain_text("the folder you chose")
        assert sender.page.url == f"{sender.url}{PAGE}"
        choose(sender, **{"a.bin": make_file(1000)})
        expect_state(sender, "a.bin", "In the Drive")
        remote = {file["name"]: file for file in sender.google.drive_files(sender.account)}
        assert remote["a.bin"]["parents"] == [folder_id]
        sender.page.get_by_role("button", name="own folder").click()
        expect(sender.page.locator("#folder")).to_contain_text("Antares")


class TestPhone:
    def test_fits_while_a_file_is_sent(self, sender):
        sender.page.set_viewport_size({"width": 390, "height": 844})
        slow_down(sender, MIB // 8)
        choose(sender, **{"A very long name of a file of the old harbour.bin": make_file(2 * MIB)})
        expect_state(sender, "A very long name", "Uploading")

        assert violations(sender.page) == []


class TestFullDrive:
    def test_is_explained(self, sender):
        sender.google.limit_drive(sender.account, 1_000_000)

        choose(sender, **{"large.bin": make_file(3 * MIB)})

        expect_state(sender, "large.bin", "Failed")
        expect(find_row(sender, "large.bin")).to_contain_text("The Drive is full")
        assert violations(sender.page) == []
        sender.google.limit_drive(sender.account, 0)
        find_row(sender, "large.bin").get_by_role("button", name="Try again").click()
        expect_state(sender, "large.bin", "In the Drive")
        expect(sender.page.locator(".file")).to_have_count(1)

    def test_keeps_the_entry_while_it_is_not_connected(self, sender):
        sender.google.limit_drive(sender.account, 1_000_000)
        choose(sender, **{"large.bin": make_file(3 * MIB)})
        expect_state(sender, "large.bin", "Failed")
        sender.page.evaluate("document.querySelector('#id_drive').disabled = true")

        find_row(sender, "large.bin").get_by_role("button", name="Try again").click()

        expect(find_row(sender, "large.bin").locator("[data-note]")).to_have_text(
            "Connect the Drive again, then try again."
        )
        assert violations(sender.page) == []
        assert len(sender.http_person.api("/files")["data"]) == 1

    def test_keeps_the_entry_if_it_cannot_be_removed(self, sender):
        sender.google.limit_drive(sender.account, 1_000_000)
        choose(sender, **{"large.bin": make_file(3 * MIB)})
        expect_state(sender, "large.bin", "Failed")
        row = find_row(sender, "large.bin")
        sender.page.route("**/files/*-*/", lambda route: route.fulfill(status=503))

        row.get_by_role("button", name="Try again").click()

        expect(row.locator("[data-note]")).to_have_text("That did not work. Try again.")
        expect(sender.page.locator(".file")).to_have_count(1)
        assert len(sender.http_person.api("/files")["data"]) == 1

    def test_is_used_again_although_another_is_selected(self, sender):
        other = f"other-{sender.account}"
        sender.google.seed(other, name=sender.person["name"], messages=[])
        sender.http_person.connect(other, product="drive")
        sender.page.reload()
        drives = sender.page.locator("#id_drive")
        drives.select_option(label=sender.account)
        sender.google.limit_drive(sender.account, 1_000_000)
        choose(sender, **{"large.bin": make_file(3 * MIB)})
        expect_state(sender, "large.bin", "Failed")
        sender.google.limit_drive(sender.account, 0)

        drives.select_option(label=other)
        find_row(sender, "large.bin").get_by_role("button", name="Try again").click()

        expect_state(sender, "large.bin", "In the Drive")
        assert list(list_remote(sender)) == ["large.bin"]


def make_path(folder: Path) -> Path:
    path = folder / "large.bin"
    path.write_bytes(make_file(MIB))
    return path


def refuse_patch(**answer):
    """Return a route that answers each PATCH so, and lets other requests pass."""

    def refuse(route):
        if route.request.method == "PATCH":
            route.fulfill(**answer)
        else:
            route.continue_()

    return refuse


def end_session(visitor, route) -> None:
    """Break the connection of a PATCH, and sign the person out in the browser."""
    if route.request.method == "PATCH":
        visitor.context.clear_cookies()
        route.abort("connectionreset")
    else:
        route.continue_()


def drop(visitor, paths: list[Path]) -> None:
    """Drop files and folders of the disk onto the page."""
    session = visitor.context.new_cdp_session(visitor.page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for event in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": event, "x": 300, "y": 300, "data": data})


def slow_down(visitor, rate: int) -> None:
    """Limit what the browser sends, in bytes a second; -1: no limit."""
    if not hasattr(visitor, "network"):
        visitor.network = visitor.context.new_cdp_session(visitor.page)
        visitor.network.send("Network.enable")
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": rate}
    visitor.network.send("Network.emulateNetworkConditions", {"offline": False, **conditions})
