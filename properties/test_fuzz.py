"""Whatever the caller's code does: a report or a usage error comes out, and all is tidied up."""

import contextlib
import os
import random as standard_random

import numpy as np
import optree
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck
from gradcheck import Budget, Cause, Evidence, Plan, Report, UsageError, Verdict

from .hostile import ALWAYS, NEVER_RIGHT
from .points import NAMESPACE, floating, mapped
from .settings import SEEDS
from .subjects import subjects

# As many as a single core checks in four minutes; by the profile, see conftest.
EXAMPLES = {"fast": 100}.get(os.environ.get("HYPOTHESIS_PROFILE", "fast"), 10_000)
CHECKS = {"grad": gradcheck.check_grad, "vjp": gradcheck.check_vjp, "jvp": gradcheck.check_jvp}


@st.composite
def plans(draw):
    """Draw a plan: any mode, tolerances from none to half, and budgets that run out."""
    budgets = st.builds(Budget, st.integers(1, 6) | st.integers(1, 80)) | st.just(
        Budget(seconds=1e-9)
    )
    settings = {
        "rtol": draw(st.sampled_from((1e-5, 1e-5, 0.0, 1e-12, 1e-2, 0.5))),
        "seed": draw(SEEDS),
        "budget": draw(
            st.sampled_from((0, 0, 0, 1)).flatmap(lambda k: budgets if k else st.none())
        ),
    }
    make = draw(
        st.sampled_from(
            (
                Plan.auto,
                Plan.every,
                lambda **kw: Plan.directions(1, **kw),
                lambda **kw: Plan.directions(3, **kw),
                lambda **kw: Plan.sample(2, **kw),
            )
        )
    )
    return make(**settings)


def snapshot(x):
    """Note all that a caller can see of the arrays of a point, and of what they are views of."""
    arrays = [a for a in optree.tree_leaves(x, namespace=NAMESPACE) if isinstance(a, np.ndarray)]
    arrays += [a.base for a in arrays if isinstance(a.base, np.ndarray)]
    return [
        (a.shape, a.dtype, a.flags.writeable, None if a.dtype.hasobject else a.tobytes())
        for a in arrays
    ]


def settings_of_the_world(sources):
    """Note what is not of any point: random sources, how floating-point errors are treated."""
    states = [np.random.get_state(legacy=False), standard_random.getstate(), np.geterr()]  # noqa: NPY002
    for source in sources:
        if isinstance(source, np.random.Generator):
            states.append(source.bit_generator.state)
        elif isinstance(source, np.random.RandomState):
            states.append(source.get_state(legacy=False))
        elif isinstance(source, standard_random.Random):
            states.append(source.getstate())
    return repr(states)


@contextlib.contextmanager
def tidied(subject):
    """Require that the world is as it was, and that only what may come out does."""
    draws_unnamed = subject.noise in ("numpy.random", "random") and not subject.random
    arrays, world = snapshot(subject.x), settings_of_the_world(subject.random)
    raised: BaseException | None = None
    try:
        yield
    except (UsageError, KeyboardInterrupt) as error:
        raised = error
    if isinstance(raised, UsageError):
        assert str(raised).endswith((".", ")"))
    if isinstance(raised, KeyboardInterrupt):
        assert any(raised is foreign.kept for foreign in subject.foreign)
    assert snapshot(subject.x) == arrays
    assert draws_unnamed or settings_of_the_world(subject.random) == world


def require_well_formed(report, x):
    """Require that a report is complete, fits into a terminal, and survives JSON."""
    assert isinstance(report, Report)
    assert isinstance(report.verdict, Verdict)
    assert len(report.leaves) == len(floating(x))
    assert report.verdict is Verdict.PASS or report.findings
    for leaf in report.leaves.values():
        assert isinstance(leaf.verdict, Verdict)
        assert leaf.cause is None or isinstance(leaf.cause, Cause)
        assert leaf.wrong is None or leaf.wrong.shape == leaf.shape
        assert not (report.ok and leaf.verdict is not Verdict.PASS)
    for finding in report.findings:
        assert isinstance(finding.cause, Cause)
        assert finding.message.rstrip().endswith((".", ":", ")"))
    for line in str(report).splitlines():
        assert len(line) <= 80 or " " not in line.strip(), line
    again = Report.from_json(report.to_json())
    assert again.to_json() == report.to_json()
    assert str(again) == str(report)
    assert repr(report)


def is_never_right(subject):
    """Whether the claim is known to be no gradient, of a function that has one, at every call."""
    f, claim, *_ = subject.foreign
    return (
        (subject.claim is claim or subject.claim is True)
        and f.trick == "none"
        and claim.trick in NEVER_RIGHT
        and claim.calls == ALWAYS
        and any(np.size(leaf) for leaf in floating(subject.x))
    )


@settings(max_examples=EXAMPLES)
@given(subjects(), plans())
def test_any_check_answers_and_tidies_up(subject, plan):
    """A report or a usage error; the caller's arrays and random sources as they were."""
    with tidied(subject):
        report = CHECKS[subject.kind](
            subject.f,
            subject.claim,
            subject.x,
            plan=plan,
            random=subject.random,
            reference=subject.reference,
        )
        require_well_formed(report, subject.x)
        assert not (report.ok and is_never_right(subject))


@settings(max_examples=EXAMPLES // 10)
@given(subjects(kinds=("grad",)), st.booleans())
def test_any_numeric_side_answers_and_tidies_up(subject, along_x):
    """The same for `derivative` and `gradient`."""
    with tidied(subject):
        measured = gradcheck.gradient(subject.f, subject.x, random=subject.random)
        bars = optree.tree_leaves(measured.error_bar, namespace=NAMESPACE)
        assert all(not np.any(np.asarray(bar) < 0) for bar in bars)
    with tidied(subject):
        direction = subject.x if along_x else mapped(np.ones_like, subject.x)
        one = gradcheck.derivative(subject.f, subject.x, direction, random=subject.random)
        assert isinstance(one.evidence, Evidence)
        assert not one.error_bar < 0
        assert str(one)
