"""A child: decodes one clip inside the cage, answers what it is asked, and ends."""

import io
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final, NoReturn, Self

import cv2

from hashing.coverage import Problem
from hashing.errors import MediaError
from hashing.extract import CLIP, Extract, Extraction
from hashing.lanes import Sampling
from hashing.media import Limits
from service.errors import DecoderCrashed, OutOfMemory
from service.media import wire
from service.media.confinement import Base, Cell, Confinement
from service.media.seccomp import CHANNEL_FD, CLIP_FD
from service.media.wire import Request

MOST_JOB_BYTES: Final = 4096
_BUFFER_BYTES: Final = 64 * 1024
# Of its time a decoder stops by itself: what it has found is answered in the rest.
_DECODING_SHARE: Final = 0.9
_ANSWERS: Final[dict[Request, Callable[[Extraction], Extract]]] = {
    Request.KEY_FRAMES: Extraction.key_frames,
    Request.ENDING: Extraction.ending,
    Request.WHOLE: Extraction.whole,
    Request.SCREEN: Extraction.screen,
}


def job(sampling: Sampling) -> bytes:
    """What a child has to know beside its clip."""
    names = Sampling.__dataclass_fields__
    return json.dumps({name: getattr(sampling, name) for name in names}).encode()


def run(confined: Confinement, base: Base, jobs: socket.socket) -> NoReturn:
    """Be a child: wait for one job, then answer until nobody asks any more."""
    code = 1
    try:
        cell = Cell(confined, base)
        _rehearse(confined)
        message, channel, clip = receive(jobs)
        cell.lock(channel=channel, clip=clip)
        answer(message, confined)
        code = 0
    finally:
        os._exit(code)


def _rehearse(confined: Confinement) -> None:
    """Go the way of a clip with none: the pages that this writes to are copied before one waits."""
    conversation = _Conversation(CLIP, confined, io.BytesIO())
    _packed(conversation, Request.WHOLE)


def receive(jobs: socket.socket) -> tuple[bytes, int, int]:
    """The job's message, and the descriptors of its channel and its clip."""
    message, descriptors, _, _ = socket.recv_fds(jobs, MOST_JOB_BYTES, 2)
    if not message:
        os._exit(0)  # the zygote needs no child any more
    channel, clip = descriptors
    return message, channel, clip


def answer(message: bytes, confined: Confinement) -> None:
    """Answer what comes over the channel, about the clip."""
    plain = json.loads(message)
    sampling = Sampling(**plain | {"crops_percent": tuple(plain["crops_percent"])})
    clip = io.BufferedReader(io.FileIO(CLIP_FD, closefd=False), _BUFFER_BYTES)
    conversation = _Conversation(sampling, confined, clip)
    while asked := os.read(CHANNEL_FD, 1):
        _write(_packed(conversation, asked[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed(Limits):
    """The limits of a clip that comes now, by this process's clocks: seconds of both."""

    wall_end_s: float
    cpu_end_s: float

    @classmethod
    def of(cls, confined: Confinement) -> Self:
        return cls(
            **asdict(confined.limits),
            wall_end_s=time.monotonic() + _DECODING_SHARE * confined.wall_s,
            cpu_end_s=_DECODING_SHARE * confined.cpu_s,
        )

    def time_up(self) -> Problem | None:
        """As ``Limits.time_up``."""
        if time.monotonic() >= self.wall_end_s:
            return Problem.LIMIT_WALL
        return Problem.LIMIT_CPU if time.process_time() >= self.cpu_end_s else None


class _Conversation:
    """The clip's extraction, begun when it is first asked about."""

    def __init__(self, sampling: Sampling, confined: Confinement, clip: BinaryIO) -> None:
        self._clip = clip
        self._sampling = sampling
        self._limits = _Timed.of(confined)
        self._extraction: Extraction | None = None

    def about(self, request: int) -> bytes:
        """The answer to one request, packed. Raises MediaError."""
        if self._extraction is None:
            self._extraction = Extraction(self._clip, self._sampling, self._limits)
        if request == Request.STRAIGHTENED:
            return wire.pack(self._extraction.straightened(wire.unpack_placing(_read)))
        if request & Request.PATCHES:
            return wire.pack_patches(self._extraction.patches(wire.asked(request)))
        return wire.pack(_ANSWERS[Request(request)](self._extraction))


def _packed(conversation: _Conversation, request: int) -> bytes:
    try:
        return conversation.about(request)
    except MediaError as error:
        return wire.pack_error(error)
    except MemoryError:
        return wire.pack_error(OutOfMemory())
    except Exception as error:  # noqa: BLE001  # a defect, here or in a library: no text may cross
        out_of_memory = isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
        return wire.pack_error(OutOfMemory() if out_of_memory else DecoderCrashed())


def _read(wanted_bytes: int) -> bytes:
    """So many bytes of what is asked; the one who asks has gone if they do not come."""
    asked = b""
    while len(asked) < wanted_bytes:
        part = os.read(CHANNEL_FD, wanted_bytes - len(asked))
        if not part:
            os._exit(0)
        asked += part
    return asked


def _write(answer: bytes) -> None:
    view = memoryview(answer)
    while view:
        view = view[os.write(CHANNEL_FD, view) :]
