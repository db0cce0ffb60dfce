import numpy as np
import pytest

from gradcheck.reference import FAULTS

from .exact import complex_step, high_order_difference

# fmt: off
CAUSES = {  # those of the design
    "scale", "sign", "missing-weight-decay", "extra-term", "missing-term", "dropout-mask",
    "transpose", "permuted", "missing-reduction", "wrong-axis", "broadcast", "off-by-one",
    "duplicate-index", "detached", "stale-cache", "aliasing", "mutated-input", "accumulates",
    "nondeterministic", "kink", "jump", "nonfinite", "domain", "noise", "precision", "shape",
    "dtype", "not-linear-in-cotangent", "other",
}
# fmt: on
SHAPE = {"shape", "missing-reduction"}  # the gradient has another shape than the leaf
STATE = {"mutated-input", "accumulates", "aliasing", "stale-cache"}  # the first call is right
WITHOUT_NUMBERS = SHAPE | STATE | {"nonfinite"}
SMALLEST = 1e-4  # relative norm of what is wrong
SEEDS = range(20)

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
every_seed = pytest.mark.parametrize("seed", SEEDS)


def of_cause(*causes):
    """Parametrise a test with the faults of these causes."""
    chosen = [fault for fault in FAULTS if fault.cause in causes]
    return pytest.mark.parametrize("fault", chosen, ids=lambda fault: fault.name)


def case_of(fault, seed=0):
    """Return the case of a fault, drawn from a seed."""
    return fault.build(np.random.default_rng(seed))


def copy_of(x):
    """Return x in memory of its own."""
    return {name: leaf.copy() for name, leaf in x.items()}


@every_fault
def test_record_is_complete(fault):
    """Names are kebab-case, causes those of the design, sentences end, leaves exist."""
    assert fault.name == fault.name.lower().replace(" ", "-").replace("_", "-")
    assert fault.cause in CAUSES
    assert fault.sentence[0].isupper()
    assert fault.sentence.endswith(".")
    assert fault.source
    assert fault.leaves
    assert set(fault.leaves) <= set(case_of(fault).x)


def test_names_are_unique():
    """A name is a test id."""
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) >= 36


@every_fault
@pytest.mark.parametrize("seed", [0, 19])
def test_right_twin_is_right(fault, seed):
    """The right gradient agrees with a derivative that shares nothing with it."""
    case = case_of(fault, seed)
    gelu = fault.name.startswith("gelu")  # the only function here without a complex form
    expected = (high_order_difference if gelu else complex_step)(case.f, case.x)
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
    """On each listed leaf the relative error is at least 1e-4, and the shape is right."""
    case = case_of(fault, seed)
    right, wrong = case.right(case.x), case.wrong(case.x)
    for name in fault.leaves:
        assert wrong[name].shape == right[name].shape
        error = np.linalg.norm(wrong[name] - right[name]) / np.linalg.norm(right[name])
        assert error >= SMALLEST, (name, error)


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


@of_cause(*STATE)
def test_fault_of_state_is_right_at_the_first_call(fault):
    """One call alone cannot find it."""
    case = case_of(fault)
    right = case.right(case.x)
    np.testing.assert_allclose(case.wrong(copy_of(case.x))["z"], right["z"], rtol=1e-15)


@of_cause("mutated-input")
def test_mutating_fault_changes_its_input(fault):
    """The caller's array holds something else afterwards."""
    case = case_of(fault)
    x = copy_of(case.x)
    case.wrong(x)
    assert not np.array_equal(x["z"], case.x["z"])


@of_cause("accumulates")
def test_accumulating_fault_doubles_at_the_second_call(fault):
    """The second gradient is the sum of two."""
    case = case_of(fault)
    first, second = case.wrong(case.x), case.wrong(case.x)
    np.testing.assert_allclose(second["z"], 2 * first["z"], rtol=1e-15)


@of_cause("aliasing")
def test_aliasing_fault_changes_an_earlier_result(fault):
    """The array that was returned first changes with the second call."""
    case = case_of(fault)
    first = case.wrong(case.x)
    before = first["z"].copy()
    case.wrong({"z": case.x["z"] + 1})
    assert not np.array_equal(first["z"], before)


@of_cause("stale-cache")
def test_stale_fault_is_wrong_at_the_second_point(fault):
    """At another point it still gives the gradient of the first."""
    case = case_of(fault)
    other = {"z": case.x["z"] + 1}
    first = case.wrong(case.x)
    np.testing.assert_array_equal(case.wrong(other)["z"], first["z"])
    assert not np.allclose(first["z"], case.right(other)["z"])


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
