"""`verify.html` in a real browser, from the disk and offline, beside the Python verifier."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import connections
from django.test import Client

from integrations import tasks
from integrations.models import PurgeTrigger, RevocationOutcome
from integrations.purge import inventory, provider_statements, receipt_summary, verifier_page
from integrations.purge.messages import receipt as receipt_texts
from integrations.purge.messages import verifier as verifier_texts
from integrations.purge.receipt_summary import SentencePart
from limited_use.ledger import signed_documents, signing_keys
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import Receipt
from limited_use.policy.key_lines import KeyLine
from limited_use.receipts import receipts
from limited_use.vault.keyring.keyring_port import SigningKey
from limited_use.verify import verifier
from limited_use.verify.verifier import ReceiptNotProven
from tests import pin_verifier
from tests import receipt_documents as documents
from tests.browser import chromium
from tests.integrations.purge.test_second_part import purge_to_end, rotate_epochs

pytestmark = [pytest.mark.invariant(6), pytest.mark.clause("WDEL")]
KEYS = "\n".join(map(str, documents.KEYS))
FIRST = documents.sign(documents.FIRST)
SECOND = documents.make_second(FIRST)

CHECK = """async ([files, keys]) => {
    const bytes = files.map((file) => Uint8Array.from(atob(file), (c) => c.charCodeAt(0)));
    const result = await receiptVerifier.checkReceipt(bytes, keys);
    return result.isProven
        ? {
            checks: result.checks.map((check) => check.name),
            sentences: receiptVerifier.summarize(result.parts),
        }
        : { reason: result.reason };
}"""
# What the page says after each change of one byte: nothing may be proven.
CHANGE_EACH_BYTE = """async ([files, place, keys, mask]) => {
    const good = files.map((file) => Uint8Array.from(atob(file), (c) => c.charCodeAt(0)));
    if (!(await receiptVerifier.checkReceipt(good, keys)).isProven) throw new Error("not good");
    const passed = [];
    for (let i = 0; i < good[place].length; i += 1) {
        const bad = good.map((bytes) => bytes.slice());
        bad[place][i] ^= mask;
        if ((await receiptVerifier.checkReceipt([bad[place]], keys)).isProven) passed.push(i);
    }
    return [good[place].length, passed];
}"""


def encode(*files):
    return [base64.b64encode(file).decode() for file in files]


class VerifierInBrowser:
    """
    The page, opened from a file in a browser that is offline.

    `requests` are the addresses that it asked for, `minded` what it wrote to its console.
    """

    def __init__(self, browser, file, *, script=""):
        self.context = browser.new_context(offline=True, accept_downloads=False)
        if script:
            self.context.add_init_script(script)
        self.requests, self.minded = [], []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("console", lambda message: self.minded.append(message.text))
        self.context.on("weberror", lambda error: self.minded.append(str(error.error)))
        self.page = self.context.new_page()
        self.address = file.as_uri()
        self.page.goto(self.address)
        self.page.wait_for_selector("html[data-state=ready]")

    def check(self, *files, keys=KEYS):
        return self.page.evaluate(CHECK, [encode(*files), keys])

    def pin(self, keys):
        self.page.get_by_label("Public keys", exact=True).fill(keys)

    def choose(self, *files):
        """Choose files in the picker, and return the text of the result."""
        named = [
            {"name": f"receipt-{i}.json", "mimeType": "application/json", "buffer": file}
            for i, file in enumerate(files)
        ]
        self.page.get_by_label("Choose the receipt").set_input_files(named)
        return self.read_result()

    def read_result(self):
        result = self.page.locator("#result")
        result.locator("h2").wait_for()
        return result.inner_text()


@pytest.fixture(scope="module")
def browser():
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    with pytest.MonkeyPatch.context() as patch, chromium.run_browser() as running:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield running
        connections.close_all()


@pytest.fixture(scope="module")
def page(browser):
    opened = VerifierInBrowser(browser, verifier_page.PAGE)
    yield opened
    assert opened.minded == []
    assert set(opened.requests) == {opened.address}
    opened.context.close()


def explain_in_python(*files, keys=documents.KEYS):
    """Return the Python verifier's lines, or None for what it does not prove."""
    check = verifier.check_both_parts if len(files) > 1 else verifier.check_signed_document
    try:
        return check(*files, keys)
    except ReceiptNotProven:
        return None


