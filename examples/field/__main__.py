"""Check derivatives that other people shipped, and write the table: `tox -e field`.

python -m examples.field docs/benchmarks/field.md --samples 5
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import gradcheck

from . import confirmed
from .subject import Subject, Trial, tried

COLLECTIONS = {
    "torch_operators": "torch",
    "jax_rules": "jax",
    "sklearn_gradients": "scikit-learn",
    "statsmodels_scores": "statsmodels",
}
VERDICTS = ("pass", "pass, kink named", "fail", "inconclusive", "refused")
PASSED = VERDICTS[:2]
WIDTH = 240  # characters of a message in the table
SAMPLES = 5  # of each operator of torch

HERE = Path(__file__).parent
HEAD = (HERE / "head.md").read_text(encoding="utf-8")
NOTES = (HERE / "notes.md").read_text(encoding="utf-8")


def main(file: Path, samples: int) -> None:
    """Try all collections whose library is installed, and write the document."""
    trials = [trial for name in COLLECTIONS for trial in _tried(name, samples)]
    versions = ", ".join(
        f"{package} {importlib.metadata.version(package)}"
        for package in dict.fromkeys(trial.subject.library.split(",")[0] for trial in trials)
    )
    versions = f"gradcheck {gradcheck.__version__}, {versions}"
    parts = [
        HEAD.format(versions=versions, samples=samples, operators=_operators(trials)),
        _summary(trials),
        _shares(trials),
        _open(trials),
        confirmed.table(),
        NOTES,
    ]
    file.write_text("\n".join(parts), encoding="utf-8")
    sys.stdout.write(_summary(trials))


def _tried(name: str, samples: int) -> Iterable[Trial]:
    try:
        module = importlib.import_module(f".{name}", __package__)
    except ImportError as error:
        sys.stdout.write(f"{COLLECTIONS[name]} is left out: {error}\n")
        return
    if name != "torch_operators":
        yield from map(tried, module.subjects())
        return
    trials = [tried(subject) for subject in module.subjects(samples)]
    yield from trials
    yield from map(tried, _in_few_digits(module, samples, trials))


def _in_few_digits(module: ModuleType, samples: int, trials: list[Trial]) -> Iterator[Subject]:
    passed = {trial.subject.name for trial in trials if trial.verdict in PASSED}
    yield from module.subjects_of_few_digits(samples, passed)


def _operators(trials: list[Trial]) -> int:
    return len({t.subject.operator for t in trials if t.subject.library == "torch"})


def _summary(trials: list[Trial]) -> str:
    lines = [
        "| library | subjects | " + " | ".join(VERDICTS) + " | evaluations | seconds | its own |",
        "|---|---:|" + "---:|" * (len(VERDICTS) + 3),
    ]
    for library in dict.fromkeys(trial.subject.library for trial in trials):
        own = [trial for trial in trials if trial.subject.library == library]
        counts = Counter(trial.verdict for trial in own)
        both = _both(own)
        seconds = sum(trial.seconds for trial in both or own)
        theirs = f"{sum(trial.own_seconds for trial in both):.1f}" if both else "-"
        cells = [library, len(own), *(counts[verdict] for verdict in VERDICTS)]
        cells += [sum(trial.evaluations for trial in own), f"{seconds:.1f}", theirs]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def _both(trials: list[Trial]) -> list[Trial]:
    """List the trials of which the times are compared: the library's own check ran to its end."""
    return [trial for trial in trials if trial.own == "pass"]


def _shares(trials: list[Trial]) -> str:
    """Say how the times of both checks compare on torch, and where ours goes."""
    both = _both([trial for trial in trials if trial.subject.library == "torch"])
    lines = [
        "Seconds are those of the processor, of both checks on the subjects that the library's own",
        "check passes; of all subjects where there is no such check.",
    ]
    if both:
        ours, theirs = _seconds(both)
        plain = _seconds([trial for trial in both if trial.verdict in PASSED])
        ratios = sorted(trial.seconds / trial.own_seconds for trial in both)
        lines += [
            f"On the {len(both)} samples of torch that its own check passes, ours takes",
            f"{ours / theirs:.2f} times as long; on those of them that pass in ours too,",
            f"{plain[0] / plain[1]:.2f} times. The median of the ratios is "
            f"{ratios[len(ratios) // 2]:.1f}: torch's time grows with the entries, ours with the",
            "leaves, and most samples have few entries.",
        ]
    return "\n".join(lines) + "\n"


def _seconds(trials: list[Trial]) -> tuple[float, float]:
    return sum(trial.seconds for trial in trials), sum(trial.own_seconds for trial in trials)


def _open(trials: list[Trial]) -> str:
    lines = [
        "## What did not pass",
        "",
        "*its own*: what the library's own check says. Samples of one operator with one verdict",
        "are one line, with the first finding of the first of them.",
        "",
        "| library | subject | samples | verdict | its own | the first finding |",
        "|---|---|---:|---|---|---|",
    ]
    groups: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        if trial.verdict not in PASSED:
            subject = trial.subject
            key = (subject.library, subject.operator, trial.verdict, trial.own or "-")
            groups.setdefault(key, []).append(trial)
    for (library, operator, verdict, own), alike in groups.items():
        said = textwrap.shorten(alike[0].message, WIDTH).replace("|", "\\|")
        cells = (library, operator, str(len(alike)), verdict, own, said)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    reader = argparse.ArgumentParser(prog="python -m examples.field", description=__doc__)
    reader.add_argument("file", nargs="?", default="field.md", type=Path)
    reader.add_argument("--samples", default=SAMPLES, type=int, help="of each operator of torch")
    asked = reader.parse_args()
    main(asked.file, asked.samples)
