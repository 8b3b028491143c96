"""Plain sentences about a check, for a tired moderator. Pure: values in, lines of text out.

The verdict comes first, in words; then the evidence, one sentence a match; then what to do.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from hashing.fingerprint import Kind
from hashing.matching import Finding, is_unchanged
from hashing.patch_track import PATCH_ALGORITHMS
from hashing.ranges import Range
from hashing.verdict import (
    CLIPS,
    DEFAULT_POLICY,
    LEAST_FALSE_ALARMS,
    DecisionPolicy,
    Verdict,
)
from hashing.views import Region, View, Window
from service import guidance, moments
from service.checking import CheckResult, Match
from service.escaping import shown
from service.skipping import Skipped
from service.store.base import Standing

MOST_MATCHES: Final = 5  # told in words; the rest are counted
_MOST_RANGES: Final = 4
_MOST_DECADES: Final = 30  # beyond this a chance says no more than "never"
_SUPERSCRIPTS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SECONDS_UNTIL_MS: Final = 100_000  # longer clips are told in minutes
_TOLD_TURN_DEG: Final = 3  # less is a hand's, or the fit's
_NEARLY_ALL: Final = 0.9  # of the frame's area
_CROPPED_SCALE: Final = 1.1  # so much larger than the frame, a reference is cropped by it
_REGIONS: Final = {
    Region.WHOLE: "",
    Region.BORDERLESS: "without its borders",
    Region.INNER: "inside another picture",
}
WORDS: Final = {
    Verdict.MATCH: "MATCH",
    Verdict.NEAR_MATCH: "POSSIBLE MATCH",
    Verdict.NO_MATCH: "NO MATCH",
    Verdict.UNSCANNABLE: "NOT CHECKED",
}
_LIMIT: Final = "it is larger than recirc reads"
# What each problem code means, and the mend. Codes of paths and archives bring their own text.
PROBLEMS: Final = {
    "truncated": ("it ends before its stated length", "ask for a complete copy"),
    "decoder_error": ("it is damaged: parts cannot be read", "ask for another copy"),
    "too_dark": ("hardly a frame shows enough to compare (dark or plain)", "look at it yourself"),
    "limit_frame_pixels": (f"{_LIMIT} (size of the picture)", "make a smaller copy"),
    "limit_still_pixels": (f"{_LIMIT} (size of the picture)", "make a smaller copy"),
    "limit_animation_pixels": (f"{_LIMIT} (pixels of all frames)", "make it a video"),
    "limit_pixels": (f"{_LIMIT} (pixels in all)", "check it in parts"),
    "limit_frames": (f"{_LIMIT} (number of frames)", "check it in parts"),
    "limit_seconds": (f"{_LIMIT} (length)", "check it in parts"),
    "limit_tracks": ("it has more video tracks than recirc reads", "look at it yourself"),
    "limit_films": ("it has more films in one file than recirc reads", "look at it yourself"),
    "limit_packets": (f"{_LIMIT} (number of packets)", "check it in parts"),
    "limit_bytes": (f"{_LIMIT} (bytes)", "check it as a file"),
    "limit_picture_bytes": (f"{_LIMIT} (bytes of a picture)", "make a smaller copy"),
    "unsupported_track": ("it has a video of a kind that recirc does not read", "convert it"),
    "empty_file": ("the file is empty", "copy it again"),
    "not_media": ("it is not a video or picture that recirc reads", "is it the right file?"),
    "no_video": ("it has no picture, only sound or data", "nothing can be compared"),
    "sandbox_violation": ("its decoder tried to break out", "treat the file as hostile"),
    "decoder_crashed": ("its decoder broke down", "ask for another copy"),
    "decoder_killed": ("its decoder was killed from outside", "check it again"),
    "limit_memory": ("decoding it takes more memory than a clip may", "make a smaller copy"),
    "limit_cpu": ("decoding it takes more processor time than a clip may", "check it in parts"),
    "limit_wall": ("decoding it takes longer than a clip may", "check it in parts"),
    "bad_answer": ("its decoder gave an impossible answer", "treat the file as hostile"),
    "cage_failed": ("the process that decodes broke down", "check it again"),
    "interrupted": ("the service stopped before it was checked", "check it again"),
    "no_references": ("there are no references to compare with", "add one with recirc add"),
    "references_not_compared": (
        "it has no hashes of the kind that some references have",
        "check the video itself, or a clearer copy",
    ),
}

# Problems that say nothing about what was looked at.
_OF_REFERENCES: Final = {"no_references", "references_not_compared"}

# What an installation lacks, in every answer; the clip was checked as well as without.
NOTICES: Final = {
    "sandbox_limits_only": "decoders are not locked up here, a hostile file could do harm",
}

# What a check could not see, however complete; stable codes.
NOTES: Final = {
    "references_without_patches": "Some references have no patch hashes: crops to half, windows, "
    "turns by any angle and filmed screens of these cannot be found.",
    "clip_without_patches": "Only a fingerprint was checked: crops to half, windows, turns by any "
    "angle and filmed screens cannot be found by it.",
}


def headline(result: CheckResult, label: str) -> str:
    """The verdict's words and the clip."""
    name = shown(label)
    match result.verdict:
        case Verdict.MATCH:
            return f"{WORDS[Verdict.MATCH]}: {name} is a copy of listed footage"
        case Verdict.NEAR_MATCH:
            return f"{WORDS[Verdict.NEAR_MATCH]}: {name}: a person has to decide"
        case Verdict.NO_MATCH:
            return f"{WORDS[Verdict.NO_MATCH]}: {name}"
        case Verdict.UNSCANNABLE:
            return f"{WORDS[Verdict.UNSCANNABLE]}: {name}"


