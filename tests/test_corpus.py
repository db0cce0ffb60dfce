"""The corpus: the truth about cases, scores, peers, and the command as a user runs it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from gradcheck import Cause, Finding, LeafReport, Plan, Problem, Report, Verdict, corpus
from gradcheck.cli import main
from gradcheck.corpus import Answer, Diagnosis, Group, Naming, Outcome
from gradcheck.corpus.cases import cotangent_of, wrong_entries
from gradcheck.corpus.ours import diagnosis_of, naming_of, remark_of
from gradcheck.corpus.peers import CannotRun, scalar_of
from gradcheck.reference import FAULTS, TRICKY, Case, Fault, Posed, Tricky

from .thoroughness import IS_THOROUGH

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks" / "corpus.md"


def only(name, seed=0):
    """Draw the case of a name."""
    (case,) = corpus.draw(seed, [name])
    return case


def made_up(f, claim, x, kind="grad", group=Group.WRONG):
    """Make a case out of nothing."""
    return corpus.CorpusCase(
        "made-up", 0, group, "Made up.", "no thread", lambda: Problem(f, claim, x, kind),
        Plan.auto(seed=0),
    )  # fmt: skip


def outcome(answer, group=Group.WRONG, expected=None, **more):
    """Make up what a tool said."""
    expected = expected or (Verdict.FAIL if group is Group.WRONG else Verdict.PASS)
    return Outcome("tool", more.pop("case", "case"), 0, group, expected, answer, **more)


# The cases and their truth.


def test_each_fault_comes_wrong_and_right_and_the_tricky_ones_once():
    """By unique names."""
    names = corpus.names()
    assert len(set(names)) == len(names) == 2 * len(FAULTS) + len(TRICKY)
    assert [case.name for case in corpus.draw(0)] == list(names)


def test_wrong_entries_are_those_whose_gradient_differs():
    """One leaf of sign-flipped, all of its entries."""
    truth = only("sign-flipped").truth
    assert truth.causes[0] == "sign"
    assert truth.wrong["['W']"].all()
    assert not truth.wrong["['x']"].any()


def test_fault_of_the_contract_has_no_wrong_entries():
    """State, shapes and NaN are not errors of single entries."""
    for name in ("cache-of-first-point", "bias-gradient-not-summed", "root-of-untaken-branch"):
        assert only(name).truth.wrong is None


def test_truth_overlooks_what_the_tolerance_does_and_sees_nan():
    """Relative to the entry, or to a hundredth of the root mean square of the claim."""
    right = {"x": np.array([1.0, 1e3, 5.0, 1.0])}
    claimed = {"x": np.array([1.0 + 1e-6, 1e3 + 0.1, np.nan, 1.0 + 1e-3])}
    assert wrong_entries(right, claimed)["x"].tolist() == [False, True, True, True]
    assert wrong_entries({"x": np.array([0.0, 1e3])}, {"x": np.array([1e-6, 1e3])}) is None
    assert wrong_entries(right, right) is None
    assert wrong_entries(right, {"x": np.ones(2)}) is None


def test_fault_of_kind_vjp_is_compared_along_one_dense_cotangent(monkeypatch):
    """And posed with the kind."""
    case = Case(np.tanh, lambda x, dout: dout * (1 - np.tanh(x) ** 2), lambda x, dout: dout * x,
                np.array([0.5, 1.0]), kind="vjp")  # fmt: skip
    fault = Fault("no-tanh", "no thread", "other", ("x",), "No tanh.", lambda _: case)
    monkeypatch.setattr("gradcheck.corpus.cases.FAULTS", (fault,))
    monkeypatch.setattr("gradcheck.corpus.cases.TRICKY", ())
    wrong, twin = corpus.draw(0)
    assert wrong.truth.wrong["x"].all()
    assert corpus.examine(wrong)[0].is_detected
    assert corpus.examine(twin)[0].answer is Answer.RIGHT


def test_cotangent_is_the_same_each_time_and_never_small():
    """It follows the structure of the output."""
    first, second = (cotangent_of({"a": np.ones(3), "b": 1.0}, "name", 0) for _ in range(2))
    assert np.array_equal(first["a"], second["a"])
    assert np.all(np.abs(first["a"]) >= 0.5)
    assert np.shape(first["b"]) == ()


def test_tricky_case_is_posed_with_its_options(monkeypatch):
    """A source to hold still, a plan; what should be said is its own answer."""

    def build(rng):
        noise = np.random.default_rng(1)
        options = {"random": noise, "plan": Plan.every()}
        return Posed(lambda x: np.sum(x**2 * noise.random(3)), lambda x: 2 * x * noise.random(3),
                     rng.standard_normal(3), options=options)  # fmt: skip

    tricky = Tricky("held", "no thread", "Draws anew.", build)
    monkeypatch.setattr("gradcheck.corpus.cases.TRICKY", (tricky,))
    case = only("held", seed=7)
    assert (case.plan.mode, case.plan.seed, case.answer) == ("every", 7, Verdict.PASS)
    assert corpus.examine(case)[0].answer is Answer.RIGHT


# Our checker, measured.


def test_our_checker_is_right_on_a_fault_and_its_twin():
    """Found, and left alone."""
    (wrong, report), (twin, _) = map(
        corpus.examine, corpus.draw(0, ["sign-flipped", "sign-flipped:right"])
    )
    assert wrong.is_detected
    assert wrong.naming.wanted == 24
    assert wrong.evaluations == report.evaluations > 0
    assert twin.answer is Answer.RIGHT
    assert twin.naming is twin.diagnosis is None


def test_fault_whose_numbers_are_right_is_found_by_a_remark():
    """A pass that names shared memory, or lost digits; one that names nothing is a miss."""
    for name in ("one-buffer-for-two-leaves", "tanh-in-float32"):
        found, report = corpus.examine(only(name))
        assert report.verdict is Verdict.PASS
        assert (found.answer, found.remarked) == (Answer.RIGHT, True)
        assert found.is_detected
        assert not found.is_missed
        assert found.diagnosis.accepted
        assert corpus.troubles([found]) == ()
    silent = replace(found, remarked=False)
    assert silent.is_missed
    assert not silent.is_detected


def test_remark_of_another_cause_finds_nothing():
    """Nor does one of a cause that says nothing about the numbers, such as the set-up."""
    findings = (Finding(Cause.SETUP, "Said."), Finding(Cause.PRECISION, "Digits are lost."))
    report = Report("", Verdict.PASS, {}, findings, 1, 0.0, Plan.auto())
    assert remark_of(corpus.Truth(("setup", "scale"), {}, None), report) is None
    assert remark_of(corpus.Truth(("scale", "precision"), {}, None), report) is findings[1]


def test_exception_of_the_checker_is_an_outcome():
    """Such as a usage error; it ends no run."""
    found, report = corpus.examine(made_up(lambda x: x, lambda x: x, np.arange(3)))
    assert report is None
    assert found.answer is Answer.UNABLE
    assert "UsageError" in found.trouble
    assert corpus.is_bad(found)


def leaf(mask, complete):
    """Make up the report of a leaf."""
    mask = None if mask is None else np.array(mask, bool)
    return LeafReport("x", (3,), "float64", Verdict.FAIL, wrong=mask, complete=complete)


@pytest.mark.parametrize(
    ("named", "complete", "expected"),
    [
        pytest.param([1, 1, 0], True, Naming(2, 2, 2, 1, 1, 1, 0), id="exact"),
        pytest.param([1, 0, 0], False, Naming(1, 1, 2, 1, 0, 0, 0), id="at-least-these"),
        pytest.param([1, 0, 0], True, Naming(1, 1, 2, 1, 1, 0, 1), id="falsely-complete"),
        pytest.param([1, 1, 1], True, Naming(3, 2, 2, 1, 1, 0, 0), id="innocent-blamed"),
        pytest.param(None, False, Naming(0, 0, 2, 1, 0, 0, 0), id="unnamed"),
    ],
)
def test_masks_are_compared_with_the_truth(named, complete, expected):
    """Entry by entry."""
    truth = {"x": np.array([True, True, False])}
    assert naming_of(truth, {"x": leaf(named, complete)}) == expected


def test_entry_named_in_a_right_leaf_counts_against_precision():
    """The leaf itself is not a wrong one."""
    found = naming_of({"x": np.zeros(3, bool)}, {"x": leaf([0, 1, 0], complete=False)})
    assert (found.named, found.hits, found.leaves) == (1, 0, 0)


def test_leaf_that_was_not_reported_counts_as_unnamed():
    """A wrong leaf that the checker did not come to."""
    assert naming_of({"x": np.ones(3, bool)}, {}) == Naming(0, 0, 3, 1)


@pytest.mark.parametrize(
    ("cause", "evidence", "accepted", "certain"),
    [
        pytest.param(Cause.SCALE, {"certain": True}, True, True, id="planted"),
        pytest.param(Cause.SIGN, {}, True, False, id="as-good"),
        pytest.param(Cause.TRANSPOSE, {"certain": True}, False, True, id="certain-and-wrong"),
    ],
)
def test_first_finding_is_the_diagnosis(cause, evidence, accepted, certain):
    """Compared with what was planted and what is as good."""
    truth = corpus.Truth(("scale", "sign"), {}, None)
    findings = (Finding(cause, "Said.", evidence=evidence),)
    report = Report("", Verdict.FAIL, {}, findings, 1, 0.0, Plan.auto())
    assert diagnosis_of(truth, report) == Diagnosis(cause, "scale", accepted, certain)
    assert diagnosis_of(truth, replace(report, verdict=Verdict.PASS)) is None


# Scores.


def test_scores_count_each_kind_of_failure():
    """A miss, a false alarm of either group, what was refused and what could not run."""
    score = corpus.score(
        [
            outcome(Answer.WRONG, evaluations=10),
            outcome(Answer.RIGHT, evaluations=20),
            outcome(Answer.UNDECIDED, evaluations=40),
            outcome(Answer.UNABLE, evaluations=1000),
            outcome(Answer.RIGHT, Group.TWIN, evaluations=30),
            outcome(Answer.WRONG, Group.TWIN, evaluations=50),
            outcome(Answer.WRONG, Group.TRICKY, evaluations=60),
        ]
    )
    assert (score.wrong, score.found, score.missed) == (3, 1, 1)
    assert (score.twins, score.twin_alarms, score.tricky, score.tricky_alarms) == (2, 1, 1, 1)
    assert (score.unsure, score.unable) == (1, 1)
    assert (score.median, score.total) == (35, 210)
    assert corpus.row(score)[1:7] == ("1/3", "33.3 %", "1/2", "1/1", "1", "1")


def test_scores_add_up_entries_and_causes():
    """A wrong mask and a confident wrong cause each show up."""
    score = corpus.score(
        [
            outcome(Answer.WRONG, naming=Naming(4, 4, 4, 1, 1, 1),
                    diagnosis=Diagnosis("sign", "sign", accepted=True, certain=True)),
            outcome(Answer.WRONG, naming=Naming(2, 1, 4, 1, 1, 0, 1),
                    diagnosis=Diagnosis("scale", "sign", accepted=False, certain=True)),
            outcome(Answer.WRONG, diagnosis=Diagnosis("other", "sign", accepted=False)),
        ]
    )  # fmt: skip
    assert score.naming == Naming(6, 5, 8, 2, 2, 1, 1)
    assert (score.diagnosed, score.certain_and_wrong) == (1, 1)
    _, entries, leaves, causes = corpus.sentences(score)
    assert "precision 0.8333" in entries
    assert "recall 0.6250" in entries
    assert "2 said to be named completely, of these 1 falsely; 1 named exactly" in leaves
    assert "acceptable in 1 of 3 wrong cases (33.3 %)" in causes
    assert "certain and not acceptable in 1 (33.3 %)" in causes


def test_one_miss_among_many_is_not_rounded_away():
    """Nor is one entry among many."""
    many = [outcome(Answer.WRONG, naming=Naming(10_000, 10_000, 10_000))] * 5000
    missed = outcome(Answer.RIGHT, naming=Naming(1, 0, 1))
    score = corpus.score([*many, missed])
    assert corpus.row(score)[2] == "99.9 %"
    assert "precision 0.9999" in corpus.sentences(score)[1]


def test_score_of_nothing_that_ran_is_a_dash():
    """Not a division by zero."""
    score = corpus.score([outcome(Answer.UNABLE)])
    assert corpus.row(score)[1:3] == ("0/0", "-")


@pytest.mark.parametrize(
    ("found", "complaint", "bad"),
    [
        pytest.param(outcome(Answer.RIGHT), "wrong, and passed", True, id="miss"),
        pytest.param(outcome(Answer.WRONG, Group.TRICKY, trouble="noise"),
                     "right, and failed (noise)", True, id="false-alarm"),
        pytest.param(outcome(Answer.UNABLE, trouble="it raised KeyError"),
                     "it raised KeyError", True, id="raised"),
        pytest.param(outcome(Answer.UNDECIDED, trouble="noise"),
                     "wrong, and undecided (noise)", False, id="undecided"),
        pytest.param(outcome(Answer.UNDECIDED, Group.TRICKY),
                     "right, and undecided", False, id="undecided-right"),
        pytest.param(outcome(Answer.RIGHT, Group.TRICKY, Verdict.INCONCLUSIVE),
                     "passed, where nothing can be known", False, id="passed-blindly"),
        pytest.param(outcome(Answer.WRONG), "names no cause", False, id="no-cause"),
        pytest.param(outcome(Answer.WRONG, diagnosis=Diagnosis("scale", "sign", False, True)),
                     "cause scale, planted sign, said for certain", False, id="cause"),
    ],
)  # fmt: skip
def test_each_trouble_has_its_words(found, complaint, bad):
    """With the name and the seed; only the outright wrong ones are bad."""
    assert corpus.troubles([found]) == (f"case: {complaint} (seed 0)",)
    assert corpus.is_bad(found) is bad


def test_wrong_mask_has_its_words():
    """Innocent entries, forgotten ones, and a false claim to be complete."""
    cause = Diagnosis("sign", "sign", accepted=True)
    found = outcome(Answer.WRONG, naming=Naming(2, 1, 4, overclaimed=1), diagnosis=cause)
    assert corpus.troubles([found]) == (
        "case: names 1 right entry as wrong (seed 0)",
        "case: names 1 of 4 wrong entries (seed 0)",
        "case: says that all wrong entries are named, and they are not (seed 0)",
    )


def test_what_is_as_it_should_be_is_no_trouble():
    """An honest refusal included."""
    cause = Diagnosis("sign", "sign", accepted=True)
    assert corpus.troubles(
        [
            outcome(Answer.WRONG, diagnosis=cause),
            outcome(Answer.RIGHT, Group.TWIN),
            outcome(Answer.UNDECIDED, Group.TRICKY, Verdict.INCONCLUSIVE),
        ]
    ) == ()  # fmt: skip


def test_same_trouble_of_several_seeds_is_one_line():
    """Bad ones first."""
    missed = outcome(Answer.RIGHT)
    lines = corpus.troubles(
        [outcome(Answer.UNDECIDED, case="noisy"), missed, replace(missed, seed=1)]
    )
    assert lines == (
        "case: wrong, and passed (seeds 0, 1)",
        "noisy: wrong, and undecided (seed 0)",
    )


def test_troubles_of_a_peer_are_names():
    """With how often."""
    alarm = outcome(Answer.WRONG, Group.TWIN, case="b")
    some = [outcome(Answer.RIGHT, case="a"), alarm, alarm, outcome(Answer.UNABLE, case="c")]
    assert corpus.peer_troubles(some) == ("missed: a", "false alarms: b (x2)", "could not run: c")


# Peers.

X = {"a": np.array([[0.5, -1.5, 2.0]]), "b": np.array(0.7)}


def cubes(p):
    """Compute something smooth of two leaves."""
    return np.sum(p["a"] ** 3) * p["b"]


def slopes(p):
    """Differentiate `cubes`."""
    return {"a": 3 * p["a"] ** 2 * p["b"], "b": np.sum(p["a"] ** 3)}


def doubled(p):
    """Do so twice too large in one leaf."""
    return {**slopes(p), "a": 6 * p["a"] ** 2 * p["b"]}


@pytest.fixture(params=corpus.PEERS, ids=lambda peer: peer.name)
def peer(request):
    """Return each peer that is installed."""
    pytest.importorskip(request.param.package)
    assert request.param.version
    return request.param


def test_peer_tells_right_from_wrong(peer):
    """And its evaluations are counted."""
    right = corpus.judge(peer, made_up(cubes, slopes, X, group=Group.TWIN))
    wrong = corpus.judge(peer, made_up(cubes, doubled, X))
    assert (right.answer, right.trouble) == (Answer.RIGHT, "")
    assert (wrong.answer, wrong.trouble) == (Answer.WRONG, "")
    assert right.evaluations >= 2
    assert (wrong.tool, wrong.case) == (peer.name, "made-up")


def test_peer_is_given_a_vector_jacobian_product_as_a_number(peer):
    """With a fixed cotangent."""
    x = np.array([0.3, 0.8])
    right = made_up(np.sin, lambda x, dout: dout * np.cos(x), x, "vjp")
    wrong = made_up(np.sin, lambda x, dout: dout * np.sin(x), x, "vjp")
    assert corpus.judge(peer, right).answer is Answer.RIGHT
    assert corpus.judge(peer, wrong).answer is Answer.WRONG


def test_exception_of_a_peer_is_that_it_cannot_run(peer):
    """Whatever f raises."""

    def refuse(x):
        raise RuntimeError("out of paper")

    found = corpus.judge(peer, made_up(refuse, lambda x: x, np.ones(2)))
    assert found.answer is Answer.UNABLE
    assert "out of paper" in found.trouble


def test_random_source_of_a_user_is_left_as_it_was(peer):
    """Autograd draws from the global one."""
    np.random.seed(5)  # noqa: NPY002 - the one that is global
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - likewise
    corpus.judge(peer, made_up(cubes, slopes, X))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 - likewise


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        pytest.param(made_up(np.sum, np.ones_like, np.ones(2, np.float32)),
                     "it takes float64 arrays only", id="float32"),
        pytest.param(made_up(np.sin, lambda x, v: np.cos(x) * v, np.ones(2), "jvp"),
                     "it takes gradients only", id="jvp"),
    ],
)  # fmt: skip
def test_case_that_no_peer_can_take(case, reason):
    """It is said why."""
    with pytest.raises(CannotRun, match=reason):
        scalar_of(case)
    found = corpus.judge(corpus.PEERS[0], case)
    assert (found.answer, found.trouble, found.evaluations) == (Answer.UNABLE, reason, 0)


def test_peer_that_never_ends_is_stopped(monkeypatch):
    """By the number of evaluations."""
    monkeypatch.setattr("gradcheck.corpus.peers.peer.MOST_EVALUATIONS", 2)
    endless = corpus.Peer("endless", "numpy", "", lambda scalar: [scalar.f(*scalar.leaves)
                                                                  for _ in range(9)])  # fmt: skip
    found = corpus.judge(endless, made_up(cubes, slopes, X))
    assert (found.answer, found.evaluations) == (Answer.UNABLE, 3)
    assert "more than 2 evaluations" in found.trouble


@pytest.mark.parametrize(
    ("f", "claim"),
    [
        pytest.param(cubes, slopes(X), id="values"),
        pytest.param(lambda p: (cubes(p), slopes(p)), True, id="value-and-gradient"),
    ],
)
def test_claim_of_another_form_is_translated(f, claim):
    """Peers want a callable of its own."""
    scalar = scalar_of(made_up(f, claim, X))
    assert scalar.f_of_vector(scalar.vector) == cubes(X)
    assert np.array_equal(scalar.gradient_of_vector(scalar.vector),
                          np.append(slopes(X)["a"], slopes(X)["b"]))  # fmt: skip


def test_labels_are_carried_and_numbers_stay_numbers():
    """A peer moves float64 leaves alone."""
    labels = np.array([0, 1])
    seen = []

    def f(p):
        seen.append(p)
        return p["t"] * p["labels"].sum()

    scalar = scalar_of(
        made_up(f, lambda p: {"t": 1.0, "labels": None}, {"labels": labels, "t": 2.0})
    )
    assert scalar.f_of_vector(np.array([3.0])) == 3.0
    assert isinstance(seen[-1]["t"], float)
    assert scalar.gradient_of_vector(scalar.vector).tolist() == [1.0]


# The command.


def run(*arguments):
    """Run it as a user does."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "gradcheck", "corpus", *arguments],
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )


