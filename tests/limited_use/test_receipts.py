from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest

from accounts.ids import uuid7
from limited_use.ledger import entries, ledger_sequencer, signed_documents
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import Receipt
from limited_use.receipts import receipts
from limited_use.receipts.receipts import EntryNotSequenced, ReceiptIncomplete
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import SigningKey
from limited_use.verify import verifier
from limited_use.verify.verifier import ReceiptNotProven
from tests.limited_use.conftest import NOW

BODY = {
    "trigger": "owner",
    "clauses": ["WDEL", "AN-14", "AN-15", "CASA-DEL"],
    "started_at": "2026-11-25T12:00:00.000+00:00",
    "emptied_at": "2026-11-25T12:00:04.000+00:00",
    "stores": {
        "integrations.Message": {"before": 2000, "left": 0},
        "integrations.MessageBody": {"before": 2000, "left": 0},
    },
    "provider_revocation": {"outcome": "confirmed", "at": "2026-11-25T12:00:01.000+00:00"},
    "keys_destroyed": [
        {"key_id": "00112233445566ff", "line": "content", "at": "2026-11-25T12:00:00.000+00:00"}
    ],
    "remains": {
        "ledger": "pseudonymous entries",
        "backups": {"until": "2026-12-25"},
        "mail already sent": ["at its recipients"],
    },
}


@pytest.fixture
def subject(ring, db):
    return uuid7()


@pytest.fixture
def entry_ids(subject):
    return [
        entries.record_ledger_event(event="integration.disconnected", about=subject, at=NOW),
        entries.record_ledger_event(
            event="key.destroyed", about=subject, body={"key_id": "00112233445566ff"}, at=NOW
        ),
        entries.record_ledger_event(
            event="purge.completed", about=subject, body={"left": 0}, at=NOW
        ),
    ]


@pytest.fixture
def issue(subject, entry_ids):
    def issue(*, sequenced=True, **changes):
        if sequenced:
            ledger_sequencer.run_sequencer(NOW)
        return receipts.issue_receipt(
            subject_id=subject,
            owner_id=uuid7(),
            body={**BODY, **changes},
            entry_ids=entry_ids,
            at=NOW,
        )

    return issue


@pytest.fixture
def keys():
    return [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]


@pytest.mark.django_db
@pytest.mark.invariant(6)
class TestIssue:
    def test_waits_until_every_entry_has_its_proof(self, issue):
        with pytest.raises(EntryNotSequenced):
            issue(sequenced=False)

        assert not Receipt.objects.exists()
        assert issue().document

    def test_writes_one_receipt_however_often_it_is_asked(self, issue):
        assert issue().id == issue().id
        assert Receipt.objects.count() == 1

    @pytest.mark.parametrize("member", sorted(receipts.BODY_MEMBERS))
    def test_leaves_nothing_unsaid(self, subject, entry_ids, member):
        body = {key: value for key, value in BODY.items() if key != member}

        with pytest.raises(ReceiptIncomplete):
            receipts.issue_receipt(
                subject_id=subject, owner_id=uuid7(), body=body, entry_ids=entry_ids, at=NOW
            )

    def test_is_not_written_while_something_is_left(self, issue):
        with pytest.raises(ReceiptIncomplete):
            issue(stores={"integrations.Message": {"before": 3, "left": 1}})

    @pytest.mark.parametrize(
        "said", ["alice@example.com", {"to": ["a@b"]}, "x" * 501, 1.5, b"bytes"]
    )
    def test_holds_no_address_and_no_content(self, issue, said):
        with pytest.raises(ReceiptIncomplete):
            issue(remains={"something": said})

    def test_names_no_entry_no_receipt(self, subject):
        with pytest.raises(ReceiptIncomplete):
            receipts.issue_receipt(
                subject_id=subject, owner_id=uuid7(), body=BODY, entry_ids=[], at=NOW
            )

    def test_holds_no_id_as_it_stands_in_a_table(self, issue, subject):
        receipt = issue()

        text = bytes(receipt.document).decode()
        for raw in (subject, receipt.owner_id):
            assert str(raw) not in text
            assert raw.hex not in text


