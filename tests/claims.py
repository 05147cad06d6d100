"""
`python -m tests.claims` prints every claim about data with its sentence, place and tests.

See `limited_use.policy.claims`.
"""

from __future__ import annotations

import os
import sys

import django


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_test")
    django.setup()
    # Imports models, which need the settings.
    from integrations.review.evidence import claim_register
    from tests import bound_tests

    tests = {
        one.id: found
        for one, found in bound_tests.find_bound_tests().items()
        if one.marker == "claim"
    }
    for claim in claim_register.collect_claims():
        sys.stdout.write(f"{claim.id}  ({claim.path})\n  {claim.sentence}\n")
        sys.stdout.writelines(f"  - {test}\n" for test in tests.get(claim.id, ["NO TEST"]))
    sys.stdout.write(f"{len({claim.id for claim in claim_register.collect_claims()})} claims\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
