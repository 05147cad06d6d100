"""
The whole decision space as a page for reviewers.

`python -m limited_use.policy.decision_table > tests/limited_use/policy.golden` writes the page;
`python -m limited_use.policy.decision_table tests/limited_use/policy.golden` compares the policy
with it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from .policy_evaluation import RULE_TEXTS, RULES, TABLE, DecisionCell, DecisionTable
from .policy_vocabulary import DataClass, Purpose, Recipient, Use

PERMIT = "PERMIT"
REFUSE = "refuse"
EVERYTHING = "everything"
_RULES = "[rules]"

AnswersByUse = Mapping[Use, str]


def list_policy_answers(table: DecisionTable = TABLE) -> AnswersByUse:
    return {Use(*use): _format_answer(cell) for use, cell in table.items()}


def render_decision_table(table: DecisionTable = TABLE) -> str:
    answers_by_use = list_policy_answers(table)
    open_count = sum(_is_open(answer) for answer in answers_by_use.values())
    sizes = f"{len(DataClass)} data classes x {len(Purpose)} purposes x {len(Recipient)} recipients"
    closed_count = len(table) - open_count
    lines = [
        f"# Every use there is: {sizes} = {len(table)}.",
        f"# {open_count} can be permitted, each only if all its facts are found.",
        f"# {closed_count} cannot, whatever is found.",
    ]
    for purpose in Purpose:
        lines += ["", f"[{purpose}]", *_render_purpose(answers_by_use, purpose)]
    lines += ["", _RULES]
    lines += [f"  {rule.id}: {rule.says} ({', '.join(rule.clauses)})" for rule in RULES]
    lines += [f"  all-else: {RULE_TEXTS['all-else']} (LU-4, W-LU4)"]
    return "\n".join(lines) + "\n"


def parse_decision_table(page: str) -> dict[Use, str]:
    """
    Return the answers of a page, as `list_policy_answers` gave them.

    :raises ValueError: if a use is in two lines, or a word is not of the vocabulary
    """
    answers_by_use: dict[Use, str] = {}
    purpose, recipients = "", ""
    for line in page.partition(_RULES)[0].splitlines():
        if line.startswith("["):
            purpose = line.strip("[]")
        elif line.startswith("    "):
            verdict, answer = line.split(maxsplit=1)
            classes, _, why = answer.partition(": ")
            for use in _parse_uses(classes, purpose, recipients):
                if use in answers_by_use:
                    raise ValueError(f"{use} stands in two lines")
                answers_by_use[use] = f"{verdict} {why}"
        elif line.startswith("  "):
            recipients = line.strip()
    return answers_by_use


def describe_changes(before: AnswersByUse, after: AnswersByUse) -> Iterator[str]:
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


def _render_purpose(answers_by_use: AnswersByUse, purpose: Purpose) -> Iterator[str]:
    blocks: dict[tuple[str, ...], list[Recipient]] = defaultdict(list)
    for recipient in Recipient:
        blocks[tuple(_render_recipient(answers_by_use, purpose, recipient))].append(recipient)
    # Permitted uses first.
    for lines, recipients in sorted(blocks.items(), key=lambda block: not _is_open(block[0][0])):
        yield f"  {', '.join(recipients)}"
        yield from (f"    {line}" for line in lines)


def _render_recipient(
    answers_by_use: AnswersByUse, purpose: Purpose, recipient: Recipient
) -> Iterator[str]:
    groups: dict[str, list[DataClass]] = defaultdict(list)
    for data_class in DataClass:
        groups[answers_by_use[Use(data_class, purpose, recipient)]].append(data_class)
    for answer, classes in sorted(groups.items(), key=lambda group: not _is_open(group[0])):
        verdict, why = answer.split(" ", 1)
        names = EVERYTHING if len(classes) == len(DataClass) else ", ".join(classes)
        yield f"{verdict}  {names}: {why}"


def _parse_uses(classes: str, purpose: str, recipients: str) -> Iterator[Use]:
    data_classes = (
        list(DataClass) if classes == EVERYTHING else [DataClass(c) for c in classes.split(", ")]
    )
    for recipient in recipients.split(", "):
        for data_class in data_classes:
            yield Use(data_class, Purpose(purpose), Recipient(recipient))


def _format_answer(cell: DecisionCell) -> str:
    if not cell.options:
        return f"{REFUSE} {cell.refused.rule_id}"
    options = (
        f"{decision.rule_id} if {' + '.join(sorted(needs))}" for needs, decision in cell.options
    )
    return f"{PERMIT} {' | '.join(options)}"


def _is_open(answer: str) -> bool:
    return answer.startswith(PERMIT)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        reviewed = parse_decision_table(Path(sys.argv[1]).read_text(encoding="utf-8"))
        sys.stdout.writelines(
            f"{line}\n" for line in describe_changes(reviewed, list_policy_answers())
        )
    else:
        sys.stdout.write(render_decision_table())
