import numpy as np
import pytest

from gradcheck import Cause
from gradcheck.reference import FAULTS, Case
from gradcheck.reference.faults.case import dense_cotangent

from ..thoroughness import seeds
from .exact import complex_step, high_order_difference

CAUSES = set(Cause)
SHAPE = {"shape", "missing-reduction"}  # the gradient has another shape than the leaf
FIRST_CALL_RIGHT = {"mutated-input", "accumulates", "aliasing", "stale-cache", "hidden-state"}
STATE = FIRST_CALL_RIGHT | {"nondeterministic"}
WITHOUT_NUMBERS = SHAPE | STATE | {"nonfinite"}
SMALLEST = 1e-4  # relative norm of what is wrong
SMALLEST_OF_PRECISION = 1e-8  # what float32 leaves of a gradient is 3e-8 off
SEEDS = seeds([0, 9], range(10))
WITHOUT_COMPLEX_FORM = {  # erf and LAPACK's symmetric solvers have none
    "gelu-slope-of-sigmoid-form",
    "gelu-slope-of-tanh-form",
    "eigenvectors-taken-as-rows",
    "singular-vectors-transposed-twice",
    "matrix-root-as-of-a-number",
}

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
every_seed = pytest.mark.parametrize("seed", SEEDS)


def of_cause(*causes):
    """Parametrise a test with the faults of these causes."""
    chosen = [fault for fault in FAULTS if fault.cause in causes]
    return pytest.mark.parametrize("fault", chosen, ids=lambda fault: fault.name)


def case_of(fault, seed=0):
    """Return the case of a fault, drawn from a seed; a VJP is turned into a gradient.

    Its cotangent becomes a fixed one of both signs, as f = sum(cotangent * output).
    """
    case = fault.build(np.random.default_rng(seed))
    if case.kind == "grad":
        return case
    cotangent = cotangent_of(case)
    return Case(
        lambda x: np.sum(cotangent * case.f(x)),
        lambda x: case.right(x, cotangent.copy()),
        lambda x: case.wrong(x, cotangent.copy()),
        case.x,
    )


def cotangent_of(case):
    """Draw a cotangent for the output of a case of kind `vjp`."""
    return dense_cotangent(np.random.default_rng(1), np.shape(case.f(case.x)))


def copy_of(x):
    """Return x in memory of its own."""
    return {name: leaf.copy() for name, leaf in x.items()}


@every_fault
def test_record_is_complete(fault):
    """Names are kebab-case, causes those of the design, sentences end, leaves exist."""
    assert fault.name == fault.name.lower().replace(" ", "-").replace("_", "-")
    assert {fault.cause, *fault.also} <= CAUSES
    assert fault.cause not in fault.also
    assert fault.sentence[0].isupper()
    assert fault.sentence.endswith(".")
    assert fault.source
    assert fault.leaves
    assert set(fault.leaves) <= set(case_of(fault).x)


def test_names_are_unique():
    """A name is a test id."""
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) >= 300


def test_every_kind_of_claim_is_planted():
    """Gradients and vector-Jacobian products."""
    assert {fault.build(np.random.default_rng(0)).kind for fault in FAULTS} == {"grad", "vjp"}


@every_fault
@pytest.mark.parametrize("seed", seeds([0], [0, 9]))
def test_right_twin_is_right(fault, seed):
    """The right gradient agrees with a derivative that shares nothing with it."""
    case = case_of(fault, seed)
    independent = high_order_difference if fault.name in WITHOUT_COMPLEX_FORM else complex_step
    expected = independent(case.f, case.x)
    right = case.right(case.x)
    assert list(right) == list(case.x)
    for name, leaf in right.items():
        scale = np.abs(leaf).max()
        np.testing.assert_allclose(leaf, expected[name], rtol=0, atol=1e-11 * scale)


@every_fault
@every_seed
def test_only_the_listed_leaves_are_wrong(fault, seed):
    """On every other leaf wrong and right are equal, bit by bit."""
    case = case_of(fault, seed)
    right, wrong = case.right(case.x), case.wrong(copy_of(case.x))
    others = [name for name in case.x if name not in fault.leaves]
    np.testing.assert_equal([wrong[n] for n in others], [right[n] for n in others])


@every_fault
def test_case_is_deterministic(fault):
    """The same seed builds the same case, and f and right have no memory."""
    first, second = case_of(fault), case_of(fault)
    np.testing.assert_equal(first.x, second.x)
    assert first.f(first.x) == first.f(first.x) == second.f(second.x)
    np.testing.assert_equal(first.right(first.x), second.right(second.x))
    np.testing.assert_equal(first.wrong(copy_of(first.x)), second.wrong(copy_of(second.x)))


@every_fault
def test_point_is_float64_and_left_alone(fault):
    """Neither f nor right writes to x, whose leaves are float64."""
    case = case_of(fault)
    before = copy_of(case.x)
    case.f(case.x)
    case.right(case.x)
    np.testing.assert_equal(case.x, before)
    assert {leaf.dtype for leaf in case.x.values()} == {np.dtype(np.float64)}


