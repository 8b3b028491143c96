"""The cage, from outside: hands clips to a zygote's children and takes only hashes back."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import BinaryIO, Final, Self, TypeVar

from hashing.coverage import Problem
from hashing.extract import Extract
from hashing.lanes import Sampling
from hashing.patch_track import Look, PatchTrack
from hashing.patches.placing import Placing
from service.errors import (
    BadAnswer,
    CageFailed,
    DecoderCrashed,
    DecoderDied,
    DecoderKilled,
    NoCage,
    OutOfCpu,
    OutOfTime,
    SandboxViolation,
)
from service.media import child, decoding, memory, starting, wire
from service.media.confinement import Confinement
from service.media.decoding import Level
from service.media.starting import Start, Started
from service.media.wire import Request
from service.media.zygote import ENDED, Why

Answer = TypeVar("Answer")
_GRACE_S: Final = 5  # for the zygote to end a child itself before it is taken for stuck
_READY_S: Final = 60  # a cold disk on a busy machine
_READ_BYTES: Final = 1024 * 1024
_LIMITS_ONLY: Final = "say --sandbox=limits-only, or RECIRC_SANDBOX=limits-only, to do without"


_BROKE_DOWN: Final[tuple[type[DecoderDied], str]] = (
    DecoderCrashed,
    "the decoder broke down on this file; ask for another copy",
)
_SIGNALS: Final[dict[int, tuple[type[DecoderDied], str]]] = {
    signal.SIGSYS: (SandboxViolation, "the decoder tried to break out; treat it as hostile"),
    signal.SIGXCPU: (OutOfCpu, "it takes more processor time than a clip may; check it in parts"),
    signal.SIGKILL: (DecoderKilled, "the decoder was killed from outside; check it again"),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended, as its zygote saw it: ``status`` is that of wait(2)."""

    why: Why
    status: int
    peak_bytes: int
    cpu_us: int