def details(result: CheckResult, note: str | None = None) -> list[str]:
    """The lines under the headline. ``note`` says what a code outside ``PROBLEMS`` means."""
    lines: list[str] = []
    for one in result.matches[:MOST_MATCHES]:
        lines += [_reference(one), evidence(one, result.kind)]
        if one.finding.verdict is Verdict.NEAR_MATCH:
            lines.append(f"Weaker than a match: {why_weaker(one.finding, one.policy)}.")
        elif one.finding.common_ranges_ms:
            lines.append(f"Not counted: {common(one.finding)}.")
        if one.finding.verdict is Verdict.MATCH and _needs_own_limit(one.finding):
            accepted = per_100k(one.policy.match_chance)
            lines.append(
                f"A match by this list's own limit, {accepted}; by default a possible match."
            )
    more = len(result.matches) - MOST_MATCHES
    if more > 0:
        lines.append(f"And {more} more {plural(more, 'reference')}.")
    if result.suppressed:
        lines.append(_suppressed(result.suppressed, more=bool(result.matches)))
    if result.early:
        lines.append(
            f"{result.frames} of its frames, from beginning to end, were enough to be sure; "
            "--thorough looks at all of it."
        )
    if result.verdict is Verdict.NO_MATCH:
        lines.append(f"{_looked_at(result)}; nothing from {_lists(result)} was found.")
    if result.verdict is not Verdict.MATCH:
        lines += [NOTES[code] for code in result.notes]
    lines += [problem(code, note) for code in result.problems]
    lines += [notice(code) for code in result.notices]
    if result.frames and set(result.problems) - _OF_REFERENCES:
        found = "Nothing was found in" if not result.matches else "This is about"
        lines.append(f"{found} the part that could be read: {_looked_at(result).lower()}.")
    return lines


def problem(code: str, note: str | None = None) -> str:
    """One sentence for a problem code, with the code itself for searching."""
    what, mend = PROBLEMS.get(code, (note or "it could not be checked", ""))
    sentence = what + (f"; {mend}" if mend else "")
    return f"{sentence[0].upper()}{sentence[1:]} [{code}]."


def notice(code: str) -> str:
    """One sentence for a notice, with its code."""
    text = NOTICES[code]
    return f"{text[0].upper()}{text[1:]} [{code}]."


def evidence(match: Match, kind: Kind | None) -> str:
    """The evidence for one match as one sentence."""
    finding = match.finding
    where = _where(finding, match.reference, kind)
    return f"{where}; {_how_many(finding)}{_this_strong(finding)}."


def _this_strong(finding: Finding) -> str:
    """Where time says nothing, its chance is none of the evidence."""
    if not finding.only_alike:
        return f"; expected false alarms this strong: {chance(finding.chance)}"
    if finding.verdict is not Verdict.MATCH:
        return ""
    if not finding.reference_ranges_ms:
        return "; it is the same picture from end to end"
    return "; they are the same pictures from end to end, in which little happens"


def chance(expected: float) -> str:
    """An expected number of false alarms a check, rounded towards more: "1 in 10⁹ checks"."""
    if expected >= 0.5:
        return "about 1 in each check"
    decades = min(_MOST_DECADES, math.floor(-math.log10(max(expected, 1e-300)) + 1e-9))
    if decades == _MOST_DECADES:
        return f"fewer than 1 in 10{str(decades).translate(_SUPERSCRIPTS)} checks"
    if decades >= 4:
        return f"1 in 10{str(decades).translate(_SUPERSCRIPTS)} checks"
    return f"1 in {math.floor(1 / expected + 1e-9):,} checks"


