"""Right and wrong claims of low precision: `python -m benchmarks.low_precision --seeds 0:1000`.

Counts false alarms, errors that slipped through though the report of the right claim says that they
would have been seen, and what stayed open. Each network is checked alone, beside a reference in
float64, and as code that follows its input.
"""

from __future__ import annotations

import json
import math
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import ml_dtypes
import numpy as np

import gradcheck
from gradcheck import LeafReport, Plan, Report, Verdict

from .coverage import read_seeds
from .low_precision_networks import MAKERS, Leaves, Network, networks, one
from .tables import table

FORMATS = {
    "float32": np.dtype(np.float32),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
MODES = ("alone", "reference", "follows")
FACTORS = {"x 1.01": 1.01, "x 1.05": 1.05, "x 1.25": 1.25, "sign": -1.0, "zero": 0.0}
ENTRY = "one entry"  # off by the norm of the leaf's gradient
FAULTS = (*FACTORS, ENTRY)
SUITES = {"numpy": 99, "torch": 98}  # with the streams that draw their faults


@dataclass(frozen=True)
class Subject:
    """A network in a format, and how it is checked."""

    network: Network
    format: str
    mode: str
    seed: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the point and of the claim."""
        return FORMATS[self.format]

    def check(self, fault: Fault | None = None) -> Report:
        """Check the backward pass, with an error in one of its leaves."""
        net = self.network
        point = rounded(net.point, self.dtype)

        def own(p: Leaves) -> Leaves:
            return p if self.mode == "follows" else rounded(p, self.dtype)

        def forward(p: Leaves) -> Any:
            return net.forward(own(p))

        def backward(p: Leaves, dout: Any) -> Leaves:
            gradients = net.backward(
                own(p), np.asarray(dout).astype(next(iter(own(p).values())).dtype)
            )
            return gradients if fault is None else fault.planted(gradients)

        options: dict[str, Any] = {"plan": Plan.auto(seed=self.seed, naming=0)}
        if self.mode == "reference":
            options["reference"] = net.forward
        if net.loss:
            return gradcheck.check_grad(forward, lambda p: backward(p, one(p)), point, **options)
        return gradcheck.check_vjp(forward, backward, point, **options)


def rounded(p: Leaves, dtype: np.dtype[Any]) -> Leaves:
    """Round all leaves."""
    return {name: np.asarray(leaf).astype(dtype) for name, leaf in p.items()}


@dataclass(frozen=True)
class Fault:
    """An error in one leaf of a claim."""

    name: str
    leaf: str
    entry: int

    def planted(self, gradients: Leaves) -> Leaves:
        """Return the gradients with it, in their own precision."""
        gradient = gradients[self.leaf]
        wrong = self.spoilt(gradient.astype(np.float64))
        return {**gradients, self.leaf: wrong.astype(gradient.dtype)}

    def spoilt(self, gradient: np.ndarray) -> np.ndarray:
        """Return the gradient of its leaf with it, in float64."""
        if self.name != ENTRY:
            return FACTORS[self.name] * gradient
        wrong = gradient.copy()
        wrong.reshape(-1)[self.entry % wrong.size] += float(np.linalg.norm(wrong))
        return wrong

    @property
    def size(self) -> float:
        """Relative to the leaf's gradient."""
        return 1.0 if self.name == ENTRY else abs(FACTORS[self.name] - 1)

    def limit(self, right: LeafReport) -> float:
        """Return what would have been seen, as the report of the right claim says."""
        limit = right.certified if self.name == ENTRY else right.whole
        return math.inf if math.isnan(limit) else limit


@dataclass(frozen=True)
class Judged:
    """What became of a claim: of a right one if `fault` is empty."""

    format: str
    mode: str
    network: str
    seed: int
    verdict: Verdict
    fault: str = ""
    leaf: str = ""
    certified: bool = False

    @property
    def replay(self) -> str:
        """Name what repeats it."""
        wrong = f" {self.leaf} {self.fault}" if self.fault else ""
        return f"{self.format} {self.mode} {self.network} seed {self.seed}{wrong}: {self.verdict}"


def judged(subject: Any, rng: np.random.Generator, faults: int) -> Iterator[Judged]:
    """Check a right claim, and wrong ones drawn beside it."""
    right = subject.check()
    about = (subject.format, subject.mode, subject.network.name, subject.seed)
    yield Judged(*about, right.verdict)
    names = sorted(subject.network.point)
    for name in rng.choice(FAULTS, faults, replace=False):
        fault = Fault(str(name), str(rng.choice(names)), int(rng.integers(1000)))
        leaf = right.leaves[f"[{fault.leaf!r}]"]
        if not leaf.scale > 0:
            continue  # where nothing is claimed, a factor changes nothing
        certified = leaf.verdict is Verdict.PASS and fault.size > fault.limit(leaf)
        wrong = subject.check(fault).leaves[leaf.path].verdict
        yield Judged(*about, wrong, fault.name, fault.leaf, certified)


def run_seed(seed: int, faults: int = 1, suite: str = "numpy") -> list[Judged]:
    """Check the network of a seed, of the kinds in turn, in all formats and modes."""
    rng = np.random.default_rng([seed, SUITES[suite]])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [
            result
            for subject in (subjects(seed) if suite == "numpy" else torch_subjects(seed))
            for result in judged(subject, rng, faults)
        ]


def subjects(seed: int) -> Iterator[Subject]:
    """Draw the network of a seed in NumPy."""
    network = networks(seed)[seed % len(MAKERS)]
    for name in FORMATS:
        for mode in MODES:
            yield Subject(network, name, mode, seed)


def torch_subjects(seed: int) -> Iterator[Any]:
    """Draw the network of a seed in torch."""
    from .low_precision_torch import subjects  # which not everybody has

    return subjects(seed, MODES)


def suites() -> list[str]:
    """List what can be run here."""
    return [name for name in SUITES if name == "numpy" or find_spec(name) is not None]


# --- what is counted ----------------------------------------------------------------------------


def false_alarms(results: Iterable[Judged]) -> list[Judged]:
    """List the right claims that failed."""
    return [r for r in results if not r.fault and r.verdict is Verdict.FAIL]


def misses(results: Iterable[Judged]) -> list[Judged]:
    """List the wrong claims that passed, though their error is above what was certified."""
    return [r for r in results if r.certified and r.verdict is Verdict.PASS]


def unfailed(results: Iterable[Judged]) -> list[Judged]:
    """List the wrong claims above what was certified that did not fail."""
    return [r for r in results if r.certified and r.verdict is not Verdict.FAIL]


def tabulated(results: list[Judged]) -> str:
    """Count right claims, and wrong ones by fault."""
    head = ("format", "mode", "claim", "n", "pass", "open", "fail", "above limit", "not failed")
    rows = []
    for name in dict.fromkeys(r.format for r in results):
        for mode in MODES:
            group = [r for r in results if (r.format, r.mode) == (name, mode)]
            for fault in ("", *FAULTS):
                chosen = [r for r in group if r.fault == fault]
                verdicts = [r.verdict for r in chosen]
                above = sum(r.certified for r in chosen) if fault else "-"
                rows.append(
                    (
                        *((name, mode) if not fault else ("", "")),
                        fault or "right",
                        len(chosen),
                        *(
                            verdicts.count(v)
                            for v in (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)
                        ),
                        above,
                        len(unfailed(chosen)) if fault else "-",
                    )
                )
    return table(head, rows)


def summary(results: list[Judged]) -> str:
    """Say what is promised, and list what breaks it."""
    right = sum(not r.fault for r in results)
    above = sum(r.certified for r in results)
    lines = [
        f"{len(false_alarms(results))} of {right} right claims failed.",
        f"Of {above} errors above what the report of the right claim certifies, "
        f"{len(misses(results))} passed and {len(unfailed(results))} did not fail.",
    ]
    lines += [r.replay for r in (*false_alarms(results), *unfailed(results))]
    return "\n".join(lines)


def document(results: list[Judged], seeds: dict[str, range]) -> str:
    """Write the page of the documentation; `seeds` by suite."""
    drawn = " and ".join(f"{s.start} to {s.stop - 1} ({suite})" for suite, s in seeds.items())
    return (
        f"# Low precision\n\nGenerated by `python -m benchmarks.low_precision --write`; gradcheck "
        f"{gradcheck.__version__}, seeds {drawn}. Small networks, "
        f"computed wholly in float32, float16 or bfloat16, with backward passes written by hand, "
        f"and where the format says torch, layers and backward passes of torch {torch_version()}: "
        f"*alone*, with a *reference* in float64, and as code that *follows* a point in float64. "
        f"Each seed has one network, of {len(MAKERS)} kinds in turn; beside each right claim is "
        f"one with an error in one leaf. *Open* is INCONCLUSIVE. *Above limit* are the errors that "
        f"the report of the right claim says would have been seen.\n\n"
        f"```text\n{tabulated(results)}\n\n{summary(results)}\n```\n"
    )


def torch_version() -> str:
    """Return which torch is installed."""
    return version("torch") if "torch" in suites() else "(not installed)"


Kept = dict[tuple[str, int], list[Judged]]


def recalled(keep: Path | None) -> Kept:
    """Read what earlier runs have written down."""
    kept: Kept = {}
    if keep is not None and keep.exists():
        for line in keep.read_text(encoding="utf-8").splitlines():
            suite, seed, results = json.loads(line)
            kept[suite, seed] = [Judged(**{**r, "verdict": Verdict(r["verdict"])}) for r in results]
    return kept


def written_down(keep: Path | None, suite: str, seed: int, results: list[Judged]) -> None:
    """Write down one seed, on a line of its own."""
    if keep is not None:
        with keep.open("a", encoding="utf-8") as file:
            file.write(json.dumps([suite, seed, [asdict(r) for r in results]]) + "\n")


@click.command()
@click.option("--seeds", default="0:10", help="One seed, or a range such as 0:1000.")
@click.option("--torch-seeds", help="Those of the suite torch, if they are not the same.")
@click.option("--suite", "chosen_suites", multiple=True, type=click.Choice(list(SUITES)))
@click.option("--keep", type=click.Path(path_type=Path), help="What is run is kept, and recalled.")
@click.option("--write", type=click.Path(path_type=Path), help="Also write a page of Markdown.")
def main(seeds, torch_seeds, chosen_suites, keep, write):
    """Count false alarms and misses in low precision."""
    start, kept = time.perf_counter(), recalled(keep)
    chosen = dict.fromkeys(chosen_suites or suites(), read_seeds(seeds))
    if torch_seeds and "torch" in chosen:
        chosen["torch"] = read_seeds(torch_seeds)
    results: list[Judged] = []
    for suite, own_seeds in chosen.items():
        for seed in own_seeds:
            if (suite, seed) not in kept:
                kept[suite, seed] = run_seed(seed, suite=suite)
                written_down(keep, suite, seed, kept[suite, seed])
            results += kept[suite, seed]
    if write:
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_text(document(results, chosen), encoding="utf-8")
    sys.stdout.write(f"{tabulated(results)}\n\n{summary(results)}\n")
    sys.stdout.write(
        f"{sum(map(len, chosen.values()))} seeds, {time.perf_counter() - start:.0f} s\n"
    )


if __name__ == "__main__":
    main()
