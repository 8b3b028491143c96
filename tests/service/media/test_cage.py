"""The cage from outside: every end of a decoder has its code, and only its own clip pays."""

import fcntl
import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from hashing.coverage import Problem
from hashing.errors import MediaError
from hashing.extract import CLIP
from hashing.extract import extract as by_hashing
from hashing.verdict import Verdict
from service import curating
from service.checking import Checker
from service.errors import (
    BadAnswer,
    CageFailed,
    DecoderCrashed,
    DecoderDied,
    DecoderKilled,
    NoCage,
    OutOfCpu,
    OutOfMemory,
    OutOfTime,
    SandboxViolation,
)
from service.media import starting, wire
from service.media.cage import Asking, Cage
from service.media.confinement import MIB, Confinement
from service.media.decoding import Level, extract
from service.media.starting import Started
from tests import cages, clips, hostile
from tests.memory_store import MemoryStore

SCENE: Final = clips.moving_scene(1, 3.0)
MP4: Final = clips.encode(SCENE, options={"g": "25", "preset": "veryfast"})


def error_of(cage: Cage, deed: str) -> MediaError:
    """What asking a child that does this raises."""
    with pytest.raises(MediaError) as raised:
        extract(cage, hostile.clip(deed), CLIP)
    return raised.value


@pytest.mark.parametrize(
    ("deed", "error"),
    [
        ("socket AF_INET", SandboxViolation),
        ("segfault", DecoderCrashed),
        ("abort", DecoderCrashed),
        ("exit with a code", DecoderCrashed),
        ("memory hog", DecoderCrashed),
        ("memory hog by mmap", DecoderCrashed),
        ("endless loop", OutOfTime),
        ("asleep", OutOfTime),
        ("half a header", OutOfTime),
        ("exit", BadAnswer),
        ("nonsense", BadAnswer),
        ("flood", BadAnswer),
        ("millions of frames", BadAnswer),
    ],
)
def test_every_end_has_its_code(deed: str, error: type[DecoderDied]) -> None:
    cage = cages.short() if error is OutOfTime else cages.tight()
    raised = error_of(cage, deed)

    assert type(raised) is error
    assert str(raised)


def test_processor_time_is_limited() -> None:
    assert type(error_of(cages.busy(), "endless loop")) is OutOfCpu


def test_a_child_that_is_killed_from_outside_is_said_so() -> None:
    cage = cages.taken_over()
    with alone(cage) as asking, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asking.whole)
        os.kill(only_child(cage), signal.SIGKILL)

        assert type(asked.exception(timeout=60)) is DecoderKilled


PLAIN: Final = np.full((2, 4096, 4096), 90, np.uint8)  # large, and quickly made


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: clips.picture(np.tile(PLAIN[0], (1, 2))), id="still"),
        pytest.param(
            lambda: clips.encode(PLAIN, codec="png", container="mov", pixels="rgb24"), id="video"
        ),
    ],
)
def test_memory_is_limited_and_told(make: Callable[[], bytes]) -> None:
    with cages.small().opened(make(), CLIP) as asking:
        try:
            problems = {str(one) for one in asking.whole().coverage.problems}
        except MediaError as error:
            problems = {error.code}
        peak_bytes = asking.finished().peak_bytes

    assert OutOfMemory.code in problems
    assert peak_bytes <= 150 * MIB
    assert extract(cages.small(), MP4, CLIP) == by_hashing(MP4, CLIP)


@pytest.mark.parametrize("deed", ["memory hog", "memory hog by mmap"])
def test_no_child_holds_more_than_it_may(deed: str) -> None:
    with cages.tight().opened(hostile.clip(deed), CLIP) as asking, pytest.raises(DecoderDied):
        asking.whole()

    assert asking.ended is not None
    assert 100 * MIB < asking.ended.peak_bytes <= 200 * MIB