def per_100k(expected: float) -> str:
    """An expected number of false alarms a check as lists say it: "0.5 in 100,000 checks".

    Far from what any list accepts, in the words of ``chance``.
    """
    count = expected * CLIPS
    if count < LEAST_FALSE_ALARMS or expected >= 0.5:
        return chance(expected)
    return f"{f'{count:,.0f}' if count >= 100 else f'{count:.3g}'} in {CLIPS:,} checks"


def false_alarms(accepted: float) -> str:
    """What a list accepts: "1 false alarm in 100,000 clips"."""
    noun = "false alarm" if accepted == 1 else "false alarms"
    return f"{accepted:g} {noun} in {CLIPS:,} clips"


def has_own_limit(policy: DecisionPolicy) -> bool:
    """Whether a list accepts another number of false alarms than the default."""
    return policy.match_chance != DEFAULT_POLICY.match_chance


def length(duration_ms: int) -> str:
    """How long a clip or reference is."""
    return f"{duration_ms / 1000:.1f} s" if duration_ms else "one picture"


def ranges(spans: Sequence[Range], *, capital: bool = False) -> str:
    """Ranges of a clip in ms: "seconds 3–25", "minutes 1:03–2:10 and 3:00–3:05"."""
    minutes = max(end for _, end in spans) >= _SECONDS_UNTIL_MS
    word = "minutes" if minutes else "seconds"
    told = [_range(start, end, minutes=minutes) for start, end in spans[:_MOST_RANGES]]
    if len(spans) > _MOST_RANGES:
        told.append(f"{len(spans) - _MOST_RANGES} more")
    joined = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    return f"{word.capitalize() if capital else word} {joined}"


def why_weaker(finding: Finding, policy: DecisionPolicy = DEFAULT_POLICY) -> str:
    """Why this near match is no match."""
    if finding.commonplace:
        return "it is a picture that stands before many videos: bars, a test card or a countdown"
    if finding.common_ranges_ms:
        return common(finding)
    if not finding.reference_ranges_ms:
        return "only a single picture agrees"
    if finding.only_alike:
        return "it looks alike from end to end, but too little happens in it to tell a copy by"
    reasons = []
    if finding.distinct_hits < policy.match_distinct_hits:
        reasons.append(f"fewer than {policy.match_distinct_hits} different pictures agree")
    if sum(end - start for start, end in finding.clip_ranges_ms) < policy.match_span_ms:
        reasons.append(f"what agrees lasts less than {policy.match_span_ms / 1000:g} s")
    if finding.agreement < policy.match_agreement:
        reasons.append("the pictures are alike, but hardly change together")
    if finding.chance > policy.match_chance:
        reasons.append(f"chance alone does this in {_too_often(finding.chance, policy)}")
    return " and ".join(reasons) or "no single stretch of it is long enough"


def common(finding: Finding) -> str:
    """What of a finding stands in references of other footage, and the mend if it is a mistake."""
    return (
        f"{ranges(finding.common_ranges_ms)} of this clip stand in listed references that else "
        "show different footage, as an intro does; references of one incident would count in full"
    )


def next_steps(verdicts: Sequence[Verdict], country: str = guidance.DEFAULT_COUNTRY) -> list[str]:
    """What to do after these verdicts, once for a whole call; nothing where nothing was found."""
    if Verdict.MATCH not in verdicts and Verdict.NEAR_MATCH not in verdicts:
        return []
    routes = guidance.by_country()[country]
    lines = ["What to do next", "Do not forward it, not even as a warning."]
    if Verdict.MATCH not in verdicts:
        lines.append("A possible match is not proof: let a second person compare before you act.")
    return [*lines, f"Where to report ({routes.country}):", *guidance.lines(routes)]


def summary(verdicts: Sequence[Verdict]) -> str:
    """The count of each verdict: "3 clips: 1 match, 2 no match"."""
    counts = [f"{verdicts.count(one)} {WORDS[one].lower()}" for one in Verdict if one in verdicts]
    return f"{len(verdicts)} {plural(len(verdicts), 'clip')}: {', '.join(counts)}"


def skipped(counts: Mapping[Skipped, int]) -> str:
    """One line about what was no clip: how many files, and why."""
    count = sum(counts.values())
    kinds = ", ".join(f"{counts[why]} {why}" for why in Skipped if counts.get(why))
    return f"Skipped, no video or picture in it: {count} {plural(count, 'file')} ({kinds})."


def _in_view(view: View | Window) -> str:
    """How the clip shows the reference, as words behind its name; nothing where unchanged."""
    ways = _in_window(view) if isinstance(view, Window) else _in_region(view)
    ways += ["mirrored"] if view.mirrored else []
    ways += [f"turned by {view.turned_deg}°"] if abs(view.turned_deg) >= _TOLD_TURN_DEG else []
    ways += ["in negative colours"] if view.negative else []
    if not ways:
        return ""
    return ", " + " and ".join(filter(None, (", ".join(ways[:-1]), ways[-1])))


