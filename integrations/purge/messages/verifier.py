"""The texts of `verify.html`, beside the sentences about receipts (`messages.receipt`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from limited_use.policy.claims import claim

Text = str | Promise

COMMAND: Final = "python -m limited_use.verify --key KEY --key KEY receipt.json"

#: Texts of the page, by the `data-text` of their element.
PAGE: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "title": _("Check a receipt"),
        "lead": claim(
            "verify.offline",
            _(
                "This page checks receipts of Antares on your device. It sends nothing and loads"
                " nothing, so you can use it without network."
            ),
        ),
        "keys_heading": _("1. Public keys"),
        "keys_hint": _(
            "One key per line. Compare each whole line with the keys that Antares publishes: keys"
            " that came with a receipt prove nothing."
        ),
        "keys_embedded": _("These keys were in this file when you downloaded it."),
        "keys_label": _("Public keys"),
        "keys_link": _("Published keys"),
        "keys_none": _("No key yet. Paste the keys from the page of published keys."),
        "key_receipts": _("signs receipts"),
        "key_ledger": _("signs the ledger"),
        "key_other": _("other key"),
        "key_bad": _("This line is not a public key."),
        "file_heading": _("2. Receipt"),
        "file_label": _("Choose the receipt, and part 2 if you have it"),
        "file_drop": _("You can also drop the files on this page."),
        "paste_summary": _("Paste the text of a receipt instead"),
        "paste_label": _("Text of the receipt"),
        "paste_hint": _("Empty lines and spaces after the end do not matter."),
        "check": _("Check"),
        "checking": _("Checking…"),
        "good_heading": _("The receipt is genuine"),
        "bad_heading": _("The receipt is not proven"),
        "bad_lead": _("Do not rely on the content of this file."),
        "checked_heading": _("Checked on this page"),
        "details_heading": _("Details"),
        "stores_heading": _("Counted before and after"),
        "kind": _("Kind"),
        "before": _("Before"),
        "left": _("Left"),
        "features_heading": _("Features that received the data"),
        "feature": _("Feature"),
        "last_read_at": _("Last received"),
        "acknowledged_at": _("Deletion of copies confirmed"),
        "destroyed_heading": _("Destroyed keys"),
        "destroyed_at": _("Destroyed"),
        "epoch_ended_at": _("Wrapping key destroyed"),
        "notes_heading": _("Statements in the receipt"),
        "entries_heading": _("Ledger entries in the receipt"),
        "entry": _("Entry"),
        "event": _("Event"),
        "at": _("Time"),
        "document_heading": _("Identification"),
        "id": _("Receipt"),
        "key_id": _("Key id"),
        "issued_at": _("Signed"),
        "signed_by": _("Signed by key"),
        "second_id": _("Part 2"),
        "reason": _("Reason"),
        "no_summary": _("This page does not know the form of this receipt; read the file itself."),
        "limits": _(
            "The check proves what Antares recorded and checked. Nobody can prove that no copy"
            " exists anywhere."
        ),
        "unsupported_heading": _("This browser cannot check receipts"),
        "unsupported": _(
            "It has no Ed25519 signatures (Web Cryptography). Use a current browser, or check the"
            " receipt with Python:"
        ),
        "command_heading": _("Check with Python instead"),
        "published_keys": _("published keys"),
        "alternatives": _("%(first)s or %(second)s"),
        "both": _("%(first)s and %(second)s"),
    }
)

#: The fifth sentence in the place of `receipt.check-offline`.
CHECKED: Final[Text] = claim(
    "verify.checked-here",
    _(
        "This page checked on your device that Antares signed exactly this receipt: compare the"
        " keys above with the %(keys)s, or check the receipt once more with Python."
    ),
)

#: What was checked. Each is shown only if the check passed.
CHECKS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "signature": claim(
            "verify.signature",
            _("The signature by %(key)s covers every byte of the file, and is right."),
        ),
        "left": claim(
            "verify.left",
            _("Nothing was left: each of the %(count)s counts after the removal is 0."),
        ),
        "ledger": claim(
            "verify.ledger",
            _("Each of its %(count)s entries is in the signed ledger %(origin)s."),
        ),
        "keys": claim(
            "verify.keys",
            _("A ledger entry records the destruction of each of its %(count)s keys."),
        ),
        "epochs": claim(
            "verify.epochs",
            _(
                "Ledger entries record the destruction of the wrapping key of each of its %(count)s"
                " keys."
            ),
        ),
        "parts": claim("verify.parts", _("The two files are parts 1 and 2 of one receipt.")),
    }
)
PART_2: Final = _("Part 2: %(check)s")

#: Why a file is rejected.
REJECTIONS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "no_file": _("Choose a receipt, or paste its text."),
        "too_large": _("The file is too large for a receipt."),
        "unreadable": _("The browser could not read the file."),
        "bad_key": _("Line %(line)s of the keys is not a public key."),
        "no_key": _("No key was given. Without a key that you trust, nothing is proven."),
        "no_signature": _("The file does not end with a signature."),
        "signature_form": _("The signature is not written in its only permitted form."),
        "not_canonical": _("The file is not written in the only permitted form of JSON."),
        "unknown_key": _("The file is signed by a key that is not among the keys above."),
        "wrong_signature": _("The signature is wrong: at least one byte was changed."),
        "other_kind": _("The file is signed, but it is not a receipt of a known version."),
        "form": _("The content does not have the form of a receipt."),
        "something_left": _("The receipt says that something was left: %(name)s."),
        "no_entry": _("The receipt contains no ledger entry."),
        "no_ledger_key": _("The key of the ledger %(name)s is not among the keys above."),
        "bad_note": _("The signature of the ledger in the receipt is wrong."),
        "bad_proof": _("A ledger entry in the receipt is not in the signed ledger."),
        "other_subject": _("None of the ledger entries is about the subject of the receipt."),
        "key_not_recorded": _("No ledger entry says that key %(name)s was destroyed."),
        "epoch_not_recorded": _(
            "No ledger entry says that the wrapping key %(name)s was destroyed."
        ),
        "no_destroyed_key": _("Part 2 names no key."),
        "not_one_receipt": _("The files are not part 1 and part 2 of one receipt."),
        "too_many": _("Choose one receipt: at most its part 1 and its part 2."),
    }
)
