"""Check derivatives that other people shipped, and write the table: `tox -e field`.

python -m examples.field docs/benchmarks/field.md
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import gradcheck

from .subject import Trial, tried

COLLECTIONS = {
    "torch_operators": "torch",
    "jax_rules": "jax",
    "sklearn_gradients": "scikit-learn",
    "statsmodels_scores": "statsmodels",
}
VERDICTS = ("pass", "pass, kink named", "fail", "inconclusive", "refused")
WIDTH = 240  # characters of a message in the table

HERE = Path(__file__).parent
HEAD = (HERE / "head.md").read_text(encoding="utf-8")
NOTES = (HERE / "notes.md").read_text(encoding="utf-8")


def main(file: Path) -> None:
    """Try all collections whose library is installed, and write the document."""
    trials = [trial for name in COLLECTIONS for trial in _tried(name)]
    versions = ", ".join(
        f"{package} {importlib.metadata.version(package)}"
        for package in dict.fromkeys(trial.subject.library for trial in trials)
    )
    versions = f"gradcheck {gradcheck.__version__}, {versions}"
    parts = [HEAD.format(versions=versions), _summary(trials), _open(trials)]
    file.write_text("\n".join(parts), encoding="utf-8")
    sys.stdout.write(_summary(trials))


def _tried(name: str) -> Iterable[Trial]:
    try:
        module = importlib.import_module(f".{name}", __package__)
    except ImportError as error:
        sys.stdout.write(f"{COLLECTIONS[name]} is left out: {error}\n")
        return
    for subject in module.subjects():
        yield tried(subject)


def _summary(trials: list[Trial]) -> str:
    lines = [
        "| library | subjects | " + " | ".join(VERDICTS) + " | evaluations | seconds | its own |",
        "|---|---:|" + "---:|" * (len(VERDICTS) + 3),
    ]
    for library in dict.fromkeys(trial.subject.library for trial in trials):
        own = [trial for trial in trials if trial.subject.library == library]
        counts = Counter(trial.verdict for trial in own)
        # the time of both where the library's own check ran to its end
        both = [trial for trial in own if trial.own == "pass"]
        seconds = sum(trial.seconds for trial in both or own)
        theirs = f"{sum(trial.own_seconds for trial in both):.1f}" if both else "-"
        cells = [library, len(own), *(counts[verdict] for verdict in VERDICTS)]
        cells += [sum(trial.evaluations for trial in own), f"{seconds:.1f}", theirs]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def _open(trials: list[Trial]) -> str:
    lines = [
        "Seconds are those of both checks on the subjects that the library's own check passes; of",
        "all subjects where there is no such check.",
        "",
        "## What did not pass",
        "",
        "*its own*: what the library's own check says.",
        "",
        "| library | subject | verdict | its own | the first finding |",
        "|---|---|---|---|---|",
    ]
    for trial in trials:
        if trial.verdict not in VERDICTS[:2]:
            said = textwrap.shorten(trial.message, WIDTH).replace("|", "\\|")
            subject = trial.subject
            cells = (subject.library, subject.name, trial.verdict, trial.own or "-", said)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" + NOTES


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "field.md"))