def change_first(*path, to=...):
    return documents.sign(documents.change(documents.FIRST, *path, to=to))


def change_second(*path, to=...):
    return documents.sign(documents.change(SECOND, *path, to=to))


def change_entries(*entries, of=documents.FIRST):
    proofs = documents.prove_entries(*entries)
    return documents.sign(documents.change(of, "ledger", "proofs", to=proofs))


def write_twice(name):
    """Return a receipt in which a member is given twice, signed like that."""
    signed = FIRST[: FIRST.rindex(b',"signature"')]
    return documents.sign_bytes(
        signed.replace(f'"{name}":'.encode(), f'"{name}":1,"{name}":'.encode(), 1)
    )


def sign_text(old, new):
    """Return a receipt with another spelling of the same content, signed like that."""
    signed = FIRST[: FIRST.rindex(b',"signature"')]
    assert old in signed
    return documents.sign_bytes(signed.replace(old, new, 1))


PROOF = documents.FIRST["ledger"]["proofs"][0]
GOOD = {
    "part 1": (FIRST,),
    "part 2": (documents.sign(SECOND),),
    "both parts": (FIRST, documents.sign(SECOND)),
    "more ledger entries": (
        change_entries(documents.make_entry("purge.completed"), documents.DESTROYED),
    ),
    "no destroyed key": (change_first("body", "keys_destroyed", to=[]),),
    "a member more": (change_first("body", "more", to={"x": [1, None, True, -5, 2**60]}),),
    "escapes": (change_first("body", "why", to='"\\\n\r\t\b\f\x00\x1f\x7f/ \u2028'),),
    "names beyond the first plane": (change_first("body", "x", to={"\uffff": 1, "\U00010000": 2}),),
    "unknown revocation": (change_first("body", "provider_revocation", to="x"),),
    "another schema": (change_first("body", "schema", to="x"),),
}
BAD = {
    "nothing": (b"",),
    "no receipt": (b"{}\n",),
    "no newline": (FIRST[:-1],),
    "another newline": (FIRST + b"\n",),
    "a carriage return": (FIRST[:-1] + b"\r\n",),
    "a byte order mark": (b"\xef\xbb\xbf" + FIRST,),
    "a space before": (b" " + FIRST,),
    "no base64": (FIRST[:-10] + b"!" + FIRST[-9:],),
    "other bits of padding": (FIRST[:-6] + bytes([FIRST[-6] + 1]) + FIRST[-5:],),
    "a key that is not pinned": (
        documents.sign(documents.FIRST, documents.OTHER, documents.OTHER_PRIVATE),
    ),
    "a false name of the key": (documents.sign(documents.FIRST, private=documents.OTHER_PRIVATE),),
    "the key of the ledger": (
        documents.sign(documents.FIRST, documents.LEDGER, documents.OTHER_PRIVATE),
    ),
    "a member twice": (write_twice("kind"),),
    "a member twice, deep": (write_twice("trigger"),),
    "a space": (sign_text(b'"kind":', b'"kind": '),),
    "another order": (
        sign_text(
            b'"id":"018f-first","issued_at":"2026-11-29T10:00:05.000+00:00"',
            b'"issued_at":"2026-11-29T10:00:05.000+00:00","id":"018f-first"',
        ),
    ),
    "a longer escape": (sign_text(b'"kind"', b'"\\u006bind"'),),
    "an escaped slash": (sign_text(b"antares-purge/1", b"antares-purge\\/1"),),
    "a leading zero": (sign_text(b'"v":1', b'"v":01'),),
    "an exponent": (sign_text(b'"v":1', b'"v":1e0'),),
    "a negative zero": (sign_text(b'"left":0', b'"left":-0'),),
    "no UTF-8": (sign_text("é".encode(), b"\xe9"),),
    "half of a pair": (sign_text("é".encode(), b"\xed\xa0\x80"),),
    "another version": (change_first("v", to=2),),
    "another kind": (change_first("kind", to="evidence-bundle"),),
    "an unknown kind": (change_first("kind", to="x"),),
    "something left": (change_first("body", "stores", "integrations.Message", "left", to=1),),
    "no counts": (change_first("body", "stores", to=[]),),
    "no trigger": (change_first("body", "trigger"),),
    "no remains": (change_first("body", "remains"),),
    "no provider": (change_first("body", "provider_revocation"),),
    "no id": (change_first("id"),),
    "no time of signing": (change_first("issued_at"),),
    "no body": (change_first("body"),),
    "no ledger": (change_first("ledger"),),
    "no ledger entry": (change_first("ledger", "proofs", to=[]),),
    "another ledger": (change_first("ledger", "origin", to="other.example"),),
    "another subject": (change_first("subject", to="beef"),),
    "no subject": (change_first("subject"),),
    "another key": (change_first("body", "keys_destroyed", 0, "key_id", to="00bb"),),
    "another event": (change_entries({**documents.DESTROYED, "event": "key.created"}),),
    "an entry without a subject": (
        change_entries(documents.DESTROYED, documents.change(documents.make_entry("x"), "subject")),
    ),
    "an entry without a time": (change_entries(documents.change(documents.DESTROYED, "at")),),
    "a time after the last": (change_entries({**documents.DESTROYED, "at": 10**17}),),
    "a ledger that another key signed": (
        change_first(
            "ledger",
            "proofs",
            to=documents.prove_entries(documents.DESTROYED, private=documents.OTHER_PRIVATE),
        ),
    ),
    "another payload": (
        change_first("ledger", "proofs", 0, to=re.sub("extra ....", "extra AAAA", PROOF)),
    ),
    "another index": (
        change_first("ledger", "proofs", 0, to=PROOF.replace("index 10", "index 9")),
    ),
    "an index with a zero": (
        change_first("ledger", "proofs", 0, to=PROOF.replace("index 10", "index 010")),
    ),
    "a shorter path": (
        change_first("ledger", "proofs", 0, to=re.sub(r"(index 10\n)[^\n]+\n", r"\1", PROOF)),
    ),
    "a longer path": (
        change_first(
            "ledger", "proofs", 0, to=PROOF.replace("index 10\n", f"index 10\n{'A' * 43}=\n")
        ),
    ),
    "another size": (change_first("ledger", "proofs", 0, to=PROOF.replace("\n11\n", "\n12\n")),),
    "no text as a proof": (change_first("ledger", "proofs", 0, to=1),),
    "part 2 of no key": (change_second("body", "keys", to=[]),),
    "part 2 of another key": (change_second("body", "keys", 0, "key_id", to="00bb"),),
    "part 2 of another epoch": (change_second("body", "keys", 0, "key_epoch", to=8),),
    "part 2 of another line": (change_second("body", "keys", 0, "line", to="own"),),
    "part 2 without an end of the epoch": (change_entries(documents.DESTROYED, of=SECOND),),
    "part 2 without part 1": (change_second("part_1"),),
    "part 2 of another receipt": (FIRST, change_second("part_1", "id", to="018f-other")),
    "part 2 of another file": (FIRST, change_second("part_1", "sha256", to="00" * 32)),
    "part 2 of another subject": (
        change_first("subject", to="cafe"),
        documents.sign(
            documents.change(
                documents.change(SECOND, "subject", to="beef"),
                "ledger",
                "proofs",
                to=documents.prove_entries(
                    documents.DESTROYED, {**documents.EPOCH_DESTROYED, "subject": "beef"}
                ),
            )
        ),
    ),
    "part 1 twice": (FIRST, FIRST),
    "part 2 twice": (documents.sign(SECOND), documents.sign(SECOND)),
}


