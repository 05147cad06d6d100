"""A parser process can reach nothing: whatever a stranger's bytes make it do stays inside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from integrations.parsers.mail_tasks import SanitiseText
from integrations.parsers.parser_process import COMMAND, ParserProcess
from integrations.parsers.parser_task_limits import get_parser_task_budget
from integrations.parsers.worker import system_calls

ROOT = Path(__file__).resolve().parents[3]
BEGIN = f"""
import ctypes, os, resource, socket, subprocess, sys, threading
sys.path.insert(0, {str(ROOT)!r})
from integrations.parsers.worker import handlers, isolation
libc = ctypes.CDLL(None, use_errno=True)
handlers.load_libraries()
isolation.drop_privileges(code={str(ROOT / "integrations")!r})
"""
REFUSED = "refused"
# What code in the process tries, as an expression; a call of C returns -1 where it is refused.
ATTEMPTS = {
    "a socket": "socket.socket()",
    "a pair of sockets": "socket.socketpair()",
    "a look-up of a name": "socket.getaddrinfo('example.org', 443)",
    "a fork": "os.fork()",
    "a thread": "threading.Thread(target=print).start()",
    "a program": "subprocess.Popen([sys.executable])",
    "another program in its place": "os.execv(sys.executable, [sys.executable])",
    "a program by posix_spawn": "os.posix_spawn(sys.executable, [sys.executable], {})",
    "a file to write": "open('%(folder)s/written', 'w')",
    "a file to write beside its code": "open(handlers.__file__, 'a')",
    "a file made for reading": "os.open('%(folder)s/made', os.O_RDONLY | os.O_CREAT)",
    "a file in memory": "os.memfd_create('x')",
    "removing a file": "os.unlink('%(folder)s/secret')",
    "a folder": "os.mkdir('%(folder)s/made')",
    "a file of the service": "open('%(folder)s/secret').read()",
    "the settings' source": f"open({str(ROOT / 'config' / 'settings.py')!r}).read()",
    "a list of the service's folder": f"os.listdir({str(ROOT)!r})",
    "the system's accounts": "open('/etc/passwd').read()",
    "its own environment": "open('/proc/self/environ').read()",
    "its parent's environment": "open(f'/proc/{os.getppid()}/environ').read()",
    "its parent's memory": "open(f'/proc/{os.getppid()}/mem', 'rb')",
    "its parent's memory by a call": "libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)",
    "following its parent": "libc.ptrace(16, os.getppid(), 0, 0)",
    "a signal to its parent": "os.kill(os.getppid(), 0)",
    "a signal to its parent's thread": "libc.syscall(%(tgkill)d, os.getppid(), os.getppid(), 0)",
    "a limit of its parent": "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
    "signals to its parent from a pipe": "libc.fcntl(0, 8, os.getppid())",
    "another's processor": "os.sched_setaffinity(os.getppid(), {0})",
    "a core file": "resource.setrlimit(resource.RLIMIT_CORE, (1, 1))",
    "another user": "os.setuid(12345)",
    "being read by others again": "libc.prctl(4, 1, 0, 0, 0)",
    "a call of another kind": "libc.syscall(425, 1, 0)",
}


def run_code(code: str, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-I", "-c", code],
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """Return what became of each attempt, all made by one isolated process."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "secret").write_text("the key of the keyring")
    known = {"folder": folder, "tgkill": 234 if os.uname().machine == "x86_64" else 131}
    code = BEGIN + "found = {}\n"
    for name, attempt in ATTEMPTS.items():
        code += f"""
try:
    found[{name!r}] = {attempt % known if "%(" in attempt else attempt}
    found[{name!r}] = {REFUSED!r} if found[{name!r}] == -1 else repr(found[{name!r}])
except (OSError, RuntimeError, ValueError):
    found[{name!r}] = {REFUSED!r}
"""
    code += "print(repr(found))"
    done = run_code(code)
    assert done.returncode == 0, done.stderr
    assert (folder / "secret").read_text() == "the key of the keyring"
    assert [one.name for one in folder.iterdir()] == ["secret"]
    return dict(eval(done.stdout))  # noqa: S307 - a literal of the process above


@pytest.fixture
def process():
    started = start_ready_process()
    yield started
    started.end()


