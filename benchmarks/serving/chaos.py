"""Accidents: decoders killed while they work, and the server itself while lists are imported."""

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from typing import Final

import numpy as np

from benchmarks.serving import materials
from benchmarks.serving.clips import CHECK
from benchmarks.serving.hosting import PROCESSORS, Host, hosted, kill, started, wait_until_ready
from benchmarks.serving.load import Plan
from benchmarks.serving.sending import Answered, Sending, Sent
from benchmarks.serving.targets import Target
from hashing import bits
from hashing.fingerprint import PHASH, Fingerprint, Kind, Track
from hashing.formats import listfile
from hashing.formats.listfile import Header
from hashing.reference import Policy, Reference
from hashing.views import View
from service.store.sqlite import SqliteStore

_CLIP_S = 5
_KILLED: Final = "decoder_killed"
_LIST: Final = "incident"
_BATCH: Final = 20  # references an import
_FRAMES: Final = 10  # of each
_IMPORTERS: Final = 2  # at a time
_LONGEST_S: Final = 0.15  # that a server lives once imports have begun


def decoders(folder: Path, *, fast: bool) -> list[Target]:
    """One decoder killed a second, while clips of two kinds are checked."""
    seconds = 8.0 if fast else 60.0
    known = materials.known_clip(_CLIP_S)
    bodies = [known, *materials.clips(_CLIP_S, 3)]
    with hosted(folder, database=materials.known_database(folder)) as host:
        plan = Plan(
            port=host.port,
            target=CHECK,
            bodies=[str(one) for one in bodies],
            connections=2 * PROCESSORS,
            seconds=seconds,
            content_type="video/mp4",
        )
        with Sending(plan) as sending:
            killed = _kill_each_second(host, seconds - 1)
            sent = sending.finished()
    return [_told(sent, killed)]


def _kill_each_second(host: Host, seconds: float) -> int:
    killed = 0
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        time.sleep(1.0)
        working = [pid for pid in host.decoders() if _is_running(pid)]
        killed += bool(working) and kill(random.choice(working))  # noqa: S311  # any will do
    return killed


