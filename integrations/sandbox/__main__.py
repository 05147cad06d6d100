"""`python -m integrations.sandbox --host 127.0.0.1 --port 8100 [--seed FILE.json] [--validate]`"""

import argparse
import asyncio
import ctypes  # noqa: TID251 - the sandbox dies with its parent, never in production
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from integrations.sandbox import app, push_delivery, seed_file
from integrations.sandbox.control import app as control
from integrations.sandbox.state import SandboxState

PR_SET_PDEATHSIG = 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description="A stand-in for Google.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--control-port", type=int, default=0, help="default: the port plus one")
    parser.add_argument("--issuer", default="", help="of Google; default: its own address")
    parser.add_argument(
        "--authority", default="", help="of Microsoft, in issuers; default: its own address"
    )
    parser.add_argument("--graph", default="", help="in Graph's links; default: as it was called")
    parser.add_argument("--seed", type=Path, help="clients, accounts and dials to begin with")
    parser.add_argument(
        "--validate", action="store_true", help="hold calls and answers to the schema"
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="end when the parent ends (Linux)"
    )
    return parser.parse_args()


def end_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def serve(options: argparse.Namespace) -> None:
    url = f"http://{options.host}:{options.port}"
    state = SandboxState(url, options.issuer, authority=options.authority, graph=options.graph)
    if options.validate:
        from integrations.sandbox.validation import ApiValidator

        state.validator = ApiValidator()
    if options.seed:
        seed_file.load_seed_file(state, options.seed)
    ports = (options.port, options.control_port or options.port + 1)
    runners = []
    delivery_task = asyncio.create_task(push_delivery.send_forever(state))
    for application, port in zip(
        (app.make_app(state), control.make_app(state)), ports, strict=True
    ):
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, options.host, port, backlog=1024).start()
        runners.append(runner)
    sys.stdout.write(f"sandbox {url} control http://{options.host}:{ports[1]}/_control/\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    await stop.wait()
    delivery_task.cancel()
    for runner in runners:
        await runner.cleanup()


def main() -> int:
    if os.environ.get("ANTARES_ENV") == "production":
        sys.stderr.write("The sandbox does not run in production: ANTARES_ENV says it is.\n")
        return 1
    options = parse_arguments()
    if options.with_parent:
        end_with_parent()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