def test_one_clip_s_end_is_no_other_s() -> None:
    cage = cages.taken_over()
    deeds = ["segfault", "socket AF_INET", "nonsense", "exit", "flood"] * 3
    expected = by_hashing(MP4, CLIP)

    def take(media: bytes) -> object:
        try:
            return extract(cage, media, CLIP)
        except DecoderDied as error:
            return type(error)

    with ThreadPoolExecutor(6) as pool:
        mixed = [one for deed in deeds for one in (hostile.clip(deed), MP4)]
        found = list(pool.map(take, mixed))

    assert found[1::2] == [expected] * len(deeds)
    assert found[0:10:2] == [*(DecoderCrashed, SandboxViolation, BadAnswer, BadAnswer, BadAnswer)]


def test_after_an_end_each_question_gets_the_same_answer() -> None:
    with cages.taken_over().opened(hostile.clip("segfault"), CLIP) as asking:
        for ask in (asking.key_frames, asking.ending, asking.whole):
            with pytest.raises(DecoderCrashed):
                ask()


class TestZygote:
    def test_a_dead_one_is_replaced(self) -> None:
        with closing(Cage(Confinement())) as cage:
            first = cage.zygote_pid
            os.kill(first, signal.SIGKILL)
            await_end(first)

            assert extract(cage, MP4, CLIP) == by_hashing(MP4, CLIP)
            assert cage.zygote_pid != first

    def test_its_end_in_the_middle_is_no_verdict(self) -> None:
        with closing(Cage(Confinement(), hostile.as_root)) as cage:
            zygote = cage.zygote_pid
            with alone(cage) as asking, ThreadPoolExecutor(1) as pool:
                asked = pool.submit(asking.whole)
                child = only_child(cage)
                os.kill(zygote, signal.SIGKILL)
                assert type(asked.exception(timeout=60)) is CageFailed
            await_end(child)  # its parent's death is its own

    def test_a_fork_does_the_same(self) -> None:
        """As commands have it; in a process of its own, for this one has had threads."""
        script = (
            "import os, sys; from service.media import starting; "
            "from service.media.cage import Cage; from service.media.confinement import *; "
            "from hashing.extract import CLIP; from service.media.decoding import extract; "
            "cage = Cage(Confinement(), starting.forked); forked = cage._zygote.process is None; "
            "found = extract(cage, sys.stdin.buffer.read(), CLIP); cage.close(); "
            "print(forked, found.fingerprint.digest)"
        )

        said = cages.run(script, MP4)

        assert said.split() == ["True", by_hashing(MP4, CLIP).fingerprint.digest]

    def test_with_threads_there_is_no_fork(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int).result()
            with closing(Cage(Confinement(), starting.forked)) as cage:
                assert cage._zygote is not None
                assert cage._zygote.process is not None

    def test_nothing_is_left_behind(self, tmp_path: Path) -> None:
        """No descriptor and no process, whatever became of many clips."""
        (tmp_path / "clip").write_bytes(MP4)
        deeds = ["segfault", "nonsense", "asleep", "socket AF_INET"]
        cage = cages.taken_over()
        wait_for(lambda: is_idle(cage))
        gc.collect()  # what tests before have left is not closed in the middle of this one
        before = descriptors(os.getpid()), descriptors(cage.zygote_pid)
        for number in range(40):
            with cage.opened(hostile.clip(deeds[number % 4]), CLIP) as asking:
                if number % 4 != 2:
                    with pytest.raises(DecoderDied):
                        asking.whole()
            with (tmp_path / "clip").open("rb") as stream, cage.opened(stream, CLIP) as other:
                other.key_frames()
        wait_for(lambda: is_idle(cage))

        assert (descriptors(os.getpid()), descriptors(cage.zygote_pid)) == before

    def test_a_client_that_leaves_ends_its_child(self) -> None:
        cage = cages.taken_over()
        with alone(cage, "endless loop") as asking:
            asking._channel.send(bytes([wire.Request.WHOLE]))
            child = only_child(cage)

        await_end(child)

    def test_a_closed_cage_takes_no_clip(self) -> None:
        cage = Cage(Confinement())
        cage.require()
        zygote = cage.zygote_pid
        cage.close()

        await_end(zygote)
        with pytest.raises(NoCage, match="closed"):
            extract(cage, MP4, CLIP)

    def test_one_that_does_not_start_is_no_cage(self) -> None:
        def broken(confined: Confinement) -> Started:
            made = starting.spawned(confined)
            made.control.close()  # so it ends, whatever it has said until then
            ours, theirs = starting._pair()
            theirs.close()
            return replace(made, control=ours)

        with (
            closing(Cage(Confinement(), broken)) as cage,
            pytest.raises(NoCage, match="--sandbox=limits-only"),
        ):
            cage.require()

    def test_another_version_s_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with closing(Cage(Confinement())) as cage:
            monkeypatch.setattr(wire, "VERSION", 1)
            with pytest.raises(NoCage, match="start it again"):
                cage.require()