@pytest.mark.claim("verify.signature", "verify.left", "verify.ledger")
@pytest.mark.claim("verify.keys", "verify.epochs", "verify.parts")
class TestAgreement:
    @pytest.mark.parametrize("name", GOOD)
    def test_proves_what_the_python_verifier_proves(self, page, name):
        assert explain_in_python(*GOOD[name])
        assert page.check(*GOOD[name]).get("checks")

    @pytest.mark.parametrize("name", BAD)
    def test_rejects_what_the_python_verifier_rejects(self, page, name):
        assert explain_in_python(*BAD[name]) is None
        assert page.check(*BAD[name]).get("reason") in verifier_texts.REJECTIONS

    @pytest.mark.parametrize(
        "keys",
        [
            "",
            "nonsense",
            str(documents.RECEIPTS),
            str(documents.LEDGER),
            f"{documents.OTHER}\n{documents.LEDGER}",
            KEYS.replace("+", "-", 1),
            KEYS.replace(documents.RECEIPTS.id.hex(), documents.OTHER.id.hex()),
        ],
    )
    def test_rejects_every_receipt_without_the_right_keys(self, page, keys):
        assert page.check(FIRST, keys=keys).get("reason") in verifier_texts.REJECTIONS

    def test_is_stricter_with_numbers_that_no_receipt_has(self, page):
        with_fraction = sign_text(b'"v":1', b'"v":1.0')

        assert explain_in_python(with_fraction)
        assert page.check(with_fraction) == {"reason": "not_canonical"}

    def test_says_which_checks_passed(self, page):
        first = ["signature", "left", "ledger", "keys"]
        assert page.check(FIRST)["checks"] == first
        assert page.check(*GOOD["both parts"])["checks"] == [
            *first, "signature", "ledger", "epochs", "parts"
        ]  # fmt: skip
        assert set(page.check(*GOOD["both parts"])["checks"]) == verifier_texts.CHECKS.keys()

    def test_takes_parts_in_any_order(self, page):
        first, second = GOOD["both parts"]

        assert page.check(second, first) == page.check(first, second)


