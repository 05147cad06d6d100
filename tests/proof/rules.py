"""
What no module may do, each with who may all the same, and why, and with code that does it.

A rule yields the lines on which it is broken. What it cannot see is in the README of
`limited_use`: names made at run time, C extensions, and what libraries do.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .source import Module

NETWORK = (
    "socket", "ssl", "socketserver", "http.client", "http.server", "urllib.request", "urllib3",
    "requests", "httpx", "aiohttp", "httplib2", "smtplib", "imaplib", "poplib", "ftplib",
    "telnetlib", "xmlrpc", "websockets", "redis", "asyncio",
)  # fmt: skip
RUNNING = {"eval", "exec", "compile", "os.system", "os.popen", "os.fork", "yaml.load"}
READING = ("pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "yaml", "code")
PROCESSES = ("subprocess", "pty", "multiprocessing", "os.exec", "os.posix_spawn", "os.spawn")
DYNAMIC = {"__import__", "import_module", "import_string", "get_model", "find_spec"}
SAFE = {"mark_safe", "SafeString", "SafeText", "format_html", "format_html_join"}
SENDING = {"send_mail", "send_mass_mail", "email_user", "mail_admins", "mail_managers"}
MESSAGES = {"EmailMessage", "EmailMultiAlternatives"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
# A function of the database that gives or takes keys.
VAULT = re.compile(r"\bvault_\w+\(")
EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
SQL = {"execute", "executemany", "raw", "extra", "RawSQL", "RunSQL", "copy", "callproc"}


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def permits(module: Module) -> Iterator[int]:
    """A permit is made, or one is made from another."""
    for name, call in module.calls():
        inside = " ".join(ast.unparse(argument) for argument in call.args)
        if _last(name) == "Permit" or (
            _last(name) in {"replace", "__new__", "__replace__", "copy", "deepcopy"}
            and re.search(r"\bpermits?\b", f"{name} {inside}", re.IGNORECASE)
        ):
            yield call.lineno


def opening(module: Module) -> Iterator[int]:
    """Opening is imported."""
    for name, line in module.imports():
        if name.startswith("limited_use.vault.opening"):
            yield line


def keys(module: Module) -> Iterator[int]:
    """A key is taken out of its wrapping, or asked for where it lies."""
    for name, call in module.calls():
        if _last(name) == "unwrap" or name.endswith("naming.key_of"):
            yield call.lineno
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and VAULT.search(str(node.value)):
            yield node.lineno


def accesses(module: Module) -> Iterator[int]:
    """It is said whose token an adapter goes along with."""
    for name, call in module.calls():
        named = {one.arg for one in call.keywords}
        if _last(name) == "Access" or (_last(name) == "replace" and "account" in named):
            yield call.lineno


def dynamic(module: Module) -> Iterator[int]:
    """A module or a model is found by a name that no reader of imports sees."""
    for name, line in module.imports():
        if name.split(".")[0] in {"importlib", "pkgutil", "runpy", "imp"}:
            yield line
    for name, call in module.calls():
        if _last(name) in DYNAMIC or name.startswith(("importlib.", "runpy.")):
            yield call.lineno


def network(module: Module) -> Iterator[int]:
    """The network is reached without a provider's adapter between."""
    for name, line in module.imports():
        if any(name == one or name.startswith(f"{one}.") for one in NETWORK):
            yield line


def mail(module: Module) -> Iterator[int]:
    """Mail of the platform's own is sent."""
    # The standard library's message is what mail is parsed into and written as; it sends nothing.
    written = {name for name, _ in module.imports() if name.startswith("email.")}
    for name, line in module.imports():
        if name.startswith(("django.core.mail", "smtplib")):
            yield line
    for name, call in module.calls():
        last = _last(name)
        if last in SENDING or (last in MESSAGES and f"email.message.{last}" not in written):
            yield call.lineno


def running(module: Module) -> Iterator[int]:
    """Data becomes code."""
    for name, line in module.imports():
        if name.split(".")[0] in READING:
            yield line
    for name, call in module.calls():
        if name in RUNNING:
            yield call.lineno


def processes(module: Module) -> Iterator[int]:
    """A process or a shell is started, or C is called by hand."""
    for name, line in module.imports():
        if name.split(".")[0] in {*PROCESSES, "ctypes", "cffi"}:
            yield line
    for name, call in module.calls():
        if name in {"os.system", "os.popen"} or name.startswith(PROCESSES):
            yield call.lineno


