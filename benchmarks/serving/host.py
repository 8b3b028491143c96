"""The server under test, in processes of its own: the service as `recirc serve` puts it together.

``python -m benchmarks.serving.host APP PROCESSES BEATS``; settings come from the environment, as
for the command. APP is ``service``; ``echo``: a bare FastAPI application that answers with the body
it was sent, on a server with the same options; or ``again``: the service, and another one whenever
it has been killed. A line of JSON on standard output tells port and process ids.
"""

import ctypes
import json
import logging
import os
import signal
import socket
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NoReturn

import cv2
from fastapi import FastAPI, Request, Response

from benchmarks.serving import beats
from service import app as application
from service import caging
from service.media import starting, warming
from service.media.cage import Cage
from service.settings import Settings, from_environment

_PR_SET_PDEATHSIG: Final = 1


def echo() -> FastAPI:
    """What FastAPI itself costs: one route, the body as it came."""
    app = FastAPI()

    @app.post("/echo")
    async def answer(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    return app


def serve(settings: Settings, listening: socket.socket, beating: Path, slot: int) -> None:
    """Be one process of the service."""
    with caging.for_service(settings) as decoding:
        app = application.create_app(settings, decoding)
        beats.add(app, beating, slot)
        application.server(app).run(sockets=[listening])


def _serve_again(settings: Settings, beating: Path) -> NoReturn:
    """One service after another, each in a fork: what is killed takes nothing with it.

    Its decoders are forked as well, from a process that is warm: a round takes little time.
    """
    warming.warm()
    while True:
        pid = os.fork()
        if pid == 0:
            _end_with_parent()
            confined = caging.confinement(settings)
            with closing(Cage(confined, starting.forked)) as cage:
                cage.require()
                listening = application.listen(settings)
                app = application.create_app(settings, cage)
                beats.add(app, beating, 0)
                _tell(listening, [os.getpid()])
                application.server(app).run(sockets=[listening])
            os._exit(0)
        os.waitpid(pid, 0)


def _serve_in(
    processes: int, app: str, settings: Settings, listening: socket.socket, beating: Path
) -> None:
    """As many processes as asked for, all on one listening socket."""
    pids = []
    for slot in range(processes):
        pid = os.fork()
        if pid == 0:
            _end_with_parent()
            if app == "echo":
                application.server(echo()).run(sockets=[listening])
            else:
                serve(settings, listening, beating, slot)
            os._exit(0)
        pids.append(pid)
    _tell(listening, pids)
    signal.signal(signal.SIGTERM, lambda *_: _pass_on(pids))
    for pid in pids:
        os.waitpid(pid, 0)


def _tell(listening: socket.socket, pids: list[int]) -> None:
    print(json.dumps({"port": listening.getsockname()[1], "pids": pids}), flush=True)


def _pass_on(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _end_with_parent() -> None:
    """A benchmark that is broken off leaves nothing behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serve until SIGTERM."""
    app, processes, beating = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    _end_with_parent()
    cv2.setNumThreads(1)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("service").setLevel(logging.CRITICAL)  # what is provoked here is no news
    settings = from_environment(os.environ, port=0)
    if app == "again":
        _serve_again(settings, beating)
    with application.listen(settings) as listening:
        _serve_in(processes, app, settings, listening, beating)


if __name__ == "__main__":
    main()
