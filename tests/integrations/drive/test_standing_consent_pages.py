"""Pages on which an owner gives, sees and withdraws standing consents."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import connections
from integrations.drive import standing_consent_ends
from integrations.models import OPEN_FILE_STATES, DriveFile, DriveFolder, FileKind, StandingConsent
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from tests.integrations.drive.feature_world import MIB, RECORDINGS, WAV, FeatureWorld
from tests.integrations.drive.tus_files import UNIT, make_file
from tests.integrations.google import ALICE_BOX
from tests.walls import acting_as, requests_act_as_web  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.clause("LU-2.1"), pytest.mark.clause("AN-7")]

LIST = "/files/standing-consents/"
NEW = f"{LIST}new/{RECORDINGS}/"


@pytest.fixture
def world(alice, drive, google, requests_act_as_web) -> FeatureWorld:  # noqa: F811
    return FeatureWorld(alice, drive, google)


@pytest.fixture
def browser(alices):
    return alices.client


def make_form(drive, **more) -> dict:
    return {
        "version": FEATURES[RECORDINGS].version,
        "drive": str(drive.id),
        f"folder_{drive.id}": "own",
        "kinds": ["audio", "text"],
        "max_megabytes": "20",
        "max_count": "2",
        "last_day": (timezone.now() + timedelta(days=30)).date().isoformat(),
        "agree": "yes",
        **more,
    }


def read_text(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestGiving:
    def test_shows_the_disclosure_the_folder_and_the_bounds(self, world, browser):
        text = read_text(browser.get(NEW))

        assert FEATURES[RECORDINGS].disclosure in text
        assert "Antares (created when you agree)" in text
        for word in ("Audio", "Video", "PDF", "Largest file", "Number of files", "Last day"):
            assert word in text

    @pytest.mark.claim("standing.bounds", "standing.without")
    def test_lets_the_feature_save_within_the_bounds(self, world, browser, files):
        answer = browser.post(NEW, make_form(world.drive))

        assert (answer.status_code, answer["Location"]) == (302, LIST)
        consent = StandingConsent.objects.get()
        assert set(consent.kinds) == {FileKind.AUDIO, FileKind.TEXT}
        assert (consent.max_bytes, consent.max_count) == (20 * MIB, 2)
        assert timedelta(days=30) < consent.expires_at - consent.created_at <= timedelta(days=31)
        assert DriveFolder.objects.count() == 1
        data = make_file(UNIT)
        world.files.upload(data, content_type=WAV)
        (folder,) = [file for file in files.list_everything() if "folder" in file["mime_type"]]
        assert files.check_remote(data)["parents"] == [folder["id"]]
        answer = world.files.create(10, content_type="video/mp4")
        assert answer["Upload-State"] == "proposed"

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"kinds": []}, "Choose at least one kind of files."),
            ({"kinds": ["exe"]}, "exe is not one of the available choices"),
            ({"max_megabytes": "0"}, "greater than or equal to 1"),
            ({"max_megabytes": "50000"}, "less than or equal to 47683"),
            ({"max_count": "1001"}, "less than or equal to 1000"),
            ({"last_day": "2020-01-01"}, "less than a year ahead"),
            ({"last_day": "2120-01-01"}, "less than a year ahead"),
            ({"agree": ""}, "Tick the box to agree."),
            ({"version": "0"}, "The description has changed."),
        ],
    )
    def test_names_what_is_wrong(self, world, browser, more, says):
        answer = browser.post(NEW, make_form(world.drive, **more))

        assert answer.status_code == 400
        assert says in read_text(answer)
        assert not StandingConsent.objects.exists()

    def test_again_says_that_there_is_one(self, world, browser):
        world.give()

        answer = browser.post(NEW, make_form(world.drive))

        assert "already has a standing consent" in read_text(answer)
        assert StandingConsent.objects.count() == 1

    def test_needs_the_feature_switched_on(self, world, browser):
        world.switch_off()

        answer = browser.post(NEW, make_form(world.drive))

        assert answer["Location"] == reverse("settings-feature", args=[RECORDINGS])
        assert not StandingConsent.objects.exists()

    @pytest.mark.parametrize("key", ["inbox-widget", "drive", "campaigns", "nothing"])
    def test_is_for_features_that_save_files(self, world, browser, key):
        assert browser.get(f"{LIST}new/{key}/").status_code == 404

    def test_for_the_drive_of_another_person_is_refused(self, world, browser_of, bob):
        stranger = browser_of(bob).client

        stranger.post(NEW, make_form(world.drive))

        assert not StandingConsent.objects.exists()


class TestFolder:
    """A consent covers the folder that the page showed, or none."""

    @pytest.mark.claim("standing.bounds")
    def test_chosen_after_the_page_was_shown_is_asked_for_again(
        self, world, browser, alices, files
    ):
        form = read_form(browser.get(NEW), world.drive)
        folder_id = choose_folder(alices, world, "Private")

        answer = browser.post(NEW, form)

        assert answer.status_code == 400
        assert "The folder has changed" in read_text(answer)
        assert "Private" in read_text(answer)
        assert not re.search(r"<input[^>]*agree[^>]*checked", answer.text)
        assert not StandingConsent.objects.exists()
        answer = browser.post(NEW, read_form(answer, world.drive))
        assert (answer.status_code, answer["Location"]) == (302, LIST)
        world.files.upload(make_file(10), content_type=WAV)
        (remote,) = files.list_remote()
        assert remote["parents"] == [folder_id]

    def test_that_is_no_longer_chosen_is_asked_for_again(self, world, browser, alices):
        choose_folder(alices, world, "Private")
        form = read_form(browser.get(NEW), world.drive)
        browser.post("/files/folder/", {"drive": world.drive.id, "action": "own"})

        answer = browser.post(NEW, form)

        assert "The folder has changed" in read_text(answer)
        assert "Antares (created when you agree)" in read_text(answer)
        assert not StandingConsent.objects.exists()

    def test_of_no_page_is_asked_for(self, world, browser):
        form = make_form(world.drive)
        del form[f"folder_{world.drive.id}"]

        answer = browser.post(NEW, form)

        assert answer.status_code == 400
        assert "The folder has changed" in read_text(answer)
        assert not StandingConsent.objects.exists()

    def test_chosen_while_the_drive_is_asked_is_asked_for_again(
        self, world, browser, alices, during_creation
    ):
        form = read_form(browser.get(NEW), world.drive)
        during_creation(lambda: choose_folder(alices, world, "Private"), is_before=False)

        answer = browser.post(NEW, form)

        assert answer.status_code == 400
        assert read_text(answer).count("The folder has changed") == 1
        assert not StandingConsent.objects.exists()

    def test_changed_with_another_mistake_is_asked_for_again(self, world, browser, alices):
        form = read_form(browser.get(NEW), world.drive)
        choose_folder(alices, world, "Private")

        answer = browser.post(NEW, {**form, "kinds": []})

        assert "The folder has changed" in read_text(answer)
        assert "Choose at least one kind of files." in read_text(answer)
        assert not re.search(r"<input[^>]*agree[^>]*checked", answer.text)

    def test_created_by_an_upload_is_the_one_that_the_page_named(self, world, browser, files):
        form = read_form(browser.get(NEW), world.drive)
        files.upload(make_file(10))

        answer = browser.post(NEW, form)

        assert (answer.status_code, answer["Location"]) == (302, LIST)


def read_form(answer, drive) -> dict:
    """Return the form as the browser sends it, once the owner has agreed."""
    name = f"folder_{drive.id}"
    key = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert key
    return make_form(drive, **{name: key[1]})


def choose_folder(alices, world, name: str) -> str:
    folder_id = world.sandbox.add_folder(ALICE_BOX, name)
    data = {"drive": world.drive.id, "action": "choose"}
    address = alices.client.post("/files/folder/", data)["Location"]
    alices.arrive(world.sandbox.pick(address, folder_id))
    return folder_id


class TestList:
    def test_is_empty_at_first(self, world, browser):
        assert "No standing consent" in read_text(browser.get(LIST))

    @pytest.mark.claim("standing.count")
    def test_shows_bounds_and_what_is_used(self, world, browser, files):
        world.give(max_bytes=10 * MIB, max_count=3)
        world.files.upload(make_file(10), content_type=WAV)
        failed = world.files.begin(10, content_type=WAV)
        files.http.post(f"{failed}/cancel")

        text = read_text(browser.get(LIST))

        for part in ("Recordings in Drive", "Audio, Text", "10.0", "2 of 3 used", "Antares"):
            assert part in text, part

    def test_is_linked_where_the_feature_is_switched(self, world, browser):
        for page in (reverse("settings-access"), reverse("settings-feature", args=[RECORDINGS])):
            assert LIST in browser.get(page).content.decode()

    def test_shows_nothing_of_others(self, world, browser_of, bob):
        world.give()

        assert "of 3 used" not in read_text(browser_of(bob).client.get(LIST))


def let_expire(world, consent):
    at = timezone.now()
    StandingConsent.objects.update(created_at=at - timedelta(days=1), expires_at=at)
    agreements = Consent.objects.filter(item=consent.id)
    agreements.update(given_at=at - timedelta(days=1), expires_at=at)
    with acting_as(ProcessClass.PURGE):
        standing_consent_ends.end_due_consents(at=at)


def disconnect(world, _):
    connections.disconnect_integration(
        integration_id=world.drive.id,
        user_id=world.user.id,
        organisation_id=world.organisation.id,
        at=timezone.now(),
    )


#: What ends a consent, in the words of the page.
ENDS = {
    "on the last day": let_expire,
    "when you withdraw it": lambda world, consent: world.withdraw(consent),
    "when you switch the feature off": lambda world, _: world.switch_off(),
    "when you disconnect the Drive": disconnect,
}
SAID = [
    "Without one, it can only propose a file to you.",
    "the feature saves files in this one folder. Any other file is proposed to you.",
    "A file that fails or is cancelled also counts.",
    "Antares checks the size of each file.",
    "It goes by the type that the feature declares, and does not look into the file.",
    "Takes effect at once. Files in your Drive stay there.",
    "The standing consent is withdrawn. Files that were on their way are cancelled.",
]


class TestWords:
    """Each fact that a sentence of the pages states, against rows and the Drive."""

    @pytest.mark.claim("standing.ends")
    @pytest.mark.parametrize("end", ENDS)
    def test_name_what_ends_it(self, world, browser, files, run_worker, end):
        words = r"It ends (.+?)\. Files that are then on their way are (\w+)\."
        ends, fate = re.search(words, read_text(browser.get(NEW))).groups()
        assert (re.split(r",(?: and)? ", ends), fate) == (list(ENDS), "stopped")
        consent = world.give()
        address = world.files.begin(2 * UNIT, content_type=WAV)
        world.files.send(address, make_file(UNIT))

        ENDS[end](world, consent)

        assert Consent.objects.get(item=consent.id).withdrawn_at
        assert not DriveFile.objects.filter(state__in=OPEN_FILE_STATES).exists()
        run_worker()
        answer = world.files.send(address, make_file(UNIT), offset=UNIT)
        assert answer.status_code in {401, 403, 404, 410}
        assert files.list_remote() == []

    @pytest.mark.claim("standing.without", "standing.bounds", "standing.count")
    @pytest.mark.claim("standing.declared-type", "standing.withdraw-at-once", "standing.withdrawn")
    def test_name_what_the_feature_may_do(self, world, browser, files):
        pages = read_text(browser.get(NEW)), read_text(browser.get(LIST))
        assert world.files.create(10, content_type=WAV)["Upload-State"] == "proposed"
        consent = world.give(max_bytes=MIB, max_count=4)
        # Not looked into: an archive that the feature declares as audio.
        saved = b"PK\x03\x04" + make_file(10)
        world.files.upload(saved, content_type=WAV)
        remote = files.check_remote(saved)
        for size, content_type in [(10, "video/mp4"), (MIB + 1, WAV)]:
            answer = world.files.create(size, content_type=content_type)
            assert answer["Upload-State"] == "proposed"
        files.sandbox.fail_upload("damage")
        failed = world.files.begin(10, content_type=WAV)
        world.files.send(failed, make_file(10))
        cancelled = world.files.begin(10, content_type=WAV)
        files.http.post(f"{cancelled}/cancel")
        on_its_way = world.files.begin(10, content_type=WAV)
        consent.refresh_from_db()
        assert consent.saved_count == 4
        (folder,) = [one for one in files.list_everything() if "folder" in one["mime_type"]]
        assert remote["parents"] == [folder["id"]]

        pages += (read_text(browser.get(LIST)),)
        pages += (read_text(browser.post(f"{LIST}{consent.id}/withdraw/", follow=True)),)
        assert "Ended" in pages[-1]
        assert browser.post(f"{LIST}{consent.id}/withdraw/").status_code == 404

        states = [files.read(address)["state"] for address in (failed, cancelled, on_its_way)]
        assert states == ["failed", "cancelled", "cancelled"]
        assert [one["id"] for one in files.list_remote() if not one["trashed"]] == [remote["id"]]
        assert [text for text in SAID if text not in " ".join(pages)] == []


class TestWithdrawing:
    def test_is_the_owners(self, world, browser_of, bob):
        consent = world.give()

        answer = browser_of(bob).client.post(f"{LIST}{consent.id}/withdraw/")

        assert answer.status_code == 404
        consent.refresh_from_db()
        assert consent.ended_at is None
