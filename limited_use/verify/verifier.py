"""
Check receipts, evidence, entries and checkpoints offline: no service, no database, no Django.

    python -m limited_use.verify --key KEY [--key KEY] receipt.json [receipt-part-2.json]
    python -m limited_use.verify --key KEY [--key KEY] evidence.json
    python -m limited_use.verify --key KEY entry-ID.tlog-proof
    python -m limited_use.verify --key KEY --checkpoints FILE [--checkpoints FILE] [PROOF …]
    python -m limited_use.verify --key KEY --part ledger-part.json [EXPORT [--checkpoints FILE]]

An owner's part of the ledger tells which entries of an export are theirs; with
a checkpoint, the export has to be the whole ledger up to the newest of the file.
A file of checkpoints holds one signed note, or JSON lines with a `note` each; a
file of proofs holds consistency proofs of the ledger, one after another.

Keys come from the service's public page or its README, never from what is
checked. Needs Python and the `cryptography` package. Exit status 0: all holds.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from limited_use.ledger import consistency, signed_documents, signed_notes
from limited_use.ledger.signed_documents import BadDocument
from limited_use.ledger.signed_notes import BadNote, Checkpoint, VerifierKey
from limited_use.ledger.tree import BadProof

from . import bundle_checks, checkpoints, entry_checks, part_checks
from .checkpoints import NotConsistent
from .receipt_checks import NotProven, first_part, plain, second_part

# A receipt of ours has some ten kilobytes, a bundle of evidence some hundred.
LARGEST = 32 * 1024 * 1024
# Years of checkpoints, a few hundred bytes each.
LARGEST_SERIES = 1024 * 1024 * 1024

# What reading raises for JSON of another form: nested deeply, of other types, with huge numbers.
_MALFORMED = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
_UNKNOWN_FORM = "it is not of a form that this program knows"


def check(document: bytes, keys: Sequence[VerifierKey]) -> list[str]:
    """
    Return what the receipt, the bundle of evidence or the proof of an entry shows, line by line.

    :raises NotProven: if anything in it does not hold
    """
    if not keys:
        raise NotProven("no key was given: without one nothing is shown")
    try:
        return list(_lines(document, keys))
    except (BadDocument, BadNote, BadProof) as problem:
        said = str(problem)
    except _MALFORMED:
        said = _UNKNOWN_FORM
    raise NotProven(said)


def check_together(first: bytes, second: bytes, keys: Sequence[VerifierKey]) -> list[str]:
    """
    Return what both parts of one receipt prove.

    :raises NotProven: if either does not hold, or they are not of one receipt
    """
    lines = [*check(first, keys), *check(second, keys)]
    one, other = signed_documents.verify(first, keys), signed_documents.verify(second, keys)
    fits = {"id": one["id"], "sha256": hashlib.sha256(first).hexdigest()}
    if other.get("part_1") != fits or other["subject"] != one["subject"]:
        raise NotProven("the two files are not parts 1 and 2 of one receipt")
    return [*lines, "together        parts 1 and 2 of one receipt"]


def _lines(document: bytes, keys: Sequence[VerifierKey]) -> Iterator[str]:
    if entry_checks.is_proof(document):
        yield from entry_checks.entry(document, keys)
        return
    said = signed_documents.verify(document, keys)
    shows = _KINDS.get(said["kind"]) if said["v"] == 1 else None
    if shows is None:
        raise NotProven("it is signed, but it is no receipt and no evidence of version 1")
    yield from shows(said, keys)


_KINDS = {
    "deletion-receipt": first_part,
    "deletion-receipt-part-2": second_part,
    "evidence-bundle": bundle_checks.bundle,
}


def check_part(
    document: bytes, export: str | None, note: str | None, keys: Sequence[VerifierKey]
) -> list[str]:
    """
    Return what an owner's part of the ledger proves, and which entries of an export are theirs.

    :param note: a signed checkpoint up to which the export must be the whole ledger
    :raises NotProven: if anything in it does not hold
    """
    try:
        said = part_checks.read(document)
        lines = list(part_checks.part(said, keys))
        if export is not None:
            upto = None if note is None else Checkpoint.parse(signed_notes.verify(note, keys))
            lines += part_checks.theirs(said, export, upto)
    except (BadNote, BadProof) as problem:
        wrong = str(problem)
    except _MALFORMED:
        wrong = _UNKNOWN_FORM
    else:
        return lines
    raise NotProven(wrong)


def _series(
    files: Sequence[Path], proof_files: Sequence[Path], keys: Sequence[VerifierKey]
) -> list[str]:
    signed = [note for file in files for note in checkpoints.read(_text(file))]
    given = [proof for file in proof_files for proof in consistency.split(_text(file))]
    return list(checkpoints.check(signed, given, keys))


def _part(
    file: Path,
    exports: Sequence[Path],
    checkpoint_files: Sequence[Path],
    keys: Sequence[VerifierKey],
) -> list[str]:
    signed = [note for one in checkpoint_files for note in checkpoints.read(_text(one))]
    return check_part(
        file.read_bytes()[: LARGEST + 1],
        _text(exports[0]) if exports else None,
        signed[-1] if signed else None,
        keys,
    )


def _text(file: Path) -> str:
    if file.stat().st_size > LARGEST_SERIES:
        raise NotProven(f"{file} is larger than any file of checkpoints")
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        pass
    raise NotProven(f"{file} is not text")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was found, and return the exit status."""
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
        lines = _run(options)
    except (NotProven, NotConsistent, BadNote, OSError) as problem:
        _write(f"NOT PROVEN: {problem}")
        return 1
    except _MALFORMED:
        _write(f"NOT PROVEN: {_UNKNOWN_FORM}")
        return 1
    for line in [*lines, "PROVEN: all of the above holds."]:
        _write(line)
    return 0


def _run(options: argparse.Namespace) -> list[str]:
    keys = [VerifierKey.parse(text) for text in options.key]
    if options.part:
        return _part(options.part, options.file, options.checkpoints, keys)
    if options.checkpoints:
        return _series(options.checkpoints, options.file, keys)
    first, *second = [file.read_bytes()[: LARGEST + 1] for file in options.file]
    return check_together(first, second[0], keys) if second else check(first, keys)


def _write(line: str) -> None:
    """Print a line for any terminal: a file that somebody else wrote gives it no commands."""
    encoding = sys.stdout.encoding or "ascii"
    shown = plain(line).encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(f"{shown}\n")
