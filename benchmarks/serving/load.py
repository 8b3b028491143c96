"""The load: a process that sends requests and notes what came back, at little cost.

``python -m benchmarks.serving.load``: a plan as JSON on standard input, what came of it as JSON on
standard output. One thread, one epoll, requests made beforehand: on a machine of two cores what
the load takes is missing to the server. Either each connection sends its next request when it has
an answer, or requests fall due at a steady rate, whatever the server does, and an answer's time
counts from then.
"""

import json
import re
import select
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

_READ_BYTES: Final = 256 * 1024
_LENGTH: Final = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_VERDICT: Final = re.compile(rb'"verdict":"(\w+)"')
_CODE: Final = re.compile(rb'"code":"(\w+)"')
_PROBLEMS: Final = re.compile(rb'"problems":\[([^\]]*)\]')
_BETWEEN_S: Final = 0.02
_LOST: Final = 0  # in place of a status: the connection broke


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send. Bodies are sent in turn, each to ``target``.

    ``per_s``: requests a second, whether or not they are answered; None: as they are answered.
    Ends after ``seconds``, or ``most`` requests; what is under way then is waited for.
    """

    port: int
    target: str
    bodies: list[str]
    connections: int
    seconds: float
    most: int = 1_000_000
    per_s: float | None = None
    content_type: str = "application/json"


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    left: memoryview = field(default_factory=lambda: memoryview(b""))
    come: bytearray = field(default_factory=bytearray)
    body: int = -1  # which one was sent; -1: none
    due_s: float = 0.0


class _Load:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = [_request(plan, Path(body).read_bytes()) for body in plan.bodies]
        self._epoll = select.epoll()
        self._all: dict[int, _Connection] = {}
        self._idle: deque[_Connection] = deque()
        self._sent = 0
        self.answers: list[tuple[float, float, int, str, str, int]] = []

    def run(self) -> None:
        """Send all, and wait for what is still under way."""
        plan = self._plan
        self._idle.append(self._connected())
        began_s = time.perf_counter()
        end_s = began_s + plan.seconds
        while True:
            now_s = time.perf_counter()
            if now_s < end_s and self._sent < plan.most:
                due_s = min(self._send_due(began_s, now_s), self._open_another(began_s, now_s))
                wait_s = min(end_s, due_s) - time.perf_counter()
            elif len(self._idle) == len(self._all):
                return
            else:
                wait_s = 60.0
            for descriptor, events in self._epoll.poll(max(0.0, wait_s)):
                self._go_on(self._all[descriptor], events)

    def _open_another(self, began_s: float, now_s: float) -> float:
        """Open a connection where there may be one more and none is idle; when the next may be.

        One after another, as clients come: those that come at once all get the same process.
        """
        here = len(self._all)
        if here >= self._plan.connections or self._idle:
            return now_s + 1.0
        if now_s < began_s + here * _BETWEEN_S:
            return began_s + here * _BETWEEN_S
        self._idle.append(self._connected())
        return now_s

    def _send_due(self, began_s: float, now_s: float) -> float:
        """Send what is due to whoever is idle; when the next is due."""
        per_s, most = self._plan.per_s, self._plan.most
        while self._idle and self._sent < most:
            due_s = now_s if per_s is None else began_s + self._sent / per_s
            if due_s > now_s:
                return due_s
            self._send(self._idle.popleft(), due_s)
        return now_s + 1.0  # an answer comes first

    def _send(self, one: _Connection, due_s: float) -> None:
        one.body = self._sent % len(self._requests)
        one.due_s, one.left = due_s, memoryview(self._requests[one.body])
        one.come.clear()
        self._sent += 1
        self._push(one)

    def _push(self, one: _Connection) -> None:
        try:
            while one.left:
                one.left = one.left[one.socket.send(one.left) :]
        except BlockingIOError:
            self._epoll.modify(one.socket, select.EPOLLIN | select.EPOLLOUT)
            return
        except OSError:
            one.left = memoryview(b"")  # the answer, or the end, is there to be read
        self._epoll.modify(one.socket, select.EPOLLIN)

    def _go_on(self, one: _Connection, events: int) -> None:
        if events & select.EPOLLOUT:
            self._push(one)
        if not events & ~select.EPOLLOUT:
            return
        try:
            part = one.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        one.come += part
        if part and not _is_whole(one.come):
            return
        if one.body >= 0:
            self._note(one, is_whole=bool(part))
        unsent, one.body = len(one.left), -1
        if not part or unsent or b"connection: close" in one.come[:2000].lower():
            one = self._again(one)
        self._idle.append(one)

    def _note(self, one: _Connection, *, is_whole: bool) -> None:
        taken_ms = 1000 * (time.perf_counter() - one.due_s)
        status = int(one.come[9:12]) if is_whole else _LOST
        told = (_VERDICT if status < 300 else _CODE).search(one.come)
        problems = _PROBLEMS.search(one.come)
        self.answers.append(
            (
                one.due_s,
                taken_ms,
                status,
                told[1].decode() if told else "",
                problems[1].decode().replace('"', "") if problems else "",
                one.body,
            )
        )

    def _connected(self) -> _Connection:
        one = _Connection(socket.create_connection(("127.0.0.1", self._plan.port)))
        one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.socket.setblocking(False)
        self._all[one.socket.fileno()] = one
        self._epoll.register(one.socket, select.EPOLLIN)
        return one

    def _again(self, one: _Connection) -> _Connection:
        """A new connection in place of this one."""
        self._epoll.unregister(one.socket)
        del self._all[one.socket.fileno()]
        one.socket.close()
        return self._connected()


def _request(plan: Plan, body: bytes) -> bytes:
    head = (
        f"POST {plan.target} HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\n"
        f"Content-Type: {plan.content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _is_whole(come: bytearray) -> bool:
    end = come.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = _LENGTH.search(come, 0, end)
    return len(come) >= end + 4 + (int(length[1]) if length else 0)


def main() -> None:
    """Read the plan, send, tell."""
    load = _Load(Plan(**json.load(sys.stdin)))
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    load.run()
    json.dump(
        {
            "wall_s": time.perf_counter() - began_s,
            "cpu_s": time.process_time() - began_cpu_s,
            "answers": load.answers,
        },
        sys.stdout,
    )


def as_json(plan: Plan) -> str:
    """A plan as this process reads it."""
    return json.dumps(asdict(plan))


if __name__ == "__main__":
    main()
