"""recirc and vPDQ on the peer's own sample set: 62 directed true pairs and 120 false ones.

The real command line does it: every clip is added to a list of its own, then every clip is checked
against all lists. vPDQ runs beside it with its shipped defaults (``benchmarks.peers``).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers import sample_set as peer
from benchmarks.peers.vpdq import PeerUnavailable, hash_videos
from benchmarks.report import Report, arguments

_RECIRC = Path(sys.executable).with_name("recirc")
Pair = tuple[Path, Path]


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("sample_set", "The peer's sample set")
    groups = peer.families(peer.videos_folder() / "tmk")
    true, false = peer.directed_pairs(groups)
    clips = [clip for group in groups.values() for clip in group]
    verdicts = recirc_verdicts(clips)
    near_false = [pair for pair in false if verdicts.get(pair) == "near_match"]
    rows = [
        _row("recirc, `match`", [p for p, v in verdicts.items() if v == "match"], true, false),
        _row("recirc, `match` or `near_match`", list(verdicts), true, false),
    ]
    try:
        hashes = hash_videos(clips)
        found = peer.found([*true, *false], hashes)
        rows.append(_row("vPDQ 0.2.5, shipped defaults", found, true, false))
        report.figure("vpdq_true_found", len(set(found) & set(true)))
        report.figure("vpdq_false_found", len(set(found) & set(false)))
    except PeerUnavailable as error:
        report.text(f"vPDQ was not measured: {error}")
    report.text(
        f"{len(clips)} clips of facebook/ThreatExchange tmk/sample-videos, default policy, "
        "`--thorough` (each clip is on a list itself, and would be known by its key frames): is "
        "the reference found when the other clip is checked?"
    )
    report.table(["system", f"true found of {len(true)}", f"false of {len(false)}"], rows)
    missed = [pair for pair in true if verdicts.get(pair) != "match"]
    report.text("Not a `match`: " + (", ".join(_name(pair, verdicts) for pair in missed) or "none"))
    report.figure("true_pairs", len(true))
    report.figure("true_found", len(true) - len(missed))
    report.figure("false_pairs", len(false))
    report.figure("false_found", len([pair for pair in false if pair in verdicts]))
    report.figure("false_near", len(near_false))
    report.finish(write=flags.write)


def recirc_verdicts(clips: Sequence[Path]) -> dict[Pair, str]:
    """(clip, reference) -> verdict for all that recirc finds, by its command line.

    Thorough, since each clip is on a list itself: one look at its key frames would be enough for
    the verdict, and say little about the other references.
    """
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder, "lists.sqlite3"))
        by_list = {f"clip-{number}": clip for number, clip in enumerate(clips)}
        for name, clip in by_list.items():
            _recirc("add", name, str(clip), "--db", database)
        lines = _recirc(
            "check", *map(str, clips), "--json", "--thorough", "--db", database
        ).splitlines()
    answers = zip(clips, map(json.loads, lines), strict=True)
    return {
        (clip, by_list[match["list"]]): match["verdict"]
        for clip, answer in answers
        for match in answer["matches"]
        if by_list[match["list"]] != clip
    }


def _recirc(*words: str) -> str:
    done = subprocess.run([_RECIRC, *words], capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise SystemExit(f"recirc {words[0]} failed: {done.stderr}")
    return done.stdout


def _row(
    name: str, found: Sequence[Pair], true: Sequence[Pair], false: Sequence[Pair]
) -> list[str]:
    return [name, str(len(set(found) & set(true))), str(len(set(found) & set(false)))]


def _name(pair: Pair, verdicts: dict[Pair, str]) -> str:
    return f"{pair[0].stem} in {pair[1].stem} ({verdicts.get(pair, 'nothing')})"


if __name__ == "__main__":
    main()