class Cage:
    """A ``Decoding`` in locked-up processes, one a clip. Usable from several threads.

    A zygote that has died is replaced when the next clip comes.
    """

    def __init__(self, confined: Confinement, start: Start = starting.spawned) -> None:
        """Start a zygote; whether there is a cage is known by ``require``, or at the first clip."""
        self._confined = confined
        self._start = start
        self._lock = Lock()
        self._closed = False
        self._ready = False
        self._zygote: Started | None = start(confined)

    @property
    def level(self) -> Level:
        """How well children are locked up."""
        return self._confined.level()

    @property
    def notices(self) -> tuple[str, ...]:
        """See ``Decoding.notices``."""
        return () if self._confined.filtered else (decoding.LIMITS_ONLY,)

    @property
    def zygote_pid(self) -> int:
        """The zygote that is there now. Raises NoCage."""
        with self._lock:
            return self._running().pid

    def require(self) -> None:
        """Wait until clips can be decoded. Raises NoCage where they cannot be locked up."""
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the zygote and whatever it is still working on."""
        with self._lock:
            self._closed = True
            self._discard()

    @contextmanager
    def opened(self, media: bytes | BinaryIO, sampling: Sampling) -> Iterator["Asking"]:
        """See ``Decoding.opened``. Raises NoCage."""
        with memory.held(media, self._confined.limits.media_bytes) as clip:
            asking = self._begin(clip, child.job(sampling))
            try:
                yield asking
            finally:
                asking.close()

    def _begin(self, clip: memory.Held, job: bytes) -> "Asking":
        """A child for this clip, by another zygote if this one has died."""
        for last_try in (False, True):
            asking, channel, end = Asking.begun(self._confined.wall_s, cut=clip.cut)
            with channel, end:
                try:
                    self._send(job, [channel.fileno(), clip.descriptor, end.fileno()])
                except OSError as problem:  # the zygote is gone
                    asking.close()
                    if last_try:
                        raise CageFailed("the cage breaks down again and again") from problem
                except BaseException:
                    asking.close()
                    raise
                else:
                    return asking
        raise AssertionError("unreachable")

    def _send(self, job: bytes, descriptors: list[int]) -> None:
        with self._lock:
            zygote = self._running()
            try:
                socket.send_fds(zygote.control, [job], descriptors)
            except OSError:
                self._discard()
                raise

    def _discard(self) -> None:
        zygote, self._zygote, self._ready = self._zygote, None, False
        if zygote is not None:
            zygote.end()

    def _running(self) -> Started:
        """The zygote, ready; a new one where there is none. Raises NoCage."""
        if self._closed:
            raise NoCage("the cage is closed")
        if self._zygote is None:
            self._zygote = self._start(self._confined)
        if not self._ready:
            try:
                _require_ready(self._zygote.control)
            except NoCage:
                self._discard()
                raise
            self._ready = True
        return self._zygote


def _require_ready(control: socket.socket) -> None:
    control.settimeout(_READY_S)
    try:
        message = control.recv(child.MOST_JOB_BYTES)
    except OSError as problem:
        raise NoCage(f"the decoders' process does not start; {_LIMITS_ONLY}") from problem
    if not message:
        raise NoCage(f"the decoders' process does not start here; {_LIMITS_ONLY}")
    said = json.loads(message)
    if said["version"] != wire.VERSION:
        raise NoCage("recirc was replaced while it ran; start it again")
    if said["not_refused"]:
        ways = ", ".join(said["not_refused"])
        raise NoCage(f"this kernel does not lock decoders up ({ways}); {_LIMITS_ONLY}")


class Asking:
    """One clip's child; see ``decoding.Taking``."""

    def __init__(
        self, channel: socket.socket, told: socket.socket, wall_s: int, *, cut: bool
    ) -> None:
        self._channel = channel
        self._told = told
        self._cut = cut
        self._died: DecoderDied | None = None
        self.ended: Ended | None = None  # once the child is gone
        for one in (channel, told):
            one.settimeout(wall_s + _GRACE_S)

    @classmethod
    def begun(cls, wall_s: int, *, cut: bool) -> tuple[Self, socket.socket, socket.socket]:
        """One that waits for a child, and what the child and its zygote get: channel and end."""
        ours, channel = socket.socketpair()
        told, end = socket.socketpair()
        return cls(ours, told, wall_s, cut=cut), channel, end

    def key_frames(self) -> Extract:
        """See ``Taking.key_frames``."""
        return self._ask(Request.KEY_FRAMES)

    def ending(self) -> Extract:
        """See ``Taking.ending``."""
        return self._ask(Request.ENDING)

    def whole(self) -> Extract:
        """See ``Taking.whole``."""
        return self._ask(Request.WHOLE)

    def patches(self, looks: Sequence[Look]) -> tuple[PatchTrack, ...]:
        """See ``Taking.patches``."""
        return self._answer(bytes([wire.asking(looks)]), wire.unpack_patches)

    def straightened(self, placing: Placing) -> Extract:
        """See ``Taking.straightened``."""
        asked = bytes([Request.STRAIGHTENED]) + wire.pack_placing(placing)
        return self._answer(asked, wire.unpack)

    def screen(self) -> Extract:
        """See ``Taking.screen``."""
        return self._answer(bytes([Request.SCREEN]), wire.unpack)

    def finished(self) -> Ended:
        """How the child ends that is asked nothing more. Raises CageFailed."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)
        if self.ended is None:
            self._why()
        if self.ended is None:
            raise CageFailed("the decoders' process has ended")
        return self.ended

    def abandon(self) -> None:
        """See ``decoding.Abandoned``: the zygote ends the child whose asker has gone."""
        for one in (self._told, self._channel):
            with suppress(OSError):  # the child has just ended by itself
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the child, which ends, or is ended by its zygote."""
        self._channel.close()
        self._told.close()

    def _ask(self, request: Request) -> Extract:
        taken = self._answer(bytes([request]), wire.unpack)
        if not self._cut:
            return taken
        problems = {*taken.coverage.problems, Problem.LIMIT_BYTES}
        coverage = replace(taken.coverage, problems=tuple(sorted(problems)))
        return replace(taken, coverage=coverage)

    def _answer(self, request: bytes, unpack: Callable[[wire.Read], Answer]) -> Answer:
        """What the child answers to this. Raises MediaError."""
        if self._died is not None:
            raise self._died
        try:
            self._channel.sendall(request)
            return unpack(self._read)
        except DecoderDied as problem:
            self._died = problem
            raise
        except TimeoutError as problem:
            self._died = OutOfTime("it takes longer than a clip may; check it in parts")
            raise self._died from problem
        except OSError as problem:
            self._died = self._why()
            raise self._died from problem

    def _read(self, wanted_bytes: int) -> bytes:
        """So many bytes of the child's answer. Raises what the child died of."""
        answer = bytearray()
        while len(answer) < wanted_bytes:
            part = self._channel.recv(min(_READ_BYTES, wanted_bytes - len(answer)))
            if not part:
                raise self._why()
            answer += part
        return bytes(answer)

    def _why(self) -> DecoderDied:
        """What the child died of, as its zygote tells."""
        try:
            message = self._told.recv(ENDED.size)
        except OSError:
            message = b""
        if len(message) != ENDED.size:
            return CageFailed("the decoders' process has ended; check the clip again")
        why, status, peak_bytes, cpu_us = ENDED.unpack(message)
        self.ended = Ended(Why(why), status, peak_bytes, cpu_us)
        return _cause(self.ended)


def _cause(ended: Ended) -> DecoderDied:
    if ended.why is Why.WALL:
        return OutOfTime("it takes longer than a clip may; check it in parts")
    if ended.why is Why.NOT_STARTED:
        return CageFailed("the machine gives no process for it; check it again later")
    if os.WIFSIGNALED(ended.status):
        kind, text = _SIGNALS.get(os.WTERMSIG(ended.status), _BROKE_DOWN)
        return kind(text)
    if os.WEXITSTATUS(ended.status):
        kind, text = _BROKE_DOWN
        return kind(text)
    return BadAnswer("the decoder's answer ends in the middle; treat the file as hostile")