def start_ready_process() -> ParserProcess:
    """Start one that has answered: it is isolated, and has closed the files of its start."""
    started = ParserProcess()
    started.run_task(msgspec.msgpack.encode(SanitiseText("", "")), get_parser_task_budget(0))
    return started


def read_proc_file(process: ParserProcess, name: str) -> str:
    return Path(f"/proc/{process.pid}/{name}").read_text()


@pytest.mark.invariant(13)
class TestAnIsolatedProcess:
    @pytest.mark.parametrize("attempt", ATTEMPTS)
    def test_is_refused(self, outcomes, attempt):
        assert outcomes[attempt] == REFUSED

    def test_is_not_dumpable(self):
        # Asked before the filter, which refuses the question.
        early = BEGIN.replace(
            "isolation.drop_privileges",
            "isolation._filter_system_calls = lambda: None; isolation.drop_privileges",
        )

        done = run_code(early + "print(libc.prctl(3, 0, 0, 0, 0), resource.getrlimit(4))")

        assert done.stdout == "0 (0, 0)\n", done.stderr

    def test_still_reads_what_python_needs(self):
        done = run_code(
            BEGIN + "import zoneinfo, email.mime.text\nprint(zoneinfo.ZoneInfo('Asia/Tokyo'))"
        )

        assert done.stdout == "Asia/Tokyo\n", done.stderr

    def test_may_do_each_of_these_before(self, tmp_path):
        # The attempts above fail for the isolation, not because they could never succeed.
        done = run_code(
            "import os, socket, subprocess, sys\n"
            "socket.socket(); open('/etc/passwd').read(); open('/proc/self/environ').read()\n"
            f"open({str(tmp_path / 'written')!r}, 'w')\n"
            "subprocess.run([sys.executable, '-c', ''], check=True); os.kill(os.getppid(), 0)\n"
        )

        assert done.returncode == 0, done.stderr


@pytest.mark.invariant(13)
class TestAProcessOfThePool:
    def test_has_no_environment_and_no_files_of_its_parent(self, tmp_path):
        with (tmp_path / "open").open("w") as file:
            os.set_inheritable(file.fileno(), True)
            process = start_ready_process()
            try:
                folder = Path(f"/proc/{process.pid}/fd")
                found = {one.name: str(one.readlink()) for one in folder.iterdir()}
                assert set(found) == {"0", "1", "2"}
                assert found["2"] == "/dev/null"
                assert read_proc_file(process, "environ") == ""
            finally:
                process.end()

    def test_runs_the_one_program(self, process):
        assert tuple(read_proc_file(process, "cmdline").rstrip("\0").split("\0")) == COMMAND
        assert COMMAND[1:] == (
            "-I",
            str(ROOT / "integrations" / "parsers" / "worker" / "process.py"),
        )

    def test_is_filtered_limited_and_never_alone_on_a_terminal(self, process):
        status = dict(
            line.split(":\t", 1) for line in read_proc_file(process, "status").splitlines()
        )
        limits = {
            line[:26].strip(): line[26:].split()[0]
            for line in read_proc_file(process, "limits").splitlines()
        }

        assert (status["Seccomp"], status["NoNewPrivs"], status["Threads"]) == ("2", "1", "1")
        assert limits["Max core file size"] == limits["Max file size"] == "0"
        assert limits["Max open files"] == "32"
        assert int(limits["Max cpu time"]) <= 4
        assert int(limits["Max address space"]) <= 512 * 1024 * 1024
        assert os.getsid(process.pid) == process.pid


class TestAFilter:
    def test_is_known_for_two_architectures(self):
        assert system_calls.build_filter("riscv64", pid=1) is None
        for machine in ("x86_64", "aarch64"):
            # The kernel takes 4096 instructions of 8 bytes, and jumps of a byte.
            assert 0 < len(system_calls.build_filter(machine, pid=1)) <= 4096 * 8

    def test_of_another_architecture_stops_before_anything_is_read(self):
        done = run_code(
            BEGIN.replace(
                "handlers.load_libraries()",
                "handlers.load_libraries(); isolation.platform.machine = lambda: 'riscv64'",
            )
        )

        assert done.returncode != 0
        assert "NotIsolated: no filter of system calls for riscv64" in done.stderr