class TestEveryByte:
    @pytest.mark.parametrize("part", [0, 1])
    def test_of_a_receipt_of_the_service_counts(self, page, real_receipts, part):
        files, keys = real_receipts

        count, passed = page.page.evaluate(CHANGE_EACH_BYTE, [encode(*files), part, keys, 1])

        assert count == len(files[part])
        assert passed == []

    @pytest.mark.thorough("every bit of a receipt, changed in a browser")
    @pytest.mark.parametrize("bit", range(1, 8))
    def test_counts_with_each_of_its_bits(self, page, bit):
        _, passed = page.page.evaluate(CHANGE_EACH_BYTE, [encode(FIRST), 0, KEYS, 1 << bit])

        assert passed == []

    @pytest.fixture
    def real_receipts(self, mailbox, clock):
        purge_to_end(mailbox, clock)
        rotate_epochs()
        tasks.purge.write_second_parts()
        files = [bytes(part.document) for part in Receipt.objects.order_by("part")]
        keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
        assert verifier.check_both_parts(*files, keys)
        return files, "\n".join(map(str, keys))


@pytest.mark.django_db
class TestPage:
    """What a person sees who downloaded the page from this service."""

    @pytest.fixture
    def downloaded(self, tmp_path):
        response = Client().get("/verify.html")
        assert response["Content-Disposition"] == 'attachment; filename="verify.html"'
        file = Path(tmp_path, "verify.html")
        file.write_bytes(response.content)
        return file

    @pytest.fixture
    def opened(self, browser, downloaded):
        opened = VerifierInBrowser(browser, downloaded)
        yield opened
        assert opened.minded == []
        assert opened.requests == [opened.address]
        opened.context.close()

    @pytest.mark.claim("verify.offline", "keys.offline", "receipt.check-offline", "mail.verifier")
    @pytest.mark.claim("verify.checked-here")
    def test_proves_a_receipt_offline_and_says_what_it_says(self, opened):
        opened.pin(KEYS)

        text = opened.choose(*GOOD["both parts"])

        assert "The receipt is genuine" in text
        assert (
            "Antares removed its copy of your Google mail: 2,000 messages in 1 conversation."
            in text
        )
        assert "Google confirmed that Antares no longer has access" in text
        assert "The two files are parts 1 and 2 of one receipt." in text
        assert "This page checked on your device that Antares signed exactly this receipt" in text
        times = opened.page.locator("#result .sentences time")
        assert times.first.get_attribute("datetime") == "2026-11-29T10:00:00.000Z"
        assert opened.page.locator("#result details[open]").count() == 0
        # Names of tables are nothing for people.
        assert "integrations." not in opened.page.locator("#result").text_content()

    @pytest.mark.claim("verify.signature")
    def test_rejects_a_changed_receipt_and_says_why(self, opened):
        opened.pin(KEYS)

        text = opened.choose(FIRST.replace(b"2000", b"2001", 1))

        assert "The receipt is not proven" in text
        assert "at least one byte was changed" in text
        assert "2,001 messages" not in text

    def test_contains_the_keys_of_this_service_and_shows_their_ids(self, opened):
        ids = opened.page.locator("#key-ids li").all_inner_texts()
        roles = {SigningKey.RECEIPTS: "signs receipts", SigningKey.LEDGER: "signs the ledger"}

        assert ids == [
            f"{k.key.id.hex()} {roles[k.role]}" for k in signing_keys.list_published_keys()
        ]
        assert opened.page.get_by_text("These keys were in this file").is_visible()
        link = opened.page.get_by_role("link", name="Published keys")
        assert link.get_attribute("href").endswith("/keys/")
        assert "not among the keys above" in opened.choose(FIRST)

    def test_takes_a_pasted_receipt_and_a_dropped_one(self, opened):
        opened.pin(KEYS)
        opened.page.get_by_text("Paste the text of a receipt instead").click()
        opened.page.get_by_label("Text of the receipt").fill(f"\n{FIRST.decode().strip()}  \n\n")
        opened.page.get_by_role("button", name="Check").click()
        assert "The receipt is genuine" in opened.read_result()

        drop = """([text]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], "receipt.json"));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
        }"""
        opened.page.evaluate(drop, [FIRST.decode().replace("2000", "2001")])
        opened.page.get_by_text("The receipt is not proven").wait_for()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_is_accessible_and_fits_a_phone(self, opened, scheme):
        opened.page.emulate_media(color_scheme=scheme)
        opened.pin(KEYS)
        for size, file in (((390, 844), FIRST), ((1280, 900), b"{}")):
            opened.page.set_viewport_size({"width": size[0], "height": size[1]})
            opened.choose(file)
            for summary in opened.page.locator("summary").all():
                summary.click()
            width = opened.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0]
            opened.page.evaluate(AXE_SCRIPT)
            found = opened.page.evaluate("() => axe.run({resultTypes: ['violations']})")
            assert [one["id"] for one in found["violations"]] == []

    def test_names_the_python_check_if_the_browser_has_no_ed25519(self, browser, downloaded):
        no_ed25519 = """crypto.subtle.importKey = async () => {
            throw new DOMException("Unrecognized name.", "NotSupportedError");
        };"""
        opened = VerifierInBrowser(browser, downloaded, script=no_ed25519)

        assert opened.page.get_by_text("This browser cannot check receipts").is_visible()
        assert opened.page.get_by_text("python -m limited_use.verify").first.is_visible()
        assert not opened.page.get_by_label("Public keys", exact=True).is_visible()
        opened.context.close()

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("</main>", "</main><script>document.title = 'changed'</script>"),
            ("</main>", "</main><img src=x onerror=\"document.title = 'changed'\">"),
            ("start();", "document.title = 'changed'; start();"),
        ],
    )
    def test_runs_no_other_script(self, browser, downloaded, old, new):
        changed = downloaded.read_text()
        assert old in changed
        downloaded.write_text(changed.replace(old, new, 1))
        context = browser.new_context(offline=True)
        opened, refused = context.new_page(), []
        opened.on("console", lambda message: refused.append(message.text))

        opened.goto(downloaded.as_uri(), wait_until="load")

        assert opened.title() == "Check a receipt"
        assert any("Content Security Policy" in text for text in refused)
        context.close()