@of_cause(*(CAUSES - STATE))
def test_wrong_twin_has_no_memory(fault):
    """All faults but those of state give the same gradient at each call, and leave x alone."""
    case = case_of(fault)
    before = copy_of(case.x)
    np.testing.assert_equal(case.wrong(case.x), case.wrong(case.x))
    np.testing.assert_equal(case.x, before)


@of_cause(*(CAUSES - WITHOUT_NUMBERS))
@every_seed
def test_wrong_numbers_are_far_from_right(fault, seed):
    """On each listed leaf the relative error is at least 1e-4, and the shape is right.

    Faults of precision may be smaller: there the digits are what is wrong.
    """
    smallest = SMALLEST_OF_PRECISION if fault.cause == "precision" else SMALLEST
    case = case_of(fault, seed)
    right, wrong = case.right(case.x), case.wrong(case.x)
    for name in fault.leaves:
        assert wrong[name].shape == right[name].shape
        error = np.linalg.norm(wrong[name] - right[name]) / np.linalg.norm(right[name])
        assert error >= smallest, (name, error)


@of_cause(*SHAPE)
def test_wrong_shape_is_wrong(fault):
    """The listed leaves get a gradient of another shape."""
    case = case_of(fault)
    wrong = case.wrong(case.x)
    assert all(wrong[name].shape != case.x[name].shape for name in fault.leaves)


@of_cause("nonfinite")
@every_seed
def test_nonfinite_gradient_has_nan_where_the_right_one_is_finite(fault, seed):
    """The wrong gradient has a NaN, the right one none."""
    case = case_of(fault, seed)
    assert all(np.isfinite(case.right(case.x)[name]).all() for name in fault.leaves)
    assert all(np.isnan(case.wrong(case.x)[name]).any() for name in fault.leaves)


@of_cause(*FIRST_CALL_RIGHT)
def test_fault_of_state_is_right_at_the_first_call(fault):
    """One call alone cannot find it."""
    case = case_of(fault)
    right, wrong = case.right(case.x), case.wrong(copy_of(case.x))
    for name in fault.leaves:
        np.testing.assert_allclose(wrong[name], right[name], rtol=1e-15)


@of_cause("mutated-input")
def test_mutating_fault_changes_its_input(fault):
    """The caller's array holds something else afterwards: the point, or the cotangent."""
    case = fault.build(np.random.default_rng(0))
    x = copy_of(case.x)
    given = list(x.values())
    if case.kind == "vjp":
        cotangent = cotangent_of(case)
        given.append(cotangent)
        before = [array.copy() for array in given]
        case.wrong(x, cotangent)
    else:
        before = [array.copy() for array in given]
        case.wrong(x)
    assert any(not np.array_equal(a, b) for a, b in zip(given, before, strict=True))


@of_cause("accumulates")
def test_accumulating_fault_adds_at_the_second_call(fault):
    """The second gradient has in it what the first left, all of it or most."""
    case = case_of(fault)
    first, second = case.wrong(case.x), case.wrong(case.x)
    for name in fault.leaves:
        left = second[name] / first[name] - 1
        np.testing.assert_allclose(left, left.flat[0], rtol=1e-12)
        assert 0.5 < left.flat[0] < 1 + 1e-12


@of_cause("nondeterministic", "hidden-state")
def test_nondeterministic_fault_gives_another_answer(fault):
    """Two calls at the same point differ, on each listed leaf."""
    case = case_of(fault)
    first, second = case.wrong(case.x), case.wrong(case.x)
    assert all(not np.array_equal(first[name], second[name]) for name in fault.leaves)


@of_cause("aliasing")
def test_aliasing_fault_shares_memory(fault):
    """A returned array lies in an earlier one, in the point or in another leaf's.

    None of the right twin's does.
    """
    case = case_of(fault)

    def shares(claim):
        earlier, now = claim(case.x), claim(case.x)
        others = [*earlier.values(), *case.x.values()]
        leaves = list(now.values())
        own = [(a, b) for i, a in enumerate(leaves) for b in leaves[:i]]
        pairs = own + [(leaf, other) for leaf in leaves for other in others]
        return any(np.shares_memory(a, b) for a, b in pairs)

    assert shares(case.wrong)
    assert not shares(case.right)


@of_cause("stale-cache")
def test_stale_fault_is_wrong_once_the_point_has_moved(fault):
    """Where the leaves are changed in place, it still gives the gradient of before."""
    case = case_of(fault)
    x = copy_of(case.x)
    first = case.wrong(x)
    for leaf in x.values():
        leaf += 1
    second, right = case.wrong(x), case.right(x)
    for name in fault.leaves:
        np.testing.assert_array_equal(second[name], first[name])
        assert not np.allclose(first[name], right[name])


@of_cause("dtype")
def test_integer_fault_returns_integers(fault):
    """The gradient has an integer dtype."""
    case = case_of(fault)
    assert case.wrong(case.x)["z"].dtype.kind == "i"


@of_cause("transpose")
def test_transposed_fault_hides_from_the_shape(fault):
    """The wrong leaf has the right shape, so that only its numbers tell."""
    case = case_of(fault)
    wrong = case.wrong(case.x)
    assert all(wrong[name].shape == case.x[name].shape for name in fault.leaves)
