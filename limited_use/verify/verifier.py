"""
Check receipts, evidence, entries and checkpoints offline: no service, no database, no Django.

    python -m limited_use.verify --key KEY [--key KEY] receipt.json [receipt-part-2.json]
    python -m limited_use.verify --key KEY [--key KEY] evidence.json
    python -m limited_use.verify --key KEY entry-ID.tlog-proof
    python -m limited_use.verify --key KEY --checkpoints FILE [--checkpoints FILE] [PROOF …]
    python -m limited_use.verify --key KEY --part ledger-part.json [EXPORT [--checkpoints FILE]]

An owner's part of the ledger tells which entries of an export are about the owner.
With checkpoints, the export must be the whole ledger up to the newest checkpoint.
A file of checkpoints contains one signed note, or JSON lines with a `note` each. A
file of proofs contains consistency proofs of the ledger, one after another.

Copy the keys from the service's public page or its README, never from the file
that you check. Requires Python and the `cryptography` package. Exit status 0: all
checks passed. `verify.html`, on the page of public keys, checks receipts in a browser.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from limited_use.ledger import consistency_proofs, signed_documents, signed_notes
from limited_use.ledger.merkle_tree import BadMerkleProof
from limited_use.ledger.signed_documents import BadDocument
from limited_use.ledger.signed_notes import BadNote, LogCheckpoint, VerifierKey

from . import bundle_checks, checkpoint_checks, entry_checks, part_checks
from .checkpoint_checks import CheckpointsInconsistent
from .receipt_checks import (
    ReceiptNotProven,
    check_first_part,
    check_second_part,
    escape_terminal_text,
)

# A receipt has some ten kilobytes, an evidence bundle some hundred.
MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
# Years of checkpoints, a few hundred bytes each.
MAX_SERIES_BYTES = 1024 * 1024 * 1024

# Exceptions that JSON of another form raises: deep nesting, other types, huge numbers.
_MALFORMED = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
_UNKNOWN_FORM = "the file does not have a form that this program knows"


def check_signed_document(document: bytes, keys: Sequence[VerifierKey]) -> list[str]:
    """
    Return the findings on a receipt, an evidence bundle or an entry's proof, line by line.

    :raises ReceiptNotProven:
    """
    if not keys:
        raise ReceiptNotProven("no key was given; without a key, nothing is proven")
    try:
        return list(_list_findings(document, keys))
    except (BadDocument, BadNote, BadMerkleProof) as problem:
        message = str(problem)
    except _MALFORMED:
        message = _UNKNOWN_FORM
    raise ReceiptNotProven(message)


def check_both_parts(first: bytes, second: bytes, keys: Sequence[VerifierKey]) -> list[str]:
    """
    Return the findings on both parts of one receipt.

    :raises ReceiptNotProven: if a check fails, or the parts belong to different receipts
    """
    lines = [*check_signed_document(first, keys), *check_signed_document(second, keys)]
    first_part, second_part = (
        signed_documents.verify_document(first, keys),
        signed_documents.verify_document(second, keys),
    )
    expected = {"id": first_part["id"], "sha256": hashlib.sha256(first).hexdigest()}
    if second_part.get("part_1") != expected or second_part["subject"] != first_part["subject"]:
        raise ReceiptNotProven("the two files are not parts 1 and 2 of one receipt")
    return [*lines, "together        parts 1 and 2 of one receipt"]


def _list_findings(document: bytes, keys: Sequence[VerifierKey]) -> Iterator[str]:
    if entry_checks.is_proof(document):
        yield from entry_checks.check_entry(document, keys)
        return
    content = signed_documents.verify_document(document, keys)
    check = _KINDS.get(content["kind"]) if content["v"] == 1 else None
    if check is None:
        raise ReceiptNotProven(
            "the file is signed, but it is neither a receipt nor evidence of version 1"
        )
    yield from check(content, keys)


_KINDS = {
    "deletion-receipt": check_first_part,
    "deletion-receipt-part-2": check_second_part,
    "evidence-bundle": bundle_checks.check_evidence_bundle,
}


def check_owner_ledger_part(
    document: bytes, export: str | None, note: str | None, keys: Sequence[VerifierKey]
) -> list[str]:
    """
    Return the findings on an owner's part of the ledger, and its entries in an export.

    :param note: a signed checkpoint; the export must be the whole ledger up to its size
    :raises ReceiptNotProven:
    """
    try:
        part = part_checks.parse_ledger_part(document)
        lines = list(part_checks.check_ledger_part(part, keys))
        if export is not None:
            checkpoint = (
                None if note is None else LogCheckpoint.parse(signed_notes.verify_note(note, keys))
            )
            lines += part_checks.list_own_entries(part, export, checkpoint)
    except (BadNote, BadMerkleProof) as problem:
        message = str(problem)
    except _MALFORMED:
        message = _UNKNOWN_FORM
    else:
        return lines
    raise ReceiptNotProven(message)


def _check_series_files(
    files: Sequence[Path], proof_files: Sequence[Path], keys: Sequence[VerifierKey]
) -> list[str]:
    signed = [
        note
        for file in files
        for note in checkpoint_checks.parse_checkpoint_notes(_read_text(file))
    ]
    proofs = [
        proof
        for file in proof_files
        for proof in consistency_proofs.split_consistency_proofs(_read_text(file))
    ]
    return list(checkpoint_checks.check_checkpoint_series(signed, proofs, keys))


def _check_part_files(
    file: Path,
    exports: Sequence[Path],
    checkpoint_files: Sequence[Path],
    keys: Sequence[VerifierKey],
) -> list[str]:
    signed = [
        note
        for checkpoint_file in checkpoint_files
        for note in checkpoint_checks.parse_checkpoint_notes(_read_text(checkpoint_file))
    ]
    return check_owner_ledger_part(
        file.read_bytes()[: MAX_DOCUMENT_BYTES + 1],
        _read_text(exports[0]) if exports else None,
        signed[-1] if signed else None,
        keys,
    )


def _read_text(file: Path) -> str:
    if file.stat().st_size > MAX_SERIES_BYTES:
        raise ReceiptNotProven(f"{file} is too large for a file of checkpoints")
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        pass
    raise ReceiptNotProven(f"{file} is not a text file")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m limited_use.verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--key", action="append", default=[], help="name+id+key; may be repeated")
    parser.add_argument(
        "--checkpoints", action="append", default=[], type=Path, help="in the order of their age"
    )
    parser.add_argument("--part", type=Path, help="an owner's part of the ledger")
    parser.add_argument(
        "file",
        type=Path,
        nargs="*",
        help="a receipt, its parts 1 and 2, a bundle, or the proof of an entry;"
        " with --part: an export of the ledger; with --checkpoints: proofs",
    )
    options = parser.parse_args(arguments)
    if options.part and len(options.file) > 1:
        parser.error("name one export of the ledger")
    if not (options.checkpoints or options.part) and len(options.file) not in {1, 2}:
        parser.error(
            "name one receipt, its two parts, one bundle, one proof, --part, or --checkpoints"
        )
    try:
        lines = _run_checks(options)
    except (ReceiptNotProven, CheckpointsInconsistent, BadNote, OSError) as problem:
        _write_line(f"NOT PROVEN: {problem}")
        return 1
    except _MALFORMED:
        _write_line(f"NOT PROVEN: {_UNKNOWN_FORM}")
        return 1
    for line in [*lines, "PROVEN: all checks passed."]:
        _write_line(line)
    return 0


def _run_checks(options: argparse.Namespace) -> list[str]:
    keys = [VerifierKey.parse(text) for text in options.key]
    if options.part:
        return _check_part_files(options.part, options.file, options.checkpoints, keys)
    if options.checkpoints:
        return _check_series_files(options.checkpoints, options.file, keys)
    first, *second = [file.read_bytes()[: MAX_DOCUMENT_BYTES + 1] for file in options.file]
    return (
        check_both_parts(first, second[0], keys) if second else check_signed_document(first, keys)
    )


def _write_line(line: str) -> None:
    encoding = sys.stdout.encoding or "ascii"
    printable = escape_terminal_text(line).encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(f"{printable}\n")
