"""The rules with their exceptions: a list to review, each with its reason."""

from __future__ import annotations

from . import rules
from .rules import Rule

_STAND_IN = "the stand-in for providers is a process of its own, and never in production"
_LAUNCHER = "the launcher of the embedded servers, never in production"
_ADAPTER = "an adapter talks to its provider"

RULES = {
    "builds a permit": Rule(
        rules.permits,
        (
            "Permit(use, holder)",
            "guard.Permit(use=use)",
            "dataclasses.replace(permit, actor=me)",
            "object.__new__(guard.Permit)",
            "copy.copy(permit)",
        ),
        {"limited_use/guard.py": "the guard, after it decided and recorded"},
    ),
    "imports opening": Rule(
        rules.opening,
        (
            "from limited_use.vault import opening",
            "from limited_use.vault.opening import open_all",
            "import limited_use.vault.opening as o",
        ),
        {"limited_use/sinks/": "a sink opens and sends out in the same function"},
    ),
    "takes keys out of their wrapping": Rule(
        rules.keys,
        (
            "keyring.current().unwrap(line, 1, wrapped, bound)",
            "from limited_use.vault import keys\nkeys.unwrap(row)",
            "naming.key_of(connection_id, commitment)",
            "cursor.execute('SELECT * FROM vault_read_content(%s)', [holders])",
        ),
        {
            "limited_use/vault/": "the vault itself",
            "limited_use/ledger/": "makes names by a ledger key, and hands one to its owner",
        },
    ),
    "says whose an adapter is": Rule(
        rules.accesses,
        (
            "Access(token, root_url, account)",
            "base.Access(token=token, root_url='', account=theirs)",
            "replace(access, account=theirs)",
        ),
        {
            "integrations/tokens.py": "beside the token that it is of",
            "integrations/watches/last_access.py": "the same, where a connection ends",
            "integrations/sandbox/": "another thing of that name: " + _STAND_IN,
        },
    ),
    "finds modules or models by name": Rule(
        rules.dynamic,
        (
            "import importlib",
            "from importlib import import_module",
            "__import__('socket')",
            "apps.get_model('integrations', 'Message')",
            "import_string(path)",
            "import runpy",
        ),
        {
            "integrations/sandbox/schemas.py": "finds the published API descriptions as files",
            "config/embedded/binaries.py": "finds servers that were installed as packages",
        },
    ),
    "reaches the network": Rule(
        rules.network,
        (
            "import socket",
            "import http.client",
            "from http import client",
            "import urllib.request",
            "from urllib import request",
            "import requests",
            "import httpx",
            "from aiohttp import web",
            "import smtplib",
            "import asyncio",
        ),
        {
            "integrations/providers/": _ADAPTER,
            "integrations/sandbox/": _STAND_IN,
            "config/embedded/": _LAUNCHER,
            "config/tripwire.py": "watches what others do with it; opens nothing itself",
            "limited_use/vault/transit_": "asks the key server for its keys' work",
        },
    ),
    "sends mail of the platform": Rule(
        rules.mail,
        (
            "from django.core.mail import send_mail",
            "from django.core import mail",
            "import django.core.mail as m",
            "import smtplib",
            "user.email_user('subject', 'text')",
            "send_mass_mail(messages)",
            "get_adapter().send_mail('account/email/x', address, {})",
            "EmailMessage('subject', text, to=[address]).send()",
            "message = EmailMultiAlternatives()",
        ),
        {"limited_use/platform_mail.py": "the one place: kinds of a closed list, our own words"},
    ),
    "makes code of data": Rule(
        rules.running,
        (
            "eval(text)",
            "exec(text)",
            "compile(text, '', 'exec')",
            "import pickle",
            "from marshal import loads",
            "import yaml",
        ),
    ),
    "starts processes or calls C": Rule(
        rules.processes,
        (
            "import subprocess",
            "os.system('ls')",
            "os.execv(path, arguments)",
            "import ctypes",
            "import multiprocessing",
        ),
        {
            "integrations/sandbox/__main__.py": _STAND_IN,
            "config/embedded/": _LAUNCHER,
            "config/privacy.py": "prctl, which Python does not have: nobody reads our memory",
        },
    ),
    "starts a shell": Rule(
        rules.shells,
        ("subprocess.run(command, shell=True)", "run(command, shell=flag)", "os.popen('ls')"),
    ),
    "makes templates of strings": Rule(
        rules.templates,
        ("Template(subject).render(context)", "engine.from_string(title)"),
    ),
    "declares text safe": Rule(
        rules.markup,
        ("mark_safe(subject)", "SafeString(text)", "format_html('{}', text)"),
    ),
    "composes SQL": Rule(
        rules.statements,
        (
            "cursor.execute(f'SELECT {name}')",
            "cursor.execute('SELECT ' + name)",
            "cursor.execute('SELECT %s' % name)",
            "Message.objects.raw(statement)",
            "Message.objects.extra(where)",
        ),
        {
            "limited_use/ledger/entries.py": "as many placeholders as there are entries",
            "limited_use/vault/keys.py": "a lock of ours, shared or not",
            "limited_use/vault/opening.py": "literals, with as many placeholders as there are ids",
            "limited_use/vault/rows.py": "literals of its own, values as parameters",
            "config/database/": "roles, rights and policies: names quoted by the driver, no values",
            "integrations/crossings.py": "constants of its own, values as parameters",
            "integrations/facts/columns.py": "as many placeholders as there are ids",
            "integrations/inbox/listing.py": "conditions of its own, values as parameters",
            "integrations/purge/emptying.py": "names of our own tables, from the models",
            "integrations/sandbox/": "has no database; its `raw` is a message",
            "config/embedded/postgres.py": "a constant's name, in the launcher",
        },
    ),
    "shows models by their fields": Rule(
        rules.shapes,
        (
            "class Shape(ModelSerializer): pass",
            "class Shape(serializers.ModelSerializer): pass",
            "class Form(forms.ModelForm): pass",
            "from django.contrib import admin",
        ),
    ),
    "uses predictable randomness or a broken hash": Rule(
        rules.randomness,
        ("import random", "from random import choice", "uuid.uuid1()", "hashlib.md5(data)"),
        {
            "integrations/sandbox/": "seeded on purpose, so that a run can be repeated",
            "integrations/sync/claims.py": "spreads the times of mailboxes; guards nothing",
            "integrations/watches/pauses.py": "spreads the times of watches; guards nothing",
        },
    ),
    "gives tasks more than ids": Rule(
        rules.arguments,
        (
            "@shared_task\ndef run(message): pass",
            "@shared_task(name='x')\ndef run(*, subject: str): pass",
            "@app.task\ndef run(*, work_id: dict): pass",
            "run.delay(message)",
            "run.delay(subject=subject)",
            "run.apply_async(kwargs={'body': text})",
            "run.apply_async(kwargs=everything)",
        ),
    ),
    "logs text": Rule(
        rules.logs,
        (
            "logger.info(f'read {subject}')",
            "logger.info('mail.read', subject)",
            "logger.warning('it failed')",
            "logger.warning(message)",
            "try: pass\nexcept OSError as error:\n    logger.error('a.b', extra={'error': error})",
            "try: pass\nexcept OSError as error: logger.error(error)",
        ),
    ),
}