def _in_region(view: View) -> list[str]:
    ways = [_REGIONS[view.region]] if _REGIONS[view.region] else []
    ways += [f"cropped by about {view.cropped_percent} % a side"] if view.cropped_percent else []
    return ways


def _in_window(window: Window) -> list[str]:
    """Where in the clip's frames it is seen, and how large."""
    area = (window.right - window.left) * (window.bottom - window.top)
    if area < _NEARLY_ALL:
        across = f"{window.left:.0%} to {window.right:.0%} from the left"
        down = f"{window.top:.0%} to {window.bottom:.0%} from the top"
        return [f"in a part of the picture ({across}, {down})"]
    return ["cropped"] if window.scale >= _CROPPED_SCALE else []


def stands(standing: Standing, now_ms: int) -> str:
    """Whether checks look at a reference, and until when."""
    if not standing.enabled:
        return "disabled: no check looks at it"
    if standing.expires_at_ms is None:
        return "enabled"
    moment = moments.shown(standing.expires_at_ms)
    holds = standing.holds(now_ms)
    return f"enabled until {moment}" if holds else f"expired on {moment}: no check looks at it"


def plural(count: int, noun: str) -> str:
    """The noun for so many."""
    return noun if count == 1 else f"{noun}s"


def _needs_own_limit(finding: Finding) -> bool:
    """Whether a match is one only because its list accepts more than the default."""
    by_time = bool(finding.reference_ranges_ms) and not finding.only_alike
    return by_time and finding.chance > DEFAULT_POLICY.match_chance


def _too_often(expected: float, policy: DecisionPolicy) -> str:
    if not has_own_limit(policy):
        return chance(expected)
    return f"{per_100k(expected)}, and this list accepts {per_100k(policy.match_chance)}"


def _reference(match: Match) -> str:
    label = f": {shown(match.label)}" if match.label else ""
    incident = f" (incident {shown(match.incident)})" if match.incident else ""
    return f"List {shown(match.list)}, reference {shown(match.reference)}{label}{incident}"


def _where(finding: Finding, reference: str, kind: Kind | None) -> str:
    name = f"reference {shown(reference)}{_in_view(finding.view)}"
    if kind is Kind.IMAGE or not finding.clip_ranges_ms:
        return f"This picture is found in {name}"
    clip = ranges(finding.clip_ranges_ms, capital=True)
    if not finding.reference_ranges_ms:
        return f"{clip} of this clip show one picture that is found in {name}"
    speed = ""
    if finding.speed < 0:
        speed = ", played backwards"
    elif not is_unchanged(finding.speed):
        speed = f", played at {finding.speed:.2f} times its speed"
    return f"{clip} of this clip are {ranges(finding.reference_ranges_ms)} of {name}{speed}"


def _how_many(finding: Finding) -> str:
    if not finding.reference_ranges_ms:
        return f"{finding.mean_distance_bits:.0f} of 256 hash bits differ"
    if finding.algorithm in PATCH_ALGORITHMS:
        frames = f"{finding.frames_matched} of {finding.frames} frames"
        return f"parts of the picture agree in {frames} that were looked at closely"
    return f"{finding.frames_matched} of {finding.frames} sampled frames agree"


def _range(start_ms: int, end_ms: int, *, minutes: bool) -> str:
    if minutes:
        return f"{_clock(start_ms)}–{_clock(end_ms)}"
    whole = all(abs(time_ms - round(time_ms, -3)) <= 50 for time_ms in (start_ms, end_ms))
    span_ms = end_ms - start_ms
    digits = 0 if span_ms >= 10_000 or (whole and span_ms >= 3000) else 1
    return f"{start_ms / 1000:.{digits}f}–{end_ms / 1000:.{digits}f}"


def _clock(time_ms: int) -> str:
    minutes, seconds = divmod(round(time_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"


def _looked_at(result: CheckResult) -> str:
    if result.kind is Kind.IMAGE:
        return "One picture"
    seconds = f"{result.checked_ms / 1000:.1f}".removesuffix(".0")
    return f"{result.frames} {plural(result.frames, 'frame')} over {seconds} s"


def _lists(result: CheckResult) -> str:
    names = [shown(name) for name, _ in result.lists]
    return f"list {names[0]}" if len(names) == 1 else f"{len(names)} lists"


def _suppressed(matches: Sequence[Match], *, more: bool) -> str:
    count = len(matches)
    noun = "match" if count == 1 else "matches"
    return f"{count} {'more ' if more else ''}{noun}: known harmless by an allow list, left out."