class TestSentences:
    """The page and the service choose the same sentences."""

    @pytest.mark.parametrize("outcome", [*receipt_summary.ACCESS, "needed_elsewhere"])
    @pytest.mark.parametrize("product", ["mail", "calendar"])
    def test_are_those_of_the_receipt_page(self, page, outcome, product):
        stores = {
            "integrations.Calendar": {"before": 1, "left": 0},
            "integrations.Event": {"before": 1234567, "left": 0},
            **documents.FIRST["body"]["stores"],
        }
        revocation = documents.FIRST["body"]["provider_revocation"]
        pages = ["https://myapps.microsoft.com", "https://account.live.com/consent/Manage"]
        first = documents.FIRST
        for path, value in (
            (("stores",), stores),
            (("product",), product),
            (("provider",), "offline" if outcome == "not_needed" else "microsoft"),
            (
                ("provider_revocation",),
                {
                    **revocation,
                    "outcome": outcome,
                    "pages": pages,
                    "needed_by": ["mail", "other_connection"],
                },
            ),
        ):
            first = documents.change(first, "body", *path, to=value)
        kept = documents.change(first, "body", "remains", "credential", to="Kept.")
        own = {"number": 1, "destroyed_by": "2026-12-29T10:00:00.000+00:00", "says": ""}
        local = documents.change(first, "body", "remains", "own_key_epoch", to=own)

        for variant in (first, kept, local):
            signed = documents.sign(variant)
            second = documents.sign(documents.make_second(signed))
            self._compare(page, signed)
            self._compare(page, signed, second)

    def _compare(self, page, *files):
        read = [signed_documents.verify_document(file, documents.KEYS) for file in files]
        *expected, check = receipt_summary.summarize_receipt(*read).sentences
        *shown, checked = page.check(*files)["sentences"]

        assert [one["claim"] for one in shown] == [one.claim for one in expected]
        assert [self._join(one["parts"]) for one in shown] == [
            self._join(one.parts) for one in expected
        ]
        assert (check.claim, checked["claim"]) == ("receipt.check-offline", "verify.checked-here")

    def _join(self, parts):
        texts = []
        for part in parts:
            if isinstance(part, SentencePart):
                texts.append(part.at.isoformat() if part.at else part.url or part.text)
            elif isinstance(part, dict):
                texts.append(part["at"].isoformat() if "at" in part else part["url"])
            else:
                texts.append(part)
        return "".join(texts)


