"""The server under test, in processes of its own: what `recirc serve` runs.

``python -m benchmarks.serving.host APP BEATS``; settings come from the environment, as for the
command. APP is ``service``; ``echo``: a bare FastAPI application that answers with the body it was
sent, in the same processes, threads and server; or ``again``: the service, and another one whenever
it has been killed. A line of JSON on standard output tells the port, once there is one.
"""

import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from fastapi import FastAPI, Request, Response

from benchmarks.serving import beats
from service import app as application
from service import caging
from service.media import starting, warming
from service.media.cage import Cage
from service.media.decoding import Decoding
from service.settings import Settings, from_environment

_PR_SET_PDEATHSIG: Final = 1
_create_app, _listen = application.create_app, application.listen


def echo() -> FastAPI:
    """What FastAPI itself costs: one route, the body as it came."""
    app = FastAPI()

    @app.post("/echo")
    async def answer(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    return app


def _hook(app: str, beating: Path) -> None:
    """Let the service tell its port, and beat; or let it serve the echo."""

    def listen(settings: Settings) -> socket.socket:
        listening = _listen(settings)
        print(json.dumps({"port": listening.getsockname()[1], "pid": os.getpid()}), flush=True)
        return listening

    def create_app(settings: Settings, decoding: Decoding, **others: Any) -> FastAPI:
        made = _create_app(settings, decoding, **others)
        place = others.get("place")
        if app != "echo":
            beats.add(made, beating, 0 if place is None else place.number)
            return made
        bare = echo()
        bare.state.context = made.state.context
        return bare

    # Named by strings: these are what the service's own module looks up when it serves.
    vars(application).update(listen=listen, create_app=create_app)


@contextmanager
def _forked_cage(settings: Settings) -> Iterator[Decoding]:
    with closing(Cage(caging.confinement(settings), starting.forked)) as cage:
        cage.require()
        yield cage


def _serve_again(settings: Settings) -> NoReturn:
    """One service after another, each in a fork: what is killed takes nothing with it.

    Its decoders are forked as well, from a process that is warm: a round takes little time.
    """
    warming.warm()
    vars(caging).update(for_service=_forked_cage)
    while True:
        pid = os.fork()
        if pid == 0:
            _end_with_parent()
            application.serve(settings)
            os._exit(0)
        os.waitpid(pid, 0)


def _end_with_parent() -> None:
    """A benchmark that is broken off leaves nothing behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serve until SIGTERM."""
    app, beating = sys.argv[1], Path(sys.argv[2])
    _end_with_parent()
    settings = from_environment(os.environ, port=0)
    _hook(app, beating)
    if app == "again":
        _serve_again(settings)
    application.serve(settings)


if __name__ == "__main__":
    main()