class TestChild:
    """What a child is, seen from outside while it sleeps."""

    def test_it_is_locked_up(self) -> None:
        cage = cages.taken_over()
        with alone(cage) as asking:
            asking._channel.send(bytes([wire.Request.WHOLE]))
            pid = only_child(cage)
            status, limits = fields(pid, "status"), Path(f"/proc/{pid}/limits").read_text()

            assert status["NoNewPrivs"] == "1"
            assert status["Threads"] == "1"
            assert descriptors(pid) == {0, 1, 2, 3, 4}
            with pytest.raises(OSError, match="No such"):  # of a process that is gone
                os.listdir(f"/proc/{pid}/cwd")
            for name in ("core file size", "file size", "processes", "locked memory"):
                line = next(one for one in limits.splitlines() if one.startswith(f"Max {name}"))
                assert line.split()[len(name.split()) + 1] == "0"
            environment = Path(f"/proc/{cage.zygote_pid}/environ").read_bytes()
            assert b"RECIRC" not in environment

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root to become nobody")
    def test_nobody_else_s_processes_can_look_into_it(self) -> None:
        """What must not be dumped belongs to root (proc(5)), whoever runs it."""
        with closing(Cage(Confinement(), hostile.as_nobody)) as cage:
            zygote = cage.zygote_pid
            with alone(cage) as asking:
                asking._channel.send(bytes([wire.Request.WHOLE]))
                owners = [os.stat(f"/proc/{pid}/mem").st_uid for pid in (zygote, only_child(cage))]

        assert owners == [65534, 0]

    def test_the_clip_is_sealed(self) -> None:
        cage = cages.taken_over()
        with alone(cage) as asking:
            asking._channel.send(bytes([wire.Request.WHOLE]))
            pid = only_child(cage)
            with open(f"/proc/{pid}/fd/4", "rb") as clip:
                seals = fcntl.fcntl(clip, fcntl.F_GET_SEALS)
        every = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        assert seals & every == every


class TestSelfTest:
    def test_it_finds_all_refused(self) -> None:
        with closing(Cage(Confinement())) as cage:
            cage.require()

            assert cage.level in (Level.FULL, Level.NO_LANDLOCK)
            assert cage.notices == ()

    def test_it_finds_what_is_not_refused(self) -> None:
        """Run where nothing is filtered: it has to notice all of it."""
        said = cages.run(
            "from service.media import selftest; from service.media.confinement import *; "
            "print(selftest.run(Confinement(filtered=False)))"
        )

        assert all(name in said for name in ("exec", "kill"))

    def test_what_is_not_refused_is_no_cage(self) -> None:
        with (
            closing(Cage(Confinement(), hostile.leaky)) as cage,
            pytest.raises(NoCage, match=r"\(socket\).*--sandbox=limits-only"),
        ):
            cage.require()

    def test_with_limits_alone_every_answer_says_so(self) -> None:
        store = MemoryStore()
        with closing(Cage(Confinement(filtered=False))) as cage:
            store.add("a", [])
            result = Checker(store, cage).check(MP4)

        assert cage.level is Level.LIMITS_ONLY
        assert result.notices == ("sandbox_limits_only",)
        assert "sandbox_limits_only" not in result.problems


def test_what_key_frames_showed_stands_when_the_decoder_dies() -> None:
    """A copy whose decoder is killed after its key frames is a match, and not a complete one."""
    store = MemoryStore()
    scene = clips.moving_scene(5, 12.0)
    media = clips.encode(scene, options={"g": "25", "preset": "veryfast"})
    curating.add_media(
        store, cages.shared(), "a", media, reference_id="r1", label=None, incident=None
    )

    result = Checker(store, cages.Dying(DecoderCrashed, cages.shared())).check(media, thorough=True)

    assert result.verdict is Verdict.MATCH
    assert result.problems == (DecoderCrashed.code,)
    assert not result.complete


