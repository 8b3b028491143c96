"""What of a clip was looked at, and what stood in the way: the account that keeps a failure from
looking like ``no_match``."""

from dataclasses import dataclass
from enum import StrEnum


class Problem(StrEnum):
    """Why a clip could not be checked in full; stable codes, as in the contract."""

    TRUNCATED = "truncated"  # the container announces more than its bytes hold
    DECODER_ERROR = "decoder_error"  # parts did not decode
    TOO_DARK = "too_dark"  # hardly a frame has enough structure to be hashed
    LIMIT_FRAME_PIXELS = "limit_frame_pixels"
    LIMIT_STILL_PIXELS = "limit_still_pixels"
    LIMIT_ANIMATION_PIXELS = "limit_animation_pixels"
    LIMIT_PIXELS = "limit_pixels"
    LIMIT_FRAMES = "limit_frames"
    LIMIT_SECONDS = "limit_seconds"
    LIMIT_TRACKS = "limit_tracks"
    LIMIT_FILMS = "limit_films"
    LIMIT_PACKETS = "limit_packets"
    LIMIT_BYTES = "limit_bytes"
    LIMIT_MEMORY = "limit_memory"  # the decoder asked for more than it may have
    LIMIT_WALL = "limit_wall"
    LIMIT_CPU = "limit_cpu"
    LIMIT_PICTURE_BYTES = "limit_picture_bytes"
    UNSUPPORTED_TRACK = "unsupported_track"  # a video track that no allowed decoder reads
    EMPTY_FILE = "empty_file"
    NOT_MEDIA = "not_media"
    NO_VIDEO = "no_video"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a clip was decoded and hashed.

    ``container_ms``: the length that the container announces or its packets show, whichever is
    more; ``decoded_ms``: the time covered by decoded frames, 0 for an image. ``sampled_frames``
    counts the frames looked at, ``flat_frames`` those of them too even to hash.
    """

    container_ms: int
    decoded_ms: int
    sampled_frames: int
    flat_frames: int
    decode_errors: int
    problems: tuple[Problem, ...]

    @property
    def complete(self) -> bool:
        """Whether the clip was checked in full."""
        return not self.problems
