"""Fields of untrusted JSON: each function gives a bounded value of one type or raises BadField.

The limits here hold for every form of a fingerprint. They are far above what recirc makes (a
three-hour reference has about 600,000 frame hashes) and low enough that no form can make a reader
allocate more than about 100 MB.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from hashing import bits
from hashing.fingerprint import Algorithm, Fingerprint, Kind, Track
from hashing.views import View

MAX_FRAMES: Final = 2_000_000  # in all tracks; 82 MB as arrays of 41 bytes a frame
MAX_TRACKS: Final = 64
MAX_TIME_MS: Final = 2**31 - 1  # 24 days
MAX_COUNT: Final = 2**53 - 1  # what every JSON reader keeps exactly (RFC 8259, section 6)
MAX_STREAM: Final = 2**15
MAX_NAME: Final = 64  # characters of an algorithm's or a parameter's name
MAX_PARAMETERS: Final = 16
MAX_QUALITY: Final = 100
_SHOWN: Final = 40  # characters of an untrusted value that an error repeats


class BadField(ValueError):
    """A value is not what its place allows; the text names the place."""


def parse(untrusted: bytes | str) -> object:
    """The value of one JSON text. Raises BadField."""
    try:
        value: object = json.loads(untrusted)
    except RecursionError as problem:
        raise BadField("nested too deeply") from problem
    except ValueError as problem:  # also wrong UTF-8, and integers of thousands of digits
        raise BadField(f"not JSON: {problem}") from problem
    return value


def shown(untrusted: object) -> str:
    """An untrusted value, short enough and escaped, for an error's text."""
    text = ascii(untrusted)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def record(untrusted: object, place: str) -> Mapping[str, object]:
    """A JSON object. Keys that nobody asks for are ignored: a later version may have added them."""
    if not isinstance(untrusted, dict):
        raise BadField(f"{place}: an object is needed, this is {_type(untrusted)}")
    return untrusted


def items(untrusted: object, place: str, most: int) -> Sequence[object]:
    """A JSON array of at most ``most`` items (a tuple also serves)."""
    if not isinstance(untrusted, list | tuple):
        raise BadField(f"{place}: an array is needed, this is {_type(untrusted)}")
    if len(untrusted) > most:
        raise BadField(f"{place}: {len(untrusted)} items, at most {most} are allowed")
    return untrusted


def whole(untrusted: object, place: str, most: int, *, least: int = 0) -> int:
    """An integer from ``least`` to ``most``."""
    if not isinstance(untrusted, int) or isinstance(untrusted, bool):
        raise BadField(f"{place}: a whole number is needed, this is {_type(untrusted)}")
    if not least <= untrusted <= most:
        raise BadField(f"{place}: {shown(untrusted)} is not from {least} to {most}")
    return untrusted


def text(untrusted: object, place: str, most: int) -> str:
    """A string of one to ``most`` printable characters."""
    if not isinstance(untrusted, str):
        raise BadField(f"{place}: a text is needed, this is {_type(untrusted)}")
    if not 0 < len(untrusted) <= most or not untrusted.isprintable():
        raise BadField(f"{place}: {shown(untrusted)} is not 1 to {most} printable characters")
    return untrusted


def kind(untrusted: object, place: str) -> Kind:
    """A fingerprint's kind."""
    name = text(untrusted, place, MAX_NAME)
    try:
        return Kind(name)
    except ValueError as problem:
        raise BadField(f"{place}: {shown(name)} is none of {', '.join(Kind)}") from problem


def algorithm(untrusted_name: object, untrusted_parameters: object, place: str) -> Algorithm:
    """An algorithm of any name: whether recirc can compare it is for the comparison to say.

    Parameters are put in order of their names, because JSON objects have none.
    """
    name = text(untrusted_name, f"{place}.algorithm", MAX_NAME)
    parameters = record(untrusted_parameters, f"{place}.parameters")
    if len(parameters) > MAX_PARAMETERS:
        raise BadField(f"{place}.parameters: at most {MAX_PARAMETERS} are allowed")
    pairs = [
        (
            text(key, f"{place}.parameters", MAX_NAME),
            whole(value, f"{place}.parameters.{shown(key)}", MAX_COUNT, least=-MAX_COUNT),
        )
        for key, value in parameters.items()
    ]
    return Algorithm(name, tuple(sorted(pairs)))


def track_identity(untrusted: object, place: str) -> tuple[Algorithm, View, int]:
    """What a track's hashes are: algorithm, view, and number of the video track."""
    fields = record(untrusted, place)
    made_by = algorithm(fields.get("algorithm"), fields.get("parameters"), place)
    name = text(fields.get("view"), f"{place}.view", MAX_NAME)
    try:
        view = View.parse(name)
    except ValueError as problem:
        raise BadField(f"{place}.view: {shown(name)} is not a view this version knows") from problem
    return made_by, view, whole(fields.get("stream"), f"{place}.stream", MAX_STREAM)


def require_sound(fingerprint: Fingerprint) -> None:
    """Raise BadField unless every number of the fingerprint is within the limits of its forms."""
    whole(fingerprint.duration_ms, "duration_ms", MAX_TIME_MS)
    items(fingerprint.tracks, "tracks", MAX_TRACKS)
    whole(fingerprint.frames, "frames in all tracks", MAX_FRAMES)
    for index, track in enumerate(fingerprint.tracks):
        _require_sound_track(track, f"tracks[{index}]")


def _require_sound_track(track: Track, place: str) -> None:
    parameters = dict(track.algorithm.parameters)
    if algorithm(track.algorithm.name, parameters, place) != track.algorithm:
        raise BadField(f"{place}.parameters: each name once and in order is needed")
    whole(track.stream, f"{place}.stream", MAX_STREAM)
    count = len(track)
    for name, column, wanted in (
        ("spans_ms", track.spans_ms, (count,)),
        ("qualities", track.qualities, (count,)),
        ("hashes", track.hashes, (count, bits.HASH_BYTES)),
    ):
        if column.shape != wanted:
            raise BadField(f"{place}.{name}: shape {column.shape}, {wanted} is needed")
    for name, numbers, most in (
        ("times_ms", track.times_ms, MAX_TIME_MS),
        ("spans_ms", track.spans_ms, MAX_TIME_MS),
        ("qualities", track.qualities, MAX_QUALITY),
    ):
        if count and not (numbers.min() >= 0 and numbers.max() <= most):
            raise BadField(f"{place}.{name}: a value is not from 0 to {most}")
    if np.any(np.diff(track.times_ms) < 0):
        raise BadField(f"{place}.times_ms: not in time order")


def _type(untrusted: object) -> str:
    """JSON's name for a value's type."""
    if untrusted is None:
        return "missing or null"
    names: dict[type, str] = {
        bool: "true or false",
        int: "a number",
        float: "a number with a fraction",
        str: "a text",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(untrusted), type(untrusted).__name__)
