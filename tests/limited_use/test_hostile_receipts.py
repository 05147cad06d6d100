"""The offline verifier and files that somebody wrote to break it: an answer, never a traceback."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limited_use.ledger import (
    entry_proofs,
    merkle_tree,
    pseudonym_derivation,
    signed_documents,
    signed_notes,
)
from limited_use.ledger.signed_notes import LogCheckpoint, VerifierKey
from limited_use.verify import verifier

ORIGIN = "ledger.example"
_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = VerifierKey(ORIGIN, _PRIVATE.public_key().public_bytes_raw())
DEPTHS = [100, 900, 5_000, 200_000]
SHAPES = {"arrays": ("[", "]"), "objects": ('{"a":', "}"), "unclosed": ("[", "")}


def prove(payload: bytes) -> str:
    """Return the proof of an entry that is the whole of a ledger."""
    leaf = merkle_tree.hash_leaf(payload)
    note = signed_notes.sign_note(str(LogCheckpoint(ORIGIN, 1, leaf)), KEY, _PRIVATE.sign)
    return entry_proofs.write_entry_proof(payload=payload, index=0, path=[], note=note)


ENTRY = {
    "id": "e",
    "at": 1_790_000_000_000,
    "event": "key.destroyed",
    "subject": "s",
    "body": {"key_id": "k", "line": "content", "kek_epoch": 1},
}
RECEIPT = {
    "v": 1,
    "kind": "deletion-receipt",
    "id": "r",
    "issued_at": "2026-11-25T12:00:00+00:00",
    "subject": "s",
    "body": {
        "trigger": "owner",
        "started_at": "a",
        "emptied_at": "b",
        "stores": {"integrations.Message": {"before": 1, "left": 0}},
        "keys_destroyed": [{"key_id": "k", "at": "b"}],
        "provider_revocation": {"outcome": "confirmed"},
        "remains": {"backups": {"until": "2026-12-25"}},
    },
    "ledger": {"origin": ORIGIN, "proofs": [prove(signed_documents.encode_canonical(ENTRY))]},
}
BUNDLE = {
    "v": 1,
    "kind": "evidence-bundle",
    "id": "b",
    "made_at": "a",
    "software": {"code": "c", "policy": "p"},
    "ledger": {"origin": ORIGIN, "checkpoint": None},
    "sections": {"one": {"title": "t", "rests_on": "u"}},
    "order": ["one"],
    "not_met": [],
}
PART = {
    "v": 1,
    "kind": "ledger-part",
    "key": "00" * 32,
    "commitment": "c",
    "names": [{"id": "i", "what": "connection", "says": "w", "name": "n"}],
    "ledger": {"origin": ORIGIN, "proofs": []},
}
_SECRET = bytes(pseudonym_derivation.KEY_BYTES)
_OWN = UUID(int=1)
_AT_THE_END = pseudonym_derivation.derive_removal_pseudonym(_SECRET, _OWN).hex()
GOOD_PART = {
    **PART,
    "key": _SECRET.hex(),
    "commitment": pseudonym_derivation.compute_ledger_key_commitment(_SECRET).hex(),
    "names": [
        {
            "id": str(_OWN),
            "what": "connection",
            "says": "w",
            "name": pseudonym_derivation.derive_pseudonym(_SECRET, _OWN).hex(),
            "name_at_the_end": _AT_THE_END,
            "name_of_the_service": "n",
        }
    ],
    "ledger": {
        "origin": ORIGIN,
        "proofs": [
            prove(
                signed_documents.encode_canonical(
                    {
                        "event": "ledger_key.set_aside",
                        "body": {
                            "commitment": pseudonym_derivation.compute_ledger_key_commitment(
                                _SECRET
                            ).hex()
                        },
                        "subject": _AT_THE_END,
                    }
                )
            )
        ],
    },
}

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["", "\x1b[2J", "\u202e", ORIGIN, "s"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def find_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each value inside of `value` is."""
    steps = value.items() if isinstance(value, dict) else ()
    steps = enumerate(value) if isinstance(value, list) else steps
    for step, inner in steps:
        yield (*path, step)
        yield from find_paths(inner, (*path, step))


