"""Files that a platform feature proposes, or saves under a standing consent, through the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import transaction
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.access import drive_permits
from integrations.drive import (
    feature_files,
    standing_consent_creation,
    standing_consent_ends,
    standing_consents,
    upload_stream,
    uploads,
)
from integrations.models import (
    DriveFile,
    FileKind,
    FileSourceKind,
    StandingConsent,
)
from limited_use.agreements import consents
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import entries
from limited_use.models import Consent, Leaf
from limited_use.policy.feature_registry import FEATURES
from tests.api.schema import problem
from tests.api.test_limited_use import list_entries_since
from tests.factories import make_connection, make_integration, make_message
from tests.integrations.drive.feature_world import (
    MIB,
    RECORDINGS,
    WAV,
    FeatureWorld,
    get_client,
    make_undeclared_client,
)
from tests.integrations.drive.tus_files import FILES, UNIT, FileClient, make_file
from tests.walls import acting_as, requests_act_as_web  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.clause("LU-1"),
    pytest.mark.clause("LU-2.1"),
    pytest.mark.clause("AN-7"),
]


@pytest.fixture
def world(alice, drive, google, requests_act_as_web) -> FeatureWorld:  # noqa: F811
    return FeatureWorld(alice, drive, google)


def refuse(answer, before: int, rule: str) -> dict:
    """Check that a request was refused by that rule, and that the ledger has the refusal."""
    body = problem(answer, 403, "limited-use-refused")
    assert body["rule"] == rule, body
    entry = {entry["id"]: entry for entry in list_entries_since(before)}[body["ledger_entry"]]
    assert (entry["event"], entry["rule"]) == ("use.refused", rule)
    return body


@pytest.mark.claim("feature.recordings", "feature.recordings-disclosure")
class TestProposal:
    def test_waits_for_the_owner_and_stores_no_byte(self, world, files):
        data = make_file(UNIT)

        answer = world.files.create(len(data), filename="Call.wav", content_type=WAV)

        assert (answer.status_code, answer["Upload-State"]) == (201, "proposed")
        problem(world.files.send(answer["Location"], data), 409, "upload-not-open")
        assert world.files.ask(answer["Location"]) == 0
        file = DriveFile.objects.get()
        assert (file.state, file.proposed_by, file.transfer) == ("proposed", RECORDINGS, None)
        assert file.expires_at - file.created_at == timedelta(days=14)
        assert files.list_everything() == []

    def test_is_sent_by_the_feature_once_the_owner_accepts(self, world, files):
        data = make_file(UNIT + 5)
        address = world.files.begin(len(data), filename="Call.wav", content_type=WAV)

        accepted = files.http.post(f"{address}/accept")

        assert accepted.json()["state"] == "waiting"
        assert world.files.send(address, data).status_code == 204
        remote = files.check_remote(data)
        assert (remote["name"], remote["mime_type"]) == ("Call.wav", WAV)
        assert files.read(address)["link"]

    def test_that_is_declined_takes_no_bytes(self, world, files, run_worker):
        address = world.files.begin(10, content_type=WAV)

        assert files.http.post(f"{address}/cancel").json()["state"] == "cancelled"
        run_worker()

        problem(world.files.send(address, make_file(10)), 409, "upload-not-open")
        assert files.list_everything() == []

    def test_shows_the_feature_its_own_files_without_their_place(self, world, files):
        files.upload(make_file(4), filename="private.txt", content_type="text/plain")
        address = world.files.begin(10, filename="private.txt", content_type="text/plain")
        files.http.post(f"{address}/accept")
        world.files.send(address, make_file(10))

        (seen,) = world.files.list()

        assert seen == world.files.read(address)
        assert (seen["state"], seen["link"], seen["is_namesake"]) == ("done", None, False)
        assert [file["is_namesake"] for file in files.list()] == [True, False]
        assert DriveFile.objects.count() == 2

    def test_beyond_20_is_refused(self, world, monkeypatch):
        monkeypatch.setattr(feature_files, "MAX_PROPOSALS", 2)
        for _ in range(2):
            world.files.begin(10, content_type=WAV)

        problem(world.files.create(10, content_type=WAV), 409, "upload-queue-full")

    def test_of_the_real_bound_is_20(self):
        assert feature_files.MAX_PROPOSALS == 20

    def test_of_the_same_name_is_the_business_of_the_feature(self, world):
        for _ in range(2):
            world.files.begin(10, content_type=WAV)

        assert DriveFile.objects.count() == 2

    def test_above_the_size_of_any_file_is_refused(self, world):
        answer = world.files.create(uploads.MAX_FILE_BYTES + 1, content_type=WAV)

        problem(answer, 413, "file-too-large")

    def test_ends_after_14_days(self, world):
        world.files.begin(10, content_type=WAV)

        uploads.give_up_abandoned_files(at=timezone.now() + timedelta(days=14))

        file = DriveFile.objects.get()
        assert (file.state, file.problem) == ("failed", "abandoned")

    def test_is_taken_back_by_the_feature(self, world, files):
        address = world.files.begin(10, content_type=WAV)

        assert world.http.delete(address, headers={"Tus-Resumable": "1.0.0"}).status_code == 204

        assert files.read(address)["state"] == "cancelled"

    def test_goes_when_the_feature_is_switched_off(self, world, files):
        address = world.files.begin(10, content_type=WAV)
        sent = world.files.begin(2 * UNIT, content_type=WAV)
        files.http.post(f"{sent}/accept")
        world.files.send(sent, make_file(UNIT))

        world.switch_off()

        assert files.http.get(address).status_code == 404
        assert files.read(sent)["state"] == "cancelled"
        assert world.http.get(FILES).status_code == 401
        world.switch_on()
        assert world.files.list() == []

    def test_can_be_accepted_by_its_owner_alone(self, world, browser_of, bob):
        address = world.files.begin(10, content_type=WAV)

        problem(world.http.post(f"{address}/accept"), 403, "limited-use-refused")
        problem(browser_of(bob).client.post(f"{address}/accept"), 404, "not-found")
        assert DriveFile.objects.get().state == "proposed"


class TestFeature:
    """What a feature with files cannot do."""

    @pytest.fixture
    def address(self, world, files) -> str:
        """Of a file that is in the Drive."""
        address = world.files.begin(10, content_type=WAV)
        files.http.post(f"{address}/accept")
        assert world.files.send(address, make_file(10)).status_code == 204
        return address

    @pytest.mark.parametrize("action", ["pause", "resume", "retry", "accept"])
    def test_does_not_act_for_the_owner(self, world, address, action):
        problem(world.http.post(f"{address}/{action}"), 403, "limited-use-refused")

    def test_removes_nothing(self, world, files, address):
        headers = {"Tus-Resumable": "1.0.0"}

        problem(
            world.http.delete(f"{address}?trash=true", headers=headers), 403, "limited-use-refused"
        )
        problem(world.http.delete(address, headers=headers), 409, "upload-not-open")

        assert len(files.list_remote()) == 1
        assert DriveFile.objects.count() == 1

    def test_neither_sees_nor_sends_files_of_the_owner(self, world, files):
        address = files.begin(10)

        problem(world.http.get(address), 404, "not-found")
        problem(world.files.send(address, make_file(10)), 404, "not-found")
        assert world.http.head(address, headers={"Tus-Resumable": "1.0.0"}).status_code == 404

    def test_reads_no_mail(self, world, alice):
        make_message(make_integration(make_connection(alice, world.organisation)))
        before = Leaf.objects.count()

        for path in ("messages", "threads"):
            answer = world.http.get(f"/v1/users/me/{path}")
            refuse(answer, before, "features-save-own-files-only")

    def test_is_not_the_owner_for_the_guard(self, world):
        """Otherwise a feature could accept its own proposal, or upload without one."""
        for permit in (drive_permits.to_store_entry, drive_permits.to_upload_own_file):
            with pytest.raises(AccessRefused) as caught:
                permit(actor=world.actor, integration_id=world.drive.id, at=timezone.now())
            assert caught.value.decision.missing

    def test_proposes_no_attachment(self, world):
        world.files.begin(10, content_type=WAV)

        assert DriveFile.objects.get().source == FileSourceKind.CLIENT


@pytest.mark.invariant(15)
class TestRefusal:
    def test_of_a_feature_without_delegation(self, world):
        with transaction.atomic():
            world.delegation.switched_off_at = timezone.now()
            world.delegation.save()

        problem(world.files.create(10, content_type=WAV), 401, "not-authenticated")

    def test_of_a_feature_that_is_being_switched_off(self, world, monkeypatch):
        build = uploads.build_file

        def switch_off_first(*args, **more):
            world.switch_off()
            return build(*args, **more)

        monkeypatch.setattr(uploads, "build_file", switch_off_first)
        before = Leaf.objects.count()

        body = refuse(world.files.create(10, content_type=WAV), before, "feature-proposes-file")

        assert "delegation_live" in body["missing"]
        assert not DriveFile.objects.exists()

    def test_without_consent_to_files(self, world, alice):
        consents.withdraw(
            person_id=alice.id,
            organisation_id=world.organisation.id,
            feature="drive",
            at=timezone.now(),
        )
        before = Leaf.objects.count()

        body = refuse(world.files.create(10, content_type=WAV), before, "feature-proposes-file")

        assert "consent_current" in body["missing"]
        assert {"LU-2.1", "AN-7"} <= set(body["clauses"])

    @pytest.mark.parametrize("path", ["", "/{id}"])
    @pytest.mark.parametrize("method", ["get", "post", "delete"])
    def test_of_the_inbox_widget(self, world, files, path, method):
        address = files.begin(10)
        widget = world.call_as_feature(get_client("inbox-widget", "inbox.display"), "inbox.display")
        before = Leaf.objects.count()

        answer = getattr(widget, method)(f"{FILES}{path.format(id=address.rsplit('/')[-1])}")

        body = refuse(answer, before, "feature-proposes-file")
        assert "feature_registered" in body["missing"]

    @pytest.mark.clause("LU-4.1")
    @pytest.mark.clause("AN-11")
    @pytest.mark.parametrize("path", ["", "/{id}", "/{id}/accept"])
    def test_of_a_campaign(self, world, files, path):
        address = files.begin(10)
        client = make_undeclared_client("campaigns", "marketing")
        campaigns = world.call_as_feature(client, "marketing")
        before = Leaf.objects.count()
        place = f"{FILES}{path.format(id=address.rsplit('/')[-1])}"

        for method in ("get", "post"):
            body = refuse(getattr(campaigns, method)(place), before, "never-market")
            assert {"LU-4.1", "AN-11"} <= set(body["clauses"])

    def test_of_a_campaign_whose_row_names_the_purpose_of_files(self, world):
        client = make_undeclared_client("campaigns", "drive.upload")
        campaigns = world.call_as_feature(client, "drive.upload")
        before = Leaf.objects.count()

        answer = FileClient(campaigns, world.sandbox).create(10, content_type=WAV)

        body = problem(answer, 403, "limited-use-refused")
        assert body["ledger_entry"] in {entry["id"] for entry in list_entries_since(before)}
        assert not DriveFile.objects.exists()


class TestSaving:
    @pytest.fixture
    def consent(self, world) -> StandingConsent:
        return world.give()

    @pytest.mark.claim("feature.recordings-disclosure")
    def test_needs_no_further_answer_of_the_owner(self, world, consent, files):
        data = make_file(MIB)

        answer = world.files.create(len(data), filename="Call.wav", content_type=WAV)

        assert (answer.status_code, answer["Upload-State"]) == (201, "waiting")
        assert world.files.send(answer["Location"], data).status_code == 204
        files.check_remote(data)
        assert files.read(answer["Location"])["standing_consent"] == str(consent.id)
        consent.refresh_from_db()
        assert consent.saved_count == 1

    @pytest.mark.claim("standing.declared-type")
    def test_goes_by_the_declared_type_and_the_counted_bytes(self, world, consent, files):
        archive = b"PK\x03\x04" + make_file(100)
        address = world.files.begin(len(archive), filename="a.wav", content_type=WAV)

        problem(world.files.send(address, archive + b"more"), 413, "file-too-large")
        assert world.files.send(address, archive).status_code == 204

        files.check_remote(archive)

    def test_goes_to_the_folder_of_the_consent(self, world, consent, files):
        world.files.upload(make_file(10), content_type=WAV)

        (folder,) = [file for file in files.list_everything() if "folder" in file["mime_type"]]
        assert [file["parents"] for file in files.list_remote()] == [[folder["id"]]]

    @pytest.mark.parametrize(
        ("size", "content_type"),
        [
            (10 * MIB + 1, WAV),
            (10, "video/mp4"),
            (10, "application/octet-stream"),
            (10, "text/html"),
            (10, "application/vnd.google-apps.document"),
        ],
    )
    def test_outside_of_the_bounds_is_a_proposal(self, world, consent, size, content_type):
        answer = world.files.create(size, content_type=content_type)

        assert answer["Upload-State"] == "proposed"
        consent.refresh_from_db()
        assert consent.saved_count == 0

    def test_beyond_the_number_is_a_proposal(self, world, consent):
        states = [world.files.create(10, content_type=WAV)["Upload-State"] for _ in range(4)]

        assert states == ["waiting"] * 3 + ["proposed"]

    def test_of_the_last_place_at_the_same_time_is_a_proposal(self, world, consent):
        find = standing_consents.find_covering_consent

        def let_another_file_in(*args, **more):
            covering = find(*args, **more)
            StandingConsent.objects.update(saved_count=3)
            return covering

        with patch.object(standing_consents, "find_covering_consent", let_another_file_in):
            answer = world.files.create(10, content_type=WAV)

        assert answer["Upload-State"] == "proposed"
        assert DriveFile.objects.count() == 1

    def test_of_an_empty_file_is_completed_by_a_worker(self, world, consent, files, run_worker):
        world.files.begin(0, content_type="text/plain")
        with acting_as(ProcessClass.SYNC):
            run_worker()

        files.check_remote(b"")

    @pytest.mark.invariant(5)
    def test_stops_in_the_middle_when_the_owner_withdraws(self, world, consent, files, run_worker):
        data = make_file(4 * UNIT)
        address = world.files.begin(len(data), content_type=WAV)
        assert world.files.send(address, data[:UNIT]).status_code == 204

        world.withdraw(consent)

        before = Leaf.objects.count()
        body = refuse(
            world.files.send(address, data[UNIT:], offset=UNIT),
            before,
            "save-under-standing-consent",
        )
        assert body["missing"] == ["standing_consent_covers"]
        answer = world.http.head(address, headers={"Tus-Resumable": "1.0.0"})
        assert answer.status_code == 403
        run_worker()
        assert files.read(address)["state"] == "cancelled"
        assert files.list_remote() == []
        assert world.files.create(10, content_type=WAV)["Upload-State"] == "proposed"

    @pytest.mark.invariant(5)
    def test_stops_the_request_that_is_sending(
        self, world, consent, files, run_worker, monkeypatch
    ):
        monkeypatch.setattr("integrations.drive.digested_bytes.SAVE_SECONDS", 0.0)
        monkeypatch.setattr(upload_stream, "BLOCK_BYTES", UNIT)
        data = make_file(4 * UNIT)
        address = world.files.begin(len(data), content_type=WAV)
        withdrawn = []
        iterate = upload_stream._iterate_blocks

        def withdraw_after_a_block(*args):
            for block in iterate(*args):
                yield block
                if not withdrawn:
                    withdrawn.append(True)
                    world.withdraw(consent)

        monkeypatch.setattr(upload_stream, "_iterate_blocks", withdraw_after_a_block)

        problem(world.files.send(address, data), 423, "upload-locked")

        run_worker()
        assert files.read(address)["state"] == "cancelled"
        assert files.list_remote() == []

    def test_stops_when_the_consent_expires(self, world, files, run_worker):
        end = timezone.now() + timedelta(seconds=2)
        consent = world.give(expires_at=end)
        address = world.files.begin(2 * UNIT, content_type=WAV)
        StandingConsent.objects.update(expires_at=timezone.now())
        Consent.objects.filter(item=consent.id).update(
            given_at=timezone.now() - timedelta(hours=1), expires_at=timezone.now()
        )
        before = Leaf.objects.count()

        refuse(
            world.files.send(address, make_file(2 * UNIT)), before, "save-under-standing-consent"
        )
        with acting_as(ProcessClass.PURGE):
            assert standing_consent_ends.end_due_consents(at=timezone.now()) == 1
        with acting_as(ProcessClass.SYNC):
            run_worker()

        assert files.read(address)["state"] == "cancelled"
        assert world.files.create(10, content_type=WAV)["Upload-State"] == "proposed"

    def test_stops_when_the_feature_is_switched_off(self, world, consent, files):
        address = world.files.begin(2 * UNIT, content_type=WAV)
        world.files.send(address, make_file(UNIT))

        world.switch_off()

        assert world.http.get(FILES).status_code == 401
        assert files.read(address)["state"] == "cancelled"
        world.switch_on()
        assert world.files.create(10, content_type=WAV)["Upload-State"] == "proposed"


class TestStandingConsent:
    def test_is_in_the_ledger(self, world):
        before = Leaf.objects.count()

        consent = world.give()
        world.withdraw(consent)

        agreements = [
            entry for entry in list_entries_since(before) if entry["event"].startswith("consent.")
        ]
        assert [entry["event"] for entry in agreements] == ["consent.given", "consent.withdrawn"]
        given = agreements[0]["body"]
        assert (given["feature"], given["purpose"]) == (RECORDINGS, "drive.upload")
        assert given["recipient"] == "own_provider"
        assert given["item"] == entries.get_ledger_pseudonym(consent.id)

    @pytest.mark.parametrize(
        "bounds",
        [
            {"kinds": frozenset()},
            {"max_bytes": 0},
            {"max_bytes": uploads.MAX_FILE_BYTES + 1},
            {"max_count": 0},
            {"max_count": 1_001},
            {"expires_at": timezone.now() - timedelta(days=1)},
            {"expires_at": timezone.now() + timedelta(days=400)},
        ],
    )
    def test_has_bounds(self, world, bounds):
        with pytest.raises(standing_consent_creation.InvalidChoice):
            world.give(**bounds)

        assert not StandingConsent.objects.exists()

    def test_of_older_words_is_not_given(self, world):
        with pytest.raises(consents.DeclarationOutdated):
            world.give(version=0)

        assert not StandingConsent.objects.exists()

    def test_needs_the_feature_switched_on(self, world):
        world.switch_off()

        with pytest.raises(standing_consent_creation.FeatureOff):
            world.give()

    def test_is_one_for_a_feature_and_a_drive(self, world):
        first = world.give()
        with pytest.raises(standing_consent_creation.StandingConsentExists):
            world.give()

        world.withdraw(first)
        world.give()

        assert StandingConsent.objects.filter(ended_at=None).count() == 1

    def test_can_be_withdrawn_by_its_owner_alone(self, world, browser_of, bob, google):
        consent = world.give()
        other = FeatureWorld(bob, world.drive, google)

        with pytest.raises(standing_consent_ends.ObjectNotFound):
            other.withdraw(consent)

    def test_ends_with_its_agreement(self, world):
        consent = world.give()
        with transaction.atomic():
            consents.withdraw(
                person_id=world.user.id,
                organisation_id=world.organisation.id,
                feature=RECORDINGS,
                item=consent.id,
                at=timezone.now(),
            )

        assert world.files.create(10, content_type=WAV)["Upload-State"] == "proposed"
        assert standing_consent_ends.end_due_consents(at=timezone.now()) == 1
        consent.refresh_from_db()
        assert consent.ended_at

    def test_ends_with_the_words_of_the_feature(self, world, monkeypatch):
        consent = world.give()
        monkeypatch.setitem(FEATURES, RECORDINGS, replace(FEATURES[RECORDINGS], version=2))

        before = Leaf.objects.count()
        refuse(world.files.create(10, content_type=WAV), before, "feature-proposes-file")
        assert standing_consent_ends.end_due_consents(at=timezone.now()) == 1
        consent.refresh_from_db()
        assert consent.ended_at

    @pytest.mark.parametrize(
        ("content_type", "kind"),
        [
            ("audio/ogg", FileKind.AUDIO),
            ("video/mp4", FileKind.VIDEO),
            ("image/png", FileKind.IMAGE),
            ("image/svg+xml", None),
            ("text/vtt", FileKind.TEXT),
            ("text/html", None),
            ("application/pdf", FileKind.PDF),
            ("pdf/x", None),
            ("application/zip", None),
            ("", None),
        ],
    )
    def test_goes_by_the_declared_type(self, content_type, kind):
        assert standing_consents.find_file_kind(content_type) == kind
