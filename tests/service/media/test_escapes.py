"""A decoder that was taken over tries every way out, as root and as an ordinary user."""

import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from hashing.extract import CLIP
from service.errors import DecoderDied
from service.media import landlock
from service.media.cage import Cage, Ended
from service.media.confinement import Confinement
from tests import cages, hostile

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform != "linux", reason="numbers of x86-64 calls"
)
# What the same child does when only limits hold it: then these probes are no empty threats.
REAL = (
    *("open", "openat", "stat", "access", "chdir", "memfd_create", "socket AF_INET"),
    *("socket AF_UNIX", "kill the zygote", "pidfd_open", "io_uring_setup", "epoll_create1"),
    *("mmap of executable memory", "mmap of the clip as a program", "write to standard error"),
    *("personality", "setsid", "sched_setscheduler", "prctl", "dup", "inotify_init1"),
)


@pytest.fixture(scope="module", params=["root", "nobody"])
def cage(request: pytest.FixtureRequest) -> Iterator[Cage]:
    """Decoders that were taken over, run by either user; without root, by whoever runs this."""
    if request.param == "root":
        yield cages.taken_over()
        return
    if os.getuid() != 0:
        pytest.skip("needs root to become nobody")
    with closing(Cage(Confinement(), hostile.as_nobody)) as made:
        yield made


def ended(cage: Cage, deed: str) -> Ended:
    """How the child ended that did this."""
    with cage.opened(hostile.clip(deed), CLIP) as asking:
        with pytest.raises(DecoderDied):
            asking.key_frames()
        assert asking.ended is not None
        return asking.ended


def test_there_are_enough_probes() -> None:
    assert len(hostile.PROBES) >= 40


@pytest.mark.parametrize("probe", hostile.PROBES)
def test_no_way_out(cage: Cage, probe: str) -> None:
    status = ended(cage, probe).status

    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS
    refused = os.WIFEXITED(status) and os.WEXITSTATUS(status) == hostile.REFUSED
    assert killed or refused


@pytest.fixture(scope="module")
def open_cage() -> Iterator[Cage]:
    """The same children with limits alone."""
    with closing(Cage(Confinement(filtered=False), hostile.as_root)) as made:
        yield made


@pytest.mark.parametrize("probe", REAL)
def test_without_filters_these_ways_are_open(open_cage: Cage, probe: str) -> None:
    """If this fails for one, ``test_no_way_out`` proves nothing about it."""
    status = ended(open_cage, probe).status

    assert os.WEXITSTATUS(status) == hostile.SUCCEEDED


# What Landlock refuses by itself, should the filter have a hole.
SECOND_WALL = ("open", "openat", "creat", "mkdir", "symlink", "truncate", "kill the zygote")


@pytest.mark.skipif(landlock.version() < 6, reason="this kernel has no Landlock with scopes")
@pytest.mark.parametrize("probe", SECOND_WALL)
def test_behind_the_filter_there_is_another_wall(probe: str) -> None:
    status = ended(cages.taken_over(), f"{hostile.WITHOUT_SECCOMP}{probe}").status

    assert os.WEXITSTATUS(status) == hostile.REFUSED


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become nobody")
def test_behind_both_a_limit_keeps_an_ordinary_user_from_forking() -> None:
    confined = Confinement(filtered=False)
    with closing(Cage(confined, hostile.as_nobody)) as cage:
        status = ended(cage, "fork").status

    assert os.WEXITSTATUS(status) == hostile.REFUSED