@st.composite
def changed(draw: Callable[..., Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Return `whole` with another value in one place, or without it."""
    result = copy.deepcopy(whole)
    *path, last = draw(st.sampled_from(list(find_paths(whole))))
    inner: Any = result
    for step in path:
        inner = inner[step]
    if draw(st.booleans()):
        inner[last] = draw(_VALUES)
    else:
        del inner[last]
    return result


def sign(value: dict[str, Any]) -> bytes:
    return signed_documents.sign_document(value, KEY, _PRIVATE.sign)


@pytest.fixture
def run(tmp_path, capsys):
    """Return a function that runs the program on files, and returns its status and output."""

    def run_on(*contents: bytes, options: tuple[str, ...] = ("{0}",)) -> tuple[int, str]:
        files = [Path(tmp_path, str(number)) for number in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        named = [option.format(*files) for option in options]
        status = verifier.main(["--key", str(KEY), *named])
        return status, capsys.readouterr().out

    return run_on


def is_refused(result: tuple[int, str]) -> bool:
    status, output = result
    return status == 1 and output.startswith("NOT PROVEN: ") and output[:-1].isprintable()


def is_answer(result: tuple[int, str]) -> bool:
    status, output = result
    lines = output.splitlines()
    is_proven = status == 0 and lines[-1].startswith("PROVEN")
    return is_refused(result) or (is_proven and all(line.isprintable() for line in lines))


# Files are written anew for each example.
many = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class TestGoodFiles:
    def test_are_proven(self, run):
        assert run(sign(RECEIPT))[0] == 0
        assert run(sign(BUNDLE))[0] == 0
        assert run(json.dumps(GOOD_PART).encode(), options=("--part", "{0}"))[0] == 0
        assert run(prove(signed_documents.encode_canonical(ENTRY)).encode())[0] == 0


class TestDeepJson:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("depth", DEPTHS)
    def test_is_not_proven_in_any_kind_of_file(self, run, depth, shape):
        begin, end = SHAPES[shape]
        deep = f"{begin * depth}1{end * depth}"
        ledger = json.dumps({**PART, "x": 0}).replace('"x": 0', f'"x": {deep}')
        series = f'{{"note": "x", "x": {deep}}}'

        for content in (deep, f'{{"v":1,"x":{deep},"signature":"{"A" * 86}=="}}\n'):
            assert is_refused(run(content.encode()))
        assert is_refused(run(ledger.encode(), options=("--part", "{0}")))
        assert is_refused(run(series.encode(), options=("--checkpoints", "{0}")))
        assert is_refused(
            run(json.dumps(PART).encode(), deep.encode(), options=("--part", "{0}", "{1}"))
        )

    @pytest.mark.parametrize("depth", [100, 300, 400, 900])
    def test_is_answered_although_it_is_signed(self, run, depth):
        deep: Any = 1
        for _ in range(depth):
            deep = [deep]
        remains = {"backups": deep}
        payload = json.dumps({**ENTRY, "body": deep}).encode()

        assert is_answer(run(sign({**RECEIPT, "body": {**RECEIPT["body"], "remains": remains}})))
        assert is_answer(run(prove(payload).encode()))

    @pytest.mark.parametrize("depth", [5_000, 200_000])
    def test_is_not_proven_in_an_entry_that_is_signed(self, run, depth):
        payload = ('{"at":' + "[" * depth + "]" * depth + "}").encode()
        ledger = {"origin": ORIGIN, "proofs": [prove(payload)]}

        assert is_refused(run(prove(payload).encode()))
        assert is_refused(run(sign({**RECEIPT, "ledger": ledger})))


class TestOtherHostileFiles:
    @pytest.mark.parametrize(
        "line",
        ['{"note": 1}', '{"note": []}', '{"note": null}', '{"note": {}}', '{"x":1}', "[]", "{}}"],
    )
    def test_of_checkpoints_are_not_proven(self, run, line):
        assert is_refused(run(line.encode(), options=("--checkpoints", "{0}")))

    @pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000, "1" * 400, "NaN", "1e308"])
    def test_with_huge_numbers_are_answered(self, run, number):
        payload = json.dumps({**ENTRY, "at": 0}).replace('"at": 0', f'"at": {number}').encode()

        assert is_answer(run(prove(payload).encode()))
        assert is_refused(run(payload))

    @pytest.mark.parametrize("index", ["1e999", "9" * 5000, "[]", '{"a":1}', "null", "true"])
    def test_of_an_export_are_not_proven(self, index):
        line = f'{{"index": {index}, "payload": "[]"}}'

        with pytest.raises(verifier.ReceiptNotProven):
            verifier.check_owner_ledger_part(json.dumps(GOOD_PART).encode(), line, None, [KEY])

    def test_with_a_member_twice_are_not_proven(self, run):
        signed = sign(RECEIPT)[:-1]
        twice = signed.replace(b'"kind":', b'"kind":"x","kind":', 1) + b"\n"
        resigned = twice[: twice.rindex(b',"signature"')]
        signature = base64.b64encode(_PRIVATE.sign(signed_documents.DOMAIN + resigned))

        assert is_refused(run(twice))
        assert is_refused(run(resigned + b',"signature":"' + signature + b'"}\n'))

    @pytest.mark.parametrize(
        "text", ["\x1b[2J\x1b[H", "\x9b2J", "\u202e", "\ud800", "é \N{GRINNING FACE}"]
    )
    def test_give_a_terminal_no_commands(self, run, text):
        body = {**RECEIPT["body"], "trigger": text}
        entry = {**ENTRY, "event": text}
        ledger = {"origin": ORIGIN, "proofs": [prove(json.dumps(entry).encode())]}

        results = [run(prove(json.dumps(entry).encode()).encode())]
        if text != "\ud800":  # Not a document: it has no UTF-8.
            results += [run(sign({**RECEIPT, "body": body})), run(sign({**RECEIPT, "id": text}))]
        results.append(run(sign({**RECEIPT, "ledger": ledger})))

        assert all(is_answer(result) for result in results)


class TestAnyFile:
    @many
    @given(content=st.binary(max_size=200))
    def test_of_any_bytes_is_not_proven(self, run, content):
        assert is_refused(run(content))
        assert is_refused(run(content, options=("--part", "{0}")))
        assert is_refused(run(content, options=("--checkpoints", "{0}")))

    @many
    @given(value=_VALUES)
    def test_of_any_json_is_not_proven(self, run, value):
        content = json.dumps(value).encode()

        assert is_refused(run(content))
        assert is_refused(run(content, options=("--part", "{0}")))
        assert is_refused(run(content, options=("--checkpoints", "{0}")))

    @many
    @given(value=changed(RECEIPT) | changed(BUNDLE))
    def test_that_is_signed_is_answered(self, run, value):
        try:
            document = sign(value)
        except UnicodeEncodeError:
            return
        assert is_answer(run(document))

    @many
    @given(entry=changed(ENTRY))
    def test_with_any_entry_is_answered(self, run, entry):
        proof = prove(json.dumps(entry).encode())
        ledger = {"origin": ORIGIN, "proofs": [proof]}

        assert is_answer(run(proof.encode()))
        assert is_answer(run(sign({**RECEIPT, "ledger": ledger})))

    @many
    @given(value=changed(PART) | st.just(GOOD_PART), line=_VALUES)
    def test_of_an_owners_part_is_not_proven(self, run, value, line):
        part, export = json.dumps(value).encode(), json.dumps(line).encode()

        assert is_refused(run(part, export, options=("--part", "{0}", "{1}")))