class TestFile:
    def test_is_pinned(self):
        """If not, run `python -m tests.pin_verifier`, and read the diff."""
        page = verifier_page.PAGE.read_text(encoding="utf-8")

        assert pin_verifier.pin_page(page) == page
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1].split("; ")
        script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
        assert policy[0] == "default-src 'none'"
        assert policy[1] == f"script-src '{pin_verifier.hash_source(script)}'"
        assert policy[2].startswith("style-src 'sha256-")
        assert policy[3:] == ["base-uri 'none'", "form-action 'none'"]

    def test_loads_nothing(self):
        page = verifier_page.PAGE.read_text(encoding="utf-8")

        assert not re.search(
            r"\b(src|srcset|action|poster)=|@import|url\(|<(img|link|iframe)", page
        )
        assert not re.search(
            r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|eval)\b", page
        )
        assert "innerHTML" not in page

    def test_has_no_keys_of_its_own(self):
        page = verifier_page.PAGE.read_text(encoding="utf-8")

        service = re.search(r'<script id="service"[^>]*>(.*?)</script>', page)[1]
        assert json.loads(service) == {"keys": [], "keys_page": ""}


class TestWords:
    def test_name_every_table_and_every_key(self):
        assert {holding.label for holding in inventory.HOLDINGS} == receipt_texts.STORES.keys()
        assert set(KeyLine) == receipt_texts.KEY_LINES.keys()

    def test_name_every_trigger_and_every_need_of_a_grant(self):
        assert set(PurgeTrigger) == receipt_texts.TRIGGERS.keys()
        assert provider_statements.NEEDS.keys() == receipt_texts.REASONS.keys()

    def test_name_each_outcome_of_a_revocation(self):
        decided = set(RevocationOutcome) - {RevocationOutcome.PENDING}
        assert decided - receipt_summary.ACCESS.keys() == {RevocationOutcome.NEEDED_ELSEWHERE}

    @pytest.mark.django_db(transaction=True)
    def test_name_each_statement_of_a_receipt(self, mailbox, clock):
        purge_to_end(mailbox, clock)
        body = json.loads(bytes(Receipt.objects.get().document))["body"]

        assert body["remains"].keys() <= receipt_texts.NOTES.keys()