def shells(module: Module) -> Iterator[int]:
    """A shell reads the command."""
    for name, call in module.calls():
        given = {one.arg: one.value for one in call.keywords}
        if name in {"os.system", "os.popen", "subprocess.getoutput"} or (
            "shell" in given and ast.unparse(given["shell"]) != "False"
        ):
            yield call.lineno


def templates(module: Module) -> Iterator[int]:
    """A template is made from a string."""
    for name, call in module.calls():
        if _last(name) in {"Template", "from_string", "Engine"} or name.startswith("jinja2"):
            yield call.lineno


def markup(module: Module) -> Iterator[int]:
    """Text is declared to be safe HTML."""
    for name, call in module.calls():
        if _last(name) in SAFE:
            yield call.lineno


def statements(module: Module) -> Iterator[int]:
    """SQL is not one literal, or the literal one name stands for."""
    constants = {
        target.id
        for node in module.tree.body
        if isinstance(node, ast.Assign) and _is_literal(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name, call in module.calls():
        if _last(name) in SQL and call.args and "." in name:
            first = call.args[0]
            if not (_is_literal(first) or (isinstance(first, ast.Name) and first.id in constants)):
                yield call.lineno


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def shapes(module: Module) -> Iterator[int]:
    """Wire shapes, forms or lists are made from a model: a new column would show itself."""
    for node in module.nodes:
        named = getattr(node, "id", getattr(node, "attr", ""))
        if named in {"ModelSerializer", "HyperlinkedModelSerializer", "ModelForm", "ModelAdmin"}:
            yield node.lineno
    for name, line in module.imports():
        if name.startswith("django.contrib.admin"):
            yield line


def randomness(module: Module) -> Iterator[int]:
    """Predictable randomness is imported."""
    for name, line in module.imports():
        if name.split(".")[0] == "random":
            yield line
    for name, call in module.calls():
        if name in {"uuid.uuid1", "uuid1"} or _last(name) in {"md5", "sha1"}:
            yield call.lineno


def arguments(module: Module) -> Iterator[int]:
    """A task takes, or is given, something else than ids."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef) and any(
            "shared_task" in ast.unparse(one) or ".task" in ast.unparse(one)
            for one in node.decorator_list
        ):
            taken = node.args
            if taken.args or taken.posonlyargs or taken.vararg:
                yield node.lineno
            for one in taken.kwonlyargs:
                if not one.arg.endswith("_id") or ast.unparse(one.annotation or one) != "str":
                    yield node.lineno
    for name, call in module.calls():
        if _last(name) not in {"delay", "apply_async", "send_task", "s", "si", "signature"}:
            continue
        given = {one.arg: one.value for one in call.keywords}
        if _last(name) == "apply_async":
            sent = given.get("kwargs")
            keys = [ast.unparse(key)[1:-1] for key in getattr(sent, "keys", []) if key]
            whole = sent is None or isinstance(sent, ast.Dict)
        else:
            keys, whole = list(given), True
        if call.args or not whole or not all(key and key.endswith("_id") for key in keys):
            yield call.lineno


def logs(module: Module) -> Iterator[int]:
    """A log line is more than the name of an event and listed fields."""
    caught = {node.name for node in module.nodes if isinstance(node, ast.ExceptHandler)} - {None}
    for name, call in module.calls():
        target, _, level = name.rpartition(".")
        if level not in LEVELS or _last(target) not in {"logger", "log", "logging", "_logger"}:
            continue
        first = call.args[0] if call.args else None
        is_event = _is_literal(first) and EVENT.fullmatch(first.value)
        extra = [one.value for one in call.keywords if one.arg == "extra"]
        # Of an error its type may be told, and the word of ours that it carries.
        given = " ".join(map(ast.unparse, extra))
        told = re.sub(r"type\(\w+\)\.__name__|\w+\.reason|'.*?'", "", given)
        other = {one.arg for one in call.keywords} - {"extra", "exc_info"}
        if not is_event or len(call.args) != 1 or other or caught & set(re.findall(r"\w+", told)):
            yield call.lineno


@dataclass(frozen=True)
class Rule:
    """
    A rule, who may break it and why, and code that does.

    :param allowed: places by their beginning; one that nobody uses fails, too
    """

    finds: Callable[[Module], Iterator[int]]
    planted: tuple[str, ...]
    allowed: Mapping[str, str] = field(default_factory=dict)