@pytest.mark.parametrize(
    ("confined", "problem"),
    [
        pytest.param(Confinement(cpu_s=3, wall_s=120), Problem.LIMIT_CPU, id="processor time"),
        pytest.param(Confinement(wall_s=4), Problem.LIMIT_WALL, id="wall clock"),
    ],
)
def test_what_was_decoded_stands_when_time_is_up(confined: Confinement, problem: Problem) -> None:
    """Of a clip too long for its time, the beginning is answered: a copy in it is found."""
    stream = clips.encode(clips.moving_scene(5, 4.0), container="h264")
    for again in (1, 4, 16):  # a machine that stands still has decoded nothing in so little time
        allowed = replace(confined, wall_s=confined.wall_s * again)
        with closing(Cage(allowed)) as cage, suppress(OutOfTime):
            taken = extract(cage, stream * 800, CLIP)
            assert taken.coverage.problems == (problem,)
            if taken.fingerprint.tracks and len(taken.fingerprint.tracks[0]) > 10:
                return
    raise AssertionError("the beginning is not answered")


def test_what_key_frames_showed_stands_when_time_is_up() -> None:
    """Also where no frame was decoded after them."""
    store = MemoryStore()
    media = clips.encode(clips.moving_scene(5, 12.0), options={"g": "25", "preset": "veryfast"})
    curating.add_media(
        store, cages.shared(), "a", media, reference_id="r1", label=None, incident=None
    )

    result = Checker(store, cages.Late(cages.shared())).check(media, thorough=True)

    assert result.verdict is Verdict.MATCH
    assert result.problems == (Problem.LIMIT_WALL,)


def test_a_decoder_that_dies_without_a_finding_is_unscannable() -> None:
    store = MemoryStore()
    curating.add_media(
        store,
        cages.shared(),
        "a",
        clips.encode(clips.moving_scene(6, 4.0)),
        reference_id="r1",
        label=None,
        incident=None,
    )
    for decoding in (cages.Dying(DecoderCrashed, cages.shared()), cages.Dying(DecoderCrashed)):
        result = Checker(store, decoding).check(MP4)

        assert result.verdict is Verdict.UNSCANNABLE
        assert result.problems == (DecoderCrashed.code,)


# --- what can be seen of processes ----------------------------------------------------------------


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def at_work(cage: Cage) -> list[int]:
    """The children with a clip, locked up; one more waits for its job."""
    found = []
    for one in children(cage.zygote_pid):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just been reaped
            if fields(one, "status")["Seccomp"] == "2":
                found.append(one)
    return found


def is_idle(cage: Cage) -> bool:
    """Whether all its children are gone, but for the one that waits for its job."""
    return len(children(cage.zygote_pid)) == 1 and not at_work(cage)


@contextmanager
def alone(cage: Cage, deed: str = "asleep") -> Iterator[Asking]:
    """A clip whose child is the only one at work: those that tests before have left are gone."""
    wait_for(lambda: is_idle(cage))
    with cage.opened(hostile.clip(deed), CLIP) as asking:
        yield asking


def only_child(cage: Cage) -> int:
    """The one child that is at work, after ``alone``."""
    wait_for(lambda: len(at_work(cage)) == 1)
    return at_work(cage)[0]


def descriptors(pid: int) -> set[int]:
    return {int(one) for one in os.listdir(f"/proc/{pid}/fd")}


def fields(pid: int, name: str) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def await_end(pid: int) -> None:
    """Wait until a process is gone, or waits only to be reaped by whoever adopted it."""

    def is_gone() -> bool:
        try:
            return fields(pid, "status")["State"].startswith(("Z", "X"))
        except (FileNotFoundError, ProcessLookupError):
            return True

    wait_for(is_gone)


def wait_for(condition: object) -> None:
    assert callable(condition)
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s, "it does not come about"
        time.sleep(0.01)