def _is_running(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "R"
    return False


def _told(sent: Sent, killed: int) -> Target:
    suffered = [one for one in sent.answers if _KILLED in one.problems]
    wrong = [one for one in sent.answers if not _is_right(one)]
    held = not wrong and 0 < len(suffered) <= killed
    kinds = "".join(f"; {one.status} {one.told} {','.join(one.problems)}" for one in wrong[:5])
    return Target(
        key="killed_decoders_wrong",
        what=f"wrong answers while {killed} decoders were killed, one a second, of "
        f"{len(sent.answers)} clips ({len(suffered)} of them `unscannable: {_KILLED}`, or known "
        f"by their key frames){kinds}",
        measured=str(len(wrong)),
        value=len(wrong),
        limit="0, and no more `unscannable` than killed",
        held=held,
    )


def _is_right(one: Answered) -> bool:
    """The first body is the known clip; what is known stays known, the rest is never clean."""
    expected = "match" if one.body == 0 else "no_match"
    if _KILLED in one.problems:
        known = ("near_match", "match") if one.body == 0 else ()
        return one.status == 200 and one.told in ("unscannable", *known)
    return one.status == 200 and one.told == expected and not one.problems


@dataclass(slots=True)
class _Batch:
    """What is known of one import. Its first reference is removed once it is acknowledged."""

    number: int
    sent: bool = False
    acknowledged: bool = False
    removal_sent: bool = False
    removal_acknowledged: bool = False

    def allows(self, held: int, *, first: bool) -> bool:
        """Whether a list may hold so many of its references, its first among them or not."""
        if not self.acknowledged:
            return held in ((0, _BATCH) if self.sent else (0,))
        if self.removal_acknowledged:
            return held == _BATCH - 1 and not first
        return held == _BATCH or (self.removal_sent and held == _BATCH - 1 and not first)


@dataclass(slots=True)
class _Account:
    """What was sent and acknowledged over all rounds."""

    batches: list[_Batch] = field(default_factory=list)
    wrong: int = 0
    unsound: int = 0

    def next(self) -> _Batch:
        self.batches.append(_Batch(len(self.batches)))
        return self.batches[-1]


def imports(folder: Path, *, fast: bool) -> list[Target]:
    """The server killed while lists are imported and references removed, again and again."""
    rounds = 20 if fast else 200
    database = folder / "again.sqlite3"
    account = _Account()
    dice = random.Random(7)  # noqa: S311  # the moments are to be the same each time
    began_s = time.monotonic()
    with started(folder, app="again", database=database) as (lines, _):
        for number in range(rounds):
            said = json.loads(lines.readline())
            wait_until_ready(said["port"])
            importers = [Thread(target=_import, args=(said["port"], account)) for _ in range(2)]
            for one in importers:
                one.start()
            time.sleep(dice.uniform(0.01, _LONGEST_S))
            kill(said["pid"])
            for one in importers:
                one.join()
            account.wrong += _wrong(database, account)
            if number % 20 == 19:
                account.unsound += not _is_sound(database)
    done = sum(one.acknowledged for one in account.batches)
    removed = sum(one.removal_acknowledged for one in account.batches)
    return [
        Target(
            key="killed_imports_wrong",
            what=f"imports lost or in part after {rounds} `kill -9` of the server ({done} "
            f"imports and {removed} removals acknowledged, {len(account.batches) - done} imports "
            f"cut off, {(time.monotonic() - began_s) / rounds:.2f} s a round)",
            measured=str(account.wrong),
            value=account.wrong,
            limit="0",
            held=account.wrong == 0 and done > 0,
        ),
        Target(
            key="killed_imports_unsound",
            what="databases found damaged after these (`PRAGMA integrity_check`)",
            measured=str(account.unsound),
            value=account.unsound,
            limit="0",
            held=account.unsound == 0,
        ),
    ]


def _import(port: int, account: _Account) -> None:
    """Import batch after batch, and remove one reference of each, until the server is gone."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with suppress(OSError, HTTPException), closing(connection):
        while True:
            batch = account.next()
            body = "".join(_lines(batch.number)).encode()
            batch.sent = True
            connection.request("POST", f"/v1/lists/{_LIST}/import", body)
            batch.acknowledged = _is_done(connection, 200)
            batch.removal_sent = True
            reference = _id(batch.number, 0)
            connection.request("DELETE", f"/v1/lists/{_LIST}/references/{reference}")
            batch.removal_acknowledged = _is_done(connection, 204)


def _is_done(connection: HTTPConnection, status: int) -> bool:
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == status, said
    return True


def _id(batch: int, place: int) -> str:
    return f"b{batch}-{place}"


def _lines(batch: int) -> Iterator[str]:
    rng = np.random.default_rng(batch)
    times_ms = np.arange(_FRAMES) * 500
    references = []
    for place in range(_BATCH):
        hashes = rng.integers(0, 256, (_FRAMES, bits.HASH_BYTES), dtype=np.uint8)
        spans_ms, qualities = np.zeros(_FRAMES, np.int64), np.full(_FRAMES, 100, np.uint8)
        track = Track(PHASH, View.AS_IS, 0, times_ms, spans_ms, qualities, hashes)
        fingerprint = Fingerprint(Kind.VIDEO, _FRAMES * 500, (track,))
        references.append(Reference(_id(batch, place), None, None, fingerprint))
    return listfile.write(Header(_LIST, Policy.BLOCK, None, (PHASH,), _BATCH), references)


def _wrong(database: Path, account: _Account) -> int:
    """How many imports are not as they have to be; each is counted when it is first seen so."""
    store = SqliteStore(database)
    try:
        held = _held(store)
    finally:
        store.close()
    wrong = 0
    for batch in account.batches:
        places = held.get(batch.number, set())
        wrong += not batch.allows(len(places), first=0 in places)
        # What stands now has to stand from here on, acknowledged or not.
        batch.acknowledged |= len(places) >= _BATCH - 1
        batch.removal_acknowledged |= batch.acknowledged and 0 not in places
    account.batches = [one for one in account.batches if one.sent]
    return wrong


def _held(store: SqliteStore) -> dict[int, set[int]]:
    """The places of each batch's references that the list holds."""
    held: dict[int, set[int]] = {}
    if _LIST not in store.versions():
        return held
    after_id: str | None = None
    while page := store.references(_LIST, after_id=after_id, limit=10_000):
        after_id = page[-1].id
        for one in page:
            batch, place = one.id[1:].split("-")
            held.setdefault(int(batch), set()).add(int(place))
    return held


def _is_sound(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    return found == [("ok",)] and not dangling
