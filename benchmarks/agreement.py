"""How far pictures change together in copies, and in other takes of one scene: the table that chose
``hashing.alignment.SAME_TAKE_AGREEMENT``."""

from collections.abc import Iterator
from itertools import permutations

from benchmarks.footage import dev_rows
from benchmarks.peers import sample_set as peer
from benchmarks.report import Report, arguments
from hashing import chance
from hashing.alignment import SAME_TAKE_AGREEMENT, Alignment, align
from hashing.errors import MediaError
from hashing.extract import CLIP, REFERENCE, extract
from hashing.fingerprint import PHASH, Fingerprint
from hashing.index import Index

_Clip = tuple[str, str, str]  # file, footage, scene
_Pair = tuple[float, Alignment, str, str]  # agreement, alignment, clip, reference


def main() -> None:
    """Measure, print, and write the page's section with ``--write``."""
    flags = arguments(__doc__ or "")
    report = Report("agreement", "Agreement")
    copies: list[_Pair] = []
    takes: list[_Pair] = []
    for clip, reference, best in _pairs():
        side = copies if clip[1] == reference[1] else takes
        side.append((best.agreement, best, clip[0], reference[0]))
    copies.sort(key=lambda one: one[0])
    takes.sort(key=lambda one: -one[0])
    report.text(
        f"The strongest alignment of {len(copies)} pairs of a clip and another file of the same "
        f"footage (natural variants, and the peer's sample set), and of {len(takes)} pairs of "
        "different takes of one scene that have any alignment. Lowest of the former, highest of "
        f"the latter; the gate is {SAME_TAKE_AGREEMENT}."
    )
    for title, found in (("copies, lowest", copies), ("other takes, highest", takes)):
        report.table(
            [title, "distinct hits", "mean bits", "clip", "reference"],
            [
                [f"{agreement:.2f}", best.distinct_hits, f"{best.mean_distance_bits:.0f}", *files]
                for agreement, best, *files in found[:8]
            ],
        )
    report.figure("copies_least", copies[0][0])
    least = [one[0] for one in takes if one[1].distinct_hits > 3]
    report.figure("takes_most_of_more_than_3_hits", max(least, default=0.0))
    report.finish(write=flags.write)


def _pairs() -> Iterator[tuple[_Clip, _Clip, Alignment]]:
    """Pairs of one footage or one scene, with their strongest alignment."""
    clips, references = {}, {}
    for one, media in _media():
        try:
            clips[one] = extract(media, CLIP).fingerprint
            references[one] = extract(media, REFERENCE).fingerprint
        except MediaError:
            continue
    for clip, reference in permutations(references, 2):
        if clip[1] == reference[1] or clip[2] == reference[2]:
            best = _strongest(clips[clip], references[reference])
            if best is not None:
                yield clip, reference, best


def _media() -> Iterator[tuple[_Clip, bytes]]:
    folder = peer.videos_folder()
    for row in dev_rows():
        media = (folder / "dev" / row["file"]).read_bytes()
        yield (row["file"], row["group"], row["scene"]), media
    for name, paths in peer.families(folder / "tmk").items():
        for path in paths:
            yield (path.name, name, name), path.read_bytes()


def _strongest(clip: Fingerprint, reference: Fingerprint) -> Alignment | None:
    found = [
        alignment
        for track in clip.of(PHASH)
        for hits in Index(PHASH, [reference]).search(track, chance.LOOSE_BITS)
        for alignment in align(track, hits)
    ]
    return max(found, key=lambda one: one.evidence_nats, default=None)


if __name__ == "__main__":
    main()