EVERY = 1 if IS_THOROUGH else 10  # each case is checked by test_planted_faults and test_tricky


@pytest.fixture(scope="module")
def campaign():
    """All cases, or some of each kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        patch.setattr("gradcheck.corpus.cases.FAULTS", FAULTS[::EVERY])
        patch.setattr("gradcheck.corpus.cases.TRICKY", TRICKY[::EVERY])
        return CliRunner().invoke(main, ["corpus", "--seeds", "1", "--seed", "0", "--no-peers"])


def test_command_runs_the_whole_corpus_within_80_columns(campaign):
    """One row a tool, what ours names, how to do it again; nothing on stderr."""
    wrong = len(FAULTS[::EVERY])
    assert campaign.output == campaign.stdout
    assert campaign.exit_code == 0, campaign.stdout
    assert max(map(len, campaign.stdout.splitlines())) <= 80
    assert campaign.stdout.split()[: len(corpus.HEADINGS)] == list(corpus.HEADINGS)
    assert f"gradcheck  {wrong}/{wrong}  100.0 %" in campaign.stdout
    assert "gradcheck corpus --seeds 1 --seed 0 --no-peers" in " ".join(campaign.stdout.split())


def test_command_shows_the_report_of_a_case():
    """What it is, what is known of it, and the report."""
    done = run("--case", "sign-flipped", "--case", "sign-flipped:right", "--seed", "3")
    assert done.returncode == 0
    shown = " ".join(done.stdout.split())
    assert "sign-flipped (wrong, seed 3): The weight gradient has the wrong sign." in shown
    assert "Planted cause: sign. Wrong entries: 24 of 24 in ['W'], 0 of 6 in ['b']" in shown
    assert "sign-flipped: FAIL (3 leaves" in shown
    assert "Should be said: pass." in shown
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "--case sign-flipped --case sign-flipped:right --no-peers" in shown


def test_command_says_what_a_case_of_the_contract_is():
    """It has a cause and no wrong entries."""
    done = run("--case", "cache-of-first-point", "--seed", "3")
    assert "Planted cause: stale-cache. No entry is wrong by itself." in done.stdout


def test_command_asks_the_peers_that_are_installed(tmp_path):
    """Side by side, on the terminal and in a document."""
    pytest.importorskip("scipy")
    file = tmp_path / "corpus.md"
    done = run("--case", "sign-flipped", "--peers", "--seed", "1", "--markdown", str(file))
    assert "scipy" in done.stdout
    assert done.returncode == 0, done.stderr
    written = file.read_text()
    assert "| scipy | 1/1 | 100.0 % | 0/0 | 0/0 | 0 | 0 |" in written
    assert "## scipy\n\nNothing to tell." in written
    assert "`scipy.optimize.check_grad(f, grad, x)` returns" in written


def test_absent_peers_are_named():
    """They are not asked, and that is said."""
    absent = corpus.Peer("absent", "no_such_package", "", lambda _: Answer.RIGHT)
    campaign = corpus.run([only("sign-flipped")], (absent,))
    assert campaign.absent == ("no_such_package",)
    assert campaign.outcomes.keys() == {corpus.OURS}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--case", "sign-fliped"], "--case sign-fliped: there is no such case; there "
                     "are sign-flipped", id="misspelt"),
        pytest.param(["--case", "0000"], "there is no such case; there are", id="nothing-near"),
        pytest.param(["--seeds", "0"], "0 is not in the range", id="seeds"),
        pytest.param(["--case", "sign-flipped", "--markdown", "no/such/folder/out.md"],
                     "--markdown no/such/folder/out.md: there is no folder", id="folder"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence_and_exit_code_2(arguments, message):
    """No traceback."""
    done = run(*arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def squares(claim, factor=1.0):
    """Make up a builder of sum(x^2) with a right and another gradient."""
    return lambda _: Case(lambda x: np.sum(x["x"] ** 2), lambda x: {"x": factor * 2 * x["x"]},
                          claim, {"x": np.array([1.0, 2.0])})  # fmt: skip


@pytest.mark.parametrize(
    ("faults", "tricky", "said"),
    [
        pytest.param([Fault("harmless", "no thread", "other", ("x",), "Not wrong at all.",
                            squares(lambda x: {"x": 2 * x["x"]}))], [],
                     "harmless: wrong, and passed (seed 1)", id="a-wrong-one-passed"),
        pytest.param([], [Tricky("nasty", "no thread", "It is wrong.", lambda _: Posed(
                         lambda x: np.sum(x**2), lambda x: 3 * x, np.ones(2)))],
                     "nasty: right, and failed", id="a-right-one-failed"),
    ],
)  # fmt: skip
def test_exit_code_is_1_when_the_checker_is_outright_wrong(monkeypatch, faults, tricky, said):
    """The wrong twins of the command itself."""
    monkeypatch.setattr("gradcheck.corpus.cases.FAULTS", tuple(faults))
    monkeypatch.setattr("gradcheck.corpus.cases.TRICKY", tuple(tricky))
    done = CliRunner().invoke(main, ["corpus", "--no-peers", "--seeds", "1", "--seed", "1"])
    assert done.exit_code == 1
    assert said in done.stdout


def test_interrupt_ends_the_command_as_in_a_shell(monkeypatch):
    """Exit code 130, one sentence."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gradcheck.corpus.run", interrupted)
    done = CliRunner().invoke(main, ["corpus", "--no-peers", "--seeds", "1"])
    assert done.exit_code == 130
    assert "gradcheck: interrupted." in done.output


def test_document_has_the_form_that_the_command_writes():
    """It is written by `tox -e peers`."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"| {' | '.join(corpus.HEADINGS)} |" in text
    assert "Generated by `gradcheck corpus " in text
