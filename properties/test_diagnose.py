"""Whatever is claimed: a report with a sentence comes out, and nobody innocent is named."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import gradcheck
from gradcheck import Plan, Report, UsageError, Verdict

from .settings import SEEDS

FORMULAS = {
    "sin": (np.sin, np.cos),
    "square": (lambda a: a * a, lambda a: 2 * a),
    "relu": (lambda a: np.maximum(a, 0), lambda a: (a > 0) * 1.0),
    "zero": (np.zeros_like, np.zeros_like),
    "exp": (np.exp, np.exp),
}


def numbers(rng, shape, kind):
    """Draw an array of some kind of numbers."""
    normal = rng.standard_normal(shape)
    return {
        "normal": normal,
        "zeros": np.zeros(shape),
        "ones": np.ones(shape),
        "whole": rng.integers(-3, 4, shape),
        "sparse": normal * (rng.random(shape) < 0.2),
        "huge": 1e150 * normal,
        "tiny": 1e-150 * normal,
        "wide": normal * 10.0 ** rng.integers(-30, 30, shape),
        "one huge": normal * np.where(rng.random(shape) < 0.1, 1e200, 1),
        "equal": np.full(shape, rng.standard_normal()),
        "float32": normal.astype(np.float32),
        "not finite": np.where(rng.random(shape) < 0.3, rng.choice([np.nan, np.inf]), normal),
    }[kind]


KINDS = ("normal", "zeros", "ones", "sparse", "huge", "tiny", "wide", "one huge", "equal",
         "float32", "whole", "not finite")  # fmt: skip
POINT_KINDS = KINDS[:-2]
SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)


@st.composite
def claims(draw):
    """Draw f, a claim that may be anything, and a point of one to three leaves."""
    rng = np.random.default_rng(draw(SEEDS))
    shapes = draw(st.lists(SHAPES, min_size=1, max_size=3))
    if not any(np.prod(shape) for shape in shapes):
        shapes.append((3,))
    if draw(st.booleans()):
        shapes.append(shapes[0])  # so that leaves are compared with each other
    x = {f"leaf{k}": numbers(rng, shape, draw(st.sampled_from(POINT_KINDS)))
         for k, shape in enumerate(shapes)}  # fmt: skip
    value, slope = FORMULAS[draw(st.sampled_from(sorted(FORMULAS)))]
    labels = rng.integers(-1, 4, 5)
    spoilers = (
        lambda g: numbers(rng, g.shape, draw(st.sampled_from(KINDS))),
        lambda g: draw(st.sampled_from([0.0, -1.0, 2.0, 1e-200, 1e200, 1.00001])) * g,
        lambda g: g + numbers(rng, g.shape, draw(st.sampled_from(KINDS))),
        lambda g: np.where(rng.random(g.shape) < 0.3, 0.5 * g, g),
        lambda g: np.roll(g, 1),
        lambda g: g,
    )
    with np.errstate(all="ignore"):
        claim = {k: draw(st.sampled_from(spoilers))(np.asarray(slope(v))) for k, v in x.items()}

    def f(p):
        return float(sum(np.sum(value(v)) for v in p.values())) + 0.0 * len(labels)

    return f, claim, x, draw(st.booleans())


@given(
    claims(),
    st.builds(
        lambda make, seed, naming, budget: make(seed=seed, naming=naming, budget=budget),
        st.sampled_from(
            [Plan.auto, Plan.auto, Plan.every, lambda **k: Plan.sample(3, **k),
             lambda **k: Plan.directions(1, **k)]
        ),
        SEEDS,
        st.sampled_from([1000, 100, 20, 1]),
        st.sampled_from([None, None, 60, 25]),
    ),
)  # fmt: skip
def test_any_claim_gets_its_report(problem, plan):
    """No exception but a usage error; text and JSON can be written; masks fit their leaves."""
    f, claim, x, is_callable = problem
    before = {k: v.copy() for k, v in x.items()}
    try:
        with np.errstate(all="ignore"):
            report = gradcheck.check_grad(f, (lambda _: claim) if is_callable else claim, x,
                                          plan=plan)  # fmt: skip
    except UsageError:
        return
    assert all(np.array_equal(before[k], x[k]) for k in x)
    assert max(map(len, str(report).splitlines())) <= 80
    again = Report.from_json(report.to_json())
    assert str(again) == str(report)
    for leaf in report.leaves.values():
        assert leaf.wrong is None or leaf.wrong.shape == leaf.shape
        assert not (leaf.complete and leaf.verdict is Verdict.FAIL and not leaf.wrong.any())
