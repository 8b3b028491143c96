"""The demo's and the doctor's words: one line a trial, one line a finding."""

from typing import Final

from hashing.verdict import Verdict
from service import demo as trials
from service import doctor as findings
from service import wording
from service.console import Console, Tone
from service.media.decoding import Decoding
from service.settings import Settings

_TONES: Final = {
    findings.Health.OK: Tone.CALM,
    findings.Health.WARNING: Tone.DOUBT,
    findings.Health.PROBLEM: Tone.ALARM,
}


def demo(console: Console, decoding: Decoding) -> bool:
    """Run the demo and print its table; whether all came out right."""
    console.line("A harmless clip is made and listed; copies of it and another clip are checked.")
    console.line()
    done = []
    with console.working():
        for trial in trials.run(decoding, lambda name: console.at_work_on(f"making {name}")):
            done.append(trial)
            mark = "right" if trial.right else "WRONG"
            verdict = wording.WORDS[trial.result.verdict]
            tone = Tone.CALM if trial.right else Tone.ALARM
            console.line(f"{mark}  {trial.name:<22} {verdict}", tone)
            for match in trial.result.matches:
                console.detail(f"     {wording.evidence(match, trial.result.kind)}")
            for code in trial.result.problems:
                console.detail(f"     {wording.problem(code)}")
    wrong = sum(not trial.right for trial in done)
    copies = sum(trial.result.verdict is Verdict.MATCH for trial in done)
    console.line()
    if wrong:
        console.line(f"{wrong} of {len(done)} came out wrong; run recirc doctor.", Tone.ALARM)
    else:
        text = f"All {len(done)} came out right: {copies} copies found, the other clip left alone."
        console.line(text, Tone.CALM)
    return not wrong


def doctor(console: Console, settings: Settings) -> bool:
    """Examine the installation and print each finding; whether there is no problem."""
    sound = True
    for finding in findings.examine(settings):
        sound &= finding.health is not findings.Health.PROBLEM
        mend = f" - {finding.mend}" if finding.mend else ""
        console.line(
            f"{finding.health:<8} {finding.name}: {finding.text}{mend}", _TONES[finding.health]
        )
    return sound
