"""The bundle says what the service is; one changed byte is found; and nobody is in it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations import connections
from integrations.models import PurgeJob, PurgeTrigger
from integrations.review import evidence
from integrations.tasks import evidence as tasks
from limited_use.evidence import evidence_sections, stored_bundles
from limited_use.evidence.evidence_sections import InvalidEvidence
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models.usage import EvidenceBundle
from limited_use.policy.clauses import CLAUSES
from limited_use.policy.policy_evaluation import RULES
from limited_use.receipts import receipts
from limited_use.verify import verifier
from limited_use.verify.verifier import ReceiptNotProven
from tests.api import cast
from tests.broker import Message, broker_down, record_messages
from tests.review.conftest import as_worker, run_sequencer_and_tally

pytestmark = pytest.mark.django_db(transaction=False)


def make_bundle():
    """Make a bundle as a worker does, with its rights."""
    with as_worker():
        return evidence.make_bundle(at=timezone.now())


@pytest.fixture
def made(used):
    return make_bundle()


@pytest.fixture
def said(made):
    return json.loads(made)


@pytest.fixture
def keys(keyring):
    return [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]


class TestTheBundle:
    def test_is_checked_offline_without_django(self, made, tmp_path):
        file = tmp_path / "evidence.json"
        file.write_bytes(made)
        program = (
            "import sys; sys.modules['django'] = None\n"
            "from limited_use.verify import verifier\n"
            "sys.exit(verifier.main(sys.argv[1:]))"
        )
        named = [part for key in receipts.get_receipt_public_keys() for part in ("--key", key)]

        run = subprocess.run(
            [sys.executable, "-c", program, *named, str(file)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert run.returncode == 0, run.stdout + run.stderr
        assert "PROVEN" in run.stdout
        assert "section         Policy, resting on code" in run.stdout
        assert "checkpoint " in run.stdout

    def test_shows_every_changed_byte(self, made, keys):
        # Everywhere would be three hundred thousand checks: a sample, and both ends.
        places = [*range(40), *range(len(made) - 140, len(made))]
        places += range(0, len(made), len(made) // 60)

        for place in places:
            changed = bytearray(made)
            changed[place] ^= 1
            with pytest.raises(ReceiptNotProven):
                verifier.check_signed_document(bytes(changed), keys)

    def test_proves_nothing_under_other_keys(self, made, keys):
        with pytest.raises(ReceiptNotProven):
            verifier.check_signed_document(made, keys[1:])
        with pytest.raises(ReceiptNotProven):
            verifier.check_signed_document(made, keys[:1])

    def test_holds_the_newest_checkpoint(self, said):
        assert said["ledger"]["checkpoint"].startswith(said["ledger"]["origin"])
        assert (
            said["sections"]["ledger"]["content"]["published_note"]
            == (said["ledger"]["checkpoint"])
        )

    def test_says_what_each_section_rests_on(self, said):
        assert said["order"] == list(dict.fromkeys(said["order"]))
        assert set(said["order"]) == set(said["sections"])
        for one in said["sections"].values():
            assert one["rests_on"] in set(evidence_sections.EvidenceBasis)
            assert one["says"].endswith(".")

    def test_is_refused_if_a_section_holds_what_is_no_evidence(self):
        for value in (1.5, b"bytes", {1: "x"}, timezone.now(), ["x" * 1_000_001]):
            with pytest.raises(InvalidEvidence):
                evidence_sections.check_evidence_values({"a": value})


class TestItsSections:
    def test_have_every_rule_clause_and_use(self, said):
        policy = said["sections"]["policy"]["content"]
        catalogue = said["sections"]["clauses"]["content"]["clauses"]

        assert [one["id"] for one in policy["rules"]] == [rule.id for rule in RULES]
        assert {one["id"] for one in catalogue} == set(CLAUSES)
        for one in catalogue:
            assert one["enforced_by_software"] or one["duty"], one["id"]

    def test_count_what_was_decided(self, said):
        counts = {
            one["rule"]: one["count"] for one in said["sections"]["uses"]["content"]["in_all"]
        }

        assert counts["never-market"] == 1
        assert counts["owner-reads-own-inbox"] >= 1

    @pytest.mark.clause("WSEC-KEY")
    def test_report_a_file_keyring_as_a_clause_that_is_not_met(self, said):
        assert "WSEC-KEY" in {one["clause"] for one in said["not_met"]}
        assert said["sections"]["keyring"]["content"]["keyring"] == "files"

    @pytest.mark.invariant(6)
    @pytest.mark.clause("AN-15")
    def test_report_a_removal_that_is_late(self, alice, used):
        now = timezone.now()
        job = connections.disconnect_integration(
            integration_id=alice.integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=now,
            trigger=PurgeTrigger.OWNER,
        )
        PurgeJob.objects.filter(id=job.id).update(fenced_at=now - timedelta(hours=2))

        found = json.loads(make_bundle())

        assert {"AN-15", "WDEL"} <= {one["clause"] for one in found["not_met"]}
        assert found["sections"]["retention"]["content"]["late"] == {"rows_gone": 1}

    def test_have_the_registers(self, said):
        parts = said["sections"]

        assert "Columns in clear" in parts["clear_columns"]["content"]["register"]
        regions = parts["plaintext"]["content"]
        assert "integrations.formats.mime" in regions["sources"]
        assert (
            regions["regions"]["integrations.grants.provider_credentials"]
            == "Seals the tokens of a grant."
        )
        assert "No share of the code is claimed" in regions["does_not_show"]
        assert "integrations.sync_mail" in parts["entry_points"]["content"]["tasks"]
        assert parts["versions"]["content"]["requirements"]["django"].startswith("5.2")

    def test_say_what_each_class_of_process_may_do(self, said):
        walls = said["sections"]["walls"]["content"]

        # These tests log in as the owner, for whom nobody built walls.
        assert walls["stand"] is (walls["differences"] == [])
        assert walls["rights"]["integrations.MessageBody"]["console"] == ""
        assert walls["owners"]["integrations.Message"]["hidden"] is True
        assert walls["owners"]["integrations.Message"]["sync_sees_all"] is False
        assert walls["owners"]["accounts.User"]["hidden"] is True
        assert walls["owners"]["accounts.Organisation"]["hidden"] is False
        assert walls["open_to_every_login"]

    def test_name_hosts_and_no_credentials(self, said):
        egress = said["sections"]["egress"]["content"]

        assert egress["providers"]
        assert "integrations.sync_mail" in egress["tasks_that_reach_providers"]
        assert "limited_use.sequence_ledger" not in egress["tasks_that_reach_providers"]
        assert "@" not in json.dumps(egress)


@pytest.mark.invariant(4)
@pytest.mark.control("6.5.1")
class TestEvidencePageForOthers:
    @pytest.mark.claim("evidence.no-person")
    def test_is_in_it(self, alice, mine, made, settings):
        ids = [*vars(mine).values(), alice.organisation.id, alice.membership.id]
        secret = [*settings.ROOT_SECRETS, settings.SECRET_KEY, settings.GOOGLE.client_secret]
        canaries = [cast.MARKER, "gmail.example", "example.test", alice.user.email, *secret]

        found = [one for one in (*canaries, *map(str, ids)) if one in made.decode()]

        assert found == []
        # That the search would find something: the service's own words are there.
        assert b"never-market" in made


class TestTheCommand:
    def test_writes_what_is_proven(self, used, keys, tmp_path, capsys):
        call_command("evidence", "--out", str(tmp_path / "e.json"))

        assert verifier.check_signed_document((tmp_path / "e.json").read_bytes(), keys)
        shown = capsys.readouterr().out
        assert "not met: WSEC-KEY" in shown
        assert "python -m limited_use.verify --key" in shown

    def test_says_that_a_file_cannot_be_written(self, used, tmp_path):
        with pytest.raises(CommandError, match="No such file"):
            call_command("evidence", "--out", str(tmp_path / "gone" / "e.json"))


class TestKept:
    def test_is_made_by_a_task_and_fetched_by_a_reviewer(self, used, rita, keys):
        with as_worker():
            tasks.make_evidence()

        bundle = EvidenceBundle.objects.get()
        assert f"{bundle.id}.json" in rita.get("/review/evidence/").content.decode()
        answer = rita.get(f"/review/evidence/{bundle.id}.json")
        assert verifier.check_signed_document(answer.content, keys)
        assert bundle.not_met == ["WSEC-KEY"]
        assert "is not met" in rita.get("/review/").content.decode()

    def test_is_asked_for_by_a_reviewer(self, used, rita, monkeypatch):
        queued = record_messages(monkeypatch)

        answer = rita.post("/review/evidence/make", follow=True)

        assert queued == [Message("integrations.make_evidence", {})]
        assert queued[0].options["retry"] is False
        assert "being made" in answer.content.decode()

    def test_says_so_where_no_worker_is_reached(self, used, rita):
        with broker_down():
            answer = rita.post("/review/evidence/make", follow=True)

        assert "No worker can be reached" in answer.content.decode()

    def test_keeps_the_newest(self, used, monkeypatch):
        monkeypatch.setattr(stored_bundles, "MAX_BUNDLES", 2)
        for _ in range(3):
            run_sequencer_and_tally()
            stored_bundles.make_stored_bundle([], at=timezone.now())

        assert EvidenceBundle.objects.count() == 2