@pytest.mark.django_db
@pytest.mark.invariant(6)
class TestVerifyReceipt:
    def test_says_line_by_line_what_is_proven(self, issue, keys):
        lines = verifier.check_signed_document(bytes(issue().document), keys)

        text = "\n".join(lines)
        assert "emptied         integrations.Message: 2000 before, 0 left" in text
        assert "entry 1: key.destroyed" in text
        assert "key destroyed   00112233445566ff" in text
        assert "checkpoint      ledger.example/log1, size 3, signature good" in text

    @pytest.mark.clause("WDEL")
    @pytest.mark.clause("CASA-DEL")
    def test_finds_every_single_changed_byte(self, issue, keys):
        document = bytes(issue().document)
        for at, byte in enumerate(document):
            for changed in {byte ^ 1, byte ^ 0x20, 0x20} - {byte}:
                forged = document[:at] + bytes([changed]) + document[at + 1 :]
                with pytest.raises(ReceiptNotProven):
                    verifier.check_signed_document(forged, keys)

    def test_finds_bytes_added_and_taken_away(self, issue, keys):
        document = bytes(issue().document)
        for forged in (
            document[:-1],
            document + b"\n",
            b" " + document,
            document[1:],
            b"",
            document * 2,
            document.replace(b'"}\n', b'" }\n'),
        ):
            with pytest.raises(ReceiptNotProven):
                verifier.check_signed_document(forged, keys)

    def test_finds_another_spelling_of_the_same_signature(self, issue, keys):
        document = bytes(issue().document)
        # The last character before the padding has four bits that decoders pass over.
        alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        at = len(document) - len(b'=="}\n') - 1
        number = alphabet.index(document[at])
        forged = document[:at] + bytes([alphabet[number ^ 1]]) + document[at + 1 :]
        assert base64.b64decode(forged[at - 85 : at + 3]) == base64.b64decode(
            document[at - 85 : at + 3]
        )

        with pytest.raises(ReceiptNotProven, match="canonical"):
            verifier.check_signed_document(forged, keys)

    def test_believes_nothing_without_a_key(self, issue):
        with pytest.raises(ReceiptNotProven, match="no key"):
            verifier.check_signed_document(bytes(issue().document), [])

    @pytest.mark.parametrize("which", [0, 1])
    def test_needs_the_receipts_key_and_the_ledgers(self, issue, keys, which):
        with pytest.raises(ReceiptNotProven):
            verifier.check_signed_document(bytes(issue().document), [keys[which]])

    def test_believes_no_key_that_only_the_receipt_names(self, issue, tmp_path, keys):
        from limited_use.vault.keyring.keyring_file import FileKeyring

        other = FileKeyring.create(tmp_path / "forger")
        forger = VerifierKey(
            "ledger.example/log1/receipts", other.get_public_key(SigningKey.RECEIPTS)
        )
        said = signed_documents.verify_document(bytes(issue().document), keys)
        del said["signed_by"]
        forged = signed_documents.sign_document(
            said, forger, lambda m: other.sign(SigningKey.RECEIPTS, m)
        )

        with pytest.raises(ReceiptNotProven, match="a key that was not given"):
            verifier.check_signed_document(forged, keys)

    @pytest.mark.parametrize(
        ("path", "value", "complaint"),
        [
            (("kind",), "invoice", "no receipt and no evidence"),
            (("subject",), "0" * 32, "about"),
            (("ledger", "proofs"), [], "no ledger entry"),
            (("ledger", "origin"), "other.example/log", "no key of the ledger"),
            (("body", "stores"), {"x": {"before": 1, "left": 1}}, "1 left"),
            (("body", "keys_destroyed"), [{"key_id": "ff" * 8, "at": ""}], "was destroyed"),
            (("body", "remains"), "everything", "form"),
            (("body",), {}, "form"),
        ],
    )
    def test_finds_what_is_well_signed_and_yet_no_proof(self, issue, keys, path, value, complaint):
        said = signed_documents.verify_document(bytes(issue().document), keys)
        del said["signed_by"]
        inner = said
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        ring = get_keyring()
        signed = signed_documents.sign_document(
            said, keys[0], lambda m: ring.sign(SigningKey.RECEIPTS, m)
        )

        with pytest.raises(ReceiptNotProven, match=complaint):
            verifier.check_signed_document(signed, keys)

    def test_prints_nothing_that_steers_a_terminal(self, issue, keys):
        lines = verifier.check_signed_document(
            bytes(issue(remains={"ledger": "entries\x1b[2J\nPROVEN"}).document), keys
        )

        assert all(line.isprintable() for line in lines)


@pytest.mark.django_db
@pytest.mark.invariant(6)
class TestProgram:
    def run(self, *arguments):
        # Django is made impossible to import, and nothing of the service is configured.
        program = (
            "import sys, runpy;"
            "sys.modules.update(dict.fromkeys(['django', 'accounts', 'integrations', 'celery']));"
            "sys.argv[0] = 'verify'; runpy.run_module('limited_use.verify', run_name='__main__')"
        )
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={},
        )

    @pytest.mark.claim("keys.offline", "home.removed")
    def test_checks_a_file_without_django(self, issue, tmp_path):
        file = tmp_path / "receipt.json"
        file.write_bytes(bytes(issue().document))
        receipt_key, ledger_key = receipts.get_receipt_public_keys()

        done = self.run("--key", receipt_key, "--key", ledger_key, file)

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("PROVEN: all checks passed.\n")

    def test_fails_on_a_changed_file_without_a_key_and_without_a_file(self, issue, tmp_path):
        file, changed = tmp_path / "receipt.json", tmp_path / "changed.json"
        document = bytes(issue().document)
        file.write_bytes(document)
        changed.write_bytes(document.replace(b"2000", b"2001", 1))
        given = [part for key in receipts.get_receipt_public_keys() for part in ("--key", key)]

        for arguments in (
            [*given, changed],
            [file],
            ["--key", "nonsense", file],
            [*given, tmp_path / "missing.json"],
        ):
            done = self.run(*arguments)
            assert done.returncode == 1
            assert done.stdout.startswith("NOT PROVEN: ")


class TestDocuments:
    def test_are_canonical(self):
        assert signed_documents.encode_canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()
        with pytest.raises(ValueError, match="JSON"):
            signed_documents.encode_canonical({"a": float("nan")})

    def test_are_signed_here_and_nowhere_before(self, ring):
        key = VerifierKey("n", ring.get_public_key(SigningKey.RECEIPTS))
        with pytest.raises(ValueError, match="added here"):
            signed_documents.sign_document({"signature": "x"}, key, lambda _: b"")

    def test_are_not_fooled_by_a_member_given_twice(self, ring):
        key = VerifierKey("n", ring.get_public_key(SigningKey.RECEIPTS))
        signed = f'{{"a":1,"a":2,"signed_by":"{signed_documents.get_signer_name(key)}"'.encode()
        signature = base64.b64encode(
            ring.sign(SigningKey.RECEIPTS, signed_documents.DOMAIN + signed)
        )
        document = signed + b',"signature":"' + signature + b'"}\n'
        assert json.loads(document)

        with pytest.raises(signed_documents.BadDocument, match="canonical"):
            signed_documents.verify_document(document, [key])
