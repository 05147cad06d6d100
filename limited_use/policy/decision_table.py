"""
The whole decision space as a page that a reviewer can read.

`python -m limited_use.policy.decision_table > tests/limited_use/policy.golden` writes it anew;
`python -m limited_use.policy.decision_table tests/limited_use/policy.golden` says what is
opened and what is closed by now, compared with that page. A diff of it is a diff of policy.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from .evaluation import RULES, SAYS, TABLE, Cell, Table
from .vocabulary import DataClass, Purpose, Recipient, Use

PERMIT = "PERMIT"
REFUSE = "refuse"
EVERYTHING = "everything"
_RULES = "[rules]"

Answers = Mapping[Use, str]


def answers(table: Table = TABLE) -> Answers:
    """Return what the policy says of each use: by which rule, and given which facts."""
    return {Use(*use): _answer(cell) for use, cell in table.items()}


def render(table: Table = TABLE) -> str:
    """
    Return the page: by purpose, then recipients, then data, those with one answer together.

    Every use of the vocabulary stands in exactly one line (see `read`).
    """
    said = answers(table)
    opened = sum(_is_open(answer) for answer in said.values())
    sizes = f"{len(DataClass)} data classes x {len(Purpose)} purposes x {len(Recipient)} recipients"
    closed = len(table) - opened
    lines = [
        f"# Every use there is: {sizes} = {len(table)}.",
        f"# {opened} can be permitted, each only if all its facts are found.",
        f"# {closed} cannot, whatever is found.",
    ]
    for purpose in Purpose:
        lines += ["", f"[{purpose}]", *_purpose(said, purpose)]
    lines += ["", _RULES]
    lines += [f"  {rule.id}: {rule.says} ({', '.join(rule.clauses)})" for rule in RULES]
    lines += [f"  all-else: {SAYS['all-else']} (LU-4, W-LU4)"]
    return "\n".join(lines) + "\n"


def read(page: str) -> dict[Use, str]:
    """
    Return the answers that a page gives: what `answers` returned when it was written.

    :raises ValueError: if a use stands in two lines, or a word is not of the vocabulary
    """
    found: dict[Use, str] = {}
    purpose, recipients = "", ""
    for line in page.partition(_RULES)[0].splitlines():
        if line.startswith("["):
            purpose = line.strip("[]")
        elif line.startswith("    "):
            verdict, answer = line.split(maxsplit=1)
            classes, _, why = answer.partition(": ")
            for use in _uses(classes, purpose, recipients):
                if use in found:
                    raise ValueError(f"{use} stands in two lines")
                found[use] = f"{verdict} {why}"
        elif line.startswith("  "):
            recipients = line.strip()
    return found


def changes(before: Answers, after: Answers) -> Iterator[str]:
    """Yield a line for each use that is opened or closed, or answered for another reason."""
    for use in sorted({*before, *after}):
        old, new = before.get(use, REFUSE), after.get(use, REFUSE)
        if old == new:
            continue
        name = f"{use.data_class} for {use.purpose} to {use.recipient}"
        if _is_open(new) and not _is_open(old):
            yield f"OPENS   {name}: {new}"
        elif _is_open(old) and not _is_open(new):
            yield f"CLOSES  {name}: {new}"
        else:
            yield f"CHANGES {name}: {old} -> {new}"


def _purpose(said: Answers, purpose: Purpose) -> Iterator[str]:
    blocks: dict[tuple[str, ...], list[Recipient]] = defaultdict(list)
    for recipient in Recipient:
        blocks[tuple(_recipient(said, purpose, recipient))].append(recipient)
    # What can be permitted is read first.
    for lines, recipients in sorted(blocks.items(), key=lambda one: not _is_open(one[0][0])):
        yield f"  {', '.join(recipients)}"
        yield from (f"    {line}" for line in lines)


def _recipient(said: Answers, purpose: Purpose, recipient: Recipient) -> Iterator[str]:
    groups: dict[str, list[DataClass]] = defaultdict(list)
    for data_class in DataClass:
        groups[said[Use(data_class, purpose, recipient)]].append(data_class)
    for answer, classes in sorted(groups.items(), key=lambda one: not _is_open(one[0])):
        verdict, why = answer.split(" ", 1)
        names = EVERYTHING if len(classes) == len(DataClass) else ", ".join(classes)
        yield f"{verdict}  {names}: {why}"


def _uses(classes: str, purpose: str, recipients: str) -> Iterator[Use]:
    of = list(DataClass) if classes == EVERYTHING else [DataClass(c) for c in classes.split(", ")]
    for recipient in recipients.split(", "):
        for data_class in of:
            yield Use(data_class, Purpose(purpose), Recipient(recipient))


def _answer(cell: Cell) -> str:
    if not cell.options:
        return f"{REFUSE} {cell.refused.rule_id}"
    ways = (f"{one.rule_id} if {' + '.join(sorted(needs))}" for needs, one in cell.options)
    return f"{PERMIT} {' | '.join(ways)}"


def _is_open(answer: str) -> bool:
    return answer.startswith(PERMIT)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        reviewed = read(Path(sys.argv[1]).read_text(encoding="utf-8"))
        sys.stdout.writelines(f"{line}\n" for line in changes(reviewed, answers()))
    else:
        sys.stdout.write(render())
