"""A production environment that starts, to be spoiled one variable at a time."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(keyring: Path) -> dict[str, str]:
    return {
        "ANTARES_ENV": "production",
        "SECRET_KEY": "k3J-x9Qm_7Zb2Wc8Vn4Rt6Yp1Lf5Hd0Gs-aEuIoTqXzPwMjNbVcR",
        "ALLOWED_HOSTS": "antares.example",
        "PUBLIC_URL": "https://antares.example",
        "STAFF_URL": "https://staff.antares.example",
        "DATABASE_URL_WEB": "postgresql://antares_web:pw@db.example/antares?sslmode=verify-full",
        "BROKER_URL": "rediss://broker.example/0",
        "KEYRING_DIR": str(keyring),
        "KEYRING_FILE_ACCEPTED": "on",
        "LEDGER_ORIGIN": "antares.example/ledger",
        "GOOGLE_CLIENT_ID": "id",
        "GOOGLE_CLIENT_SECRET": "secret",
        "PRIVACY_NOTICE_URL": "https://antares.example/privacy",
        "SUPPORT_EMAIL": "support@antares.example",
        "PROCESS_CLASS": "web",
        "TRUSTED_PROXY": "nginx",
    }


def run_manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py (``check`` if nothing is named) in exactly `env`."""
    return subprocess.run(
        [sys.executable, "manage.py", *(arguments or ("check",))],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )
