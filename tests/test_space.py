"""The vector space of a point: what is a leaf, paths, displaced points, bits restored."""

from collections import OrderedDict, namedtuple
from enum import Enum

import numpy as np
import optree
import pytest

import gradcheck
from gradcheck import UsageError
from gradcheck.space import (
    Space,
    draw_weights,
    grid_of,
    inner,
    leaves_by_path,
    norm,
    rms,
    same_bits,
    size_of,
    unit_roundoff,
)

Pair = namedtuple("Pair", ["first", "second"])


@optree.dataclasses.dataclass(namespace="gradcheck")
class Layer:
    """A dataclass registered with optree in gradcheck's namespace."""

    W: np.ndarray
    bias: float


GLOBAL = vars(optree.registry)["__GLOBAL_NAMESPACE"]  # older versions know it by no other name


@optree.dataclasses.dataclass(namespace=GLOBAL)
class GlobalLayer:
    """A dataclass registered with optree globally."""

    W: np.ndarray


class Unregistered:
    """A class that optree does not know."""


class Colour(Enum):
    """An enumeration, carried along."""

    RED = 1


def paths(x):
    """Paths of the leaves that are differentiated."""
    space = Space.of(x)
    return [space.leaves[i].path for i in space.moving]


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        pytest.param(1.5, ["x"], id="python-float"),
        pytest.param(2j, ["x"], id="python-complex"),
        pytest.param(np.float32(1.5), ["x"], id="numpy-scalar"),
        pytest.param(np.array(1.5), ["x"], id="0-d"),
        pytest.param(np.ones((2, 3)), ["x"], id="array"),
        pytest.param({"b": np.ones(2), "W": np.ones(2)}, ["['W']", "['b']"], id="dict"),
        pytest.param(OrderedDict(b=1.0, W=2.0), ["['b']", "['W']"], id="ordered-dict"),
        pytest.param([1.0, (2.0, {"a": 3.0})], ["[0]", "[1][0]", "[1][1]['a']"], id="nested"),
        pytest.param(Pair(1.0, np.ones(2)), [".first", ".second"], id="namedtuple"),
        pytest.param([Layer(np.ones(2), 0.5)], ["[0].W", "[0].bias"], id="dataclass"),
        pytest.param(GlobalLayer(np.ones(2)), [".W"], id="dataclass-global"),
        pytest.param({"W": 1.0, "n": 3, "k": None, "s": "relu", "i": np.arange(2)}, ["['W']"],
                     id="carried"),
        pytest.param({"W": 1.0, "f": np.tanh, "g": lambda z: z, "c": Colour.RED, "t": True},
                     ["['W']"], id="carried-objects"),
        pytest.param(np.ones((0, 3)), ["x"], id="empty"),
    ],
)  # fmt: skip
def test_leaves_and_their_paths(x, expected):
    """Floating and complex leaves are differentiated; the rest is carried."""
    assert paths(x) == expected


@pytest.mark.parametrize(
    ("x", "message"),
    [
        pytest.param(3, "the point holds int: there is no floating", id="integer"),
        pytest.param(np.arange(3), "the point holds ndarray of dtype int64: there is no floating",
                     id="integer-array"),
        pytest.param({"W": np.ones((1, 1)).view(np.matrix)},
                     r"\['W'\] is a matrix, .* pass np.asarray\(leaf\)", id="matrix"),
        pytest.param({"W": np.ma.array([1.0, 2.0], mask=[True, False])},
                     r"\['W'\] is a MaskedArray, .* leaf.filled\(0\)", id="masked"),
        pytest.param({"W": 1.0, "y": np.ma.array([1, 2])}, r"\['y'\] is a MaskedArray",
                     id="masked-integers"),
        pytest.param({}, "the point holds nothing", id="nothing"),
        pytest.param(np.array(["1", "-1e4000"], "g"),
                     r"x is -1e\+4000 at \[1\], beyond the range of float64.*scale it",
                     id="beyond-float64"),
        pytest.param({"W": Unregistered()}, r"\['W'\] is of type .*Unregistered.*register",
                     id="unregistered-class"),
        pytest.param(np.array([None, 1.0]), "x has dtype object", id="object-array"),
        pytest.param(np.ones(2, ">f8"), "byte order", id="other-byte-order"),
        pytest.param({"a": np.array([1.0, np.nan])}, r"\['a'\] is nan at \[1\]", id="nan"),
        pytest.param(float("inf"), "x is inf", id="inf"),
    ],
)  # fmt: skip
def test_point_that_cannot_be_differentiated_is_refused(x, message):
    """The message names the leaf and what to do."""
    with pytest.raises(UsageError, match=message):
        Space.of(x)


def test_point_that_contains_itself_is_refused():
    """The regression: a RecursionError from optree."""
    x = [np.ones(2)]
    x.append(x)
    with pytest.raises(UsageError, match="a list contains itself"):
        Space.of(x)


def test_foreign_array_that_numpy_cannot_read_is_refused_by_name():
    """It is not silently carried."""

    class Tensor:
        """Looks like an array of the array API."""

        def __array_namespace__(self, api_version=None):
            return np

    with pytest.raises(UsageError, match=r"leaf \['W'\]: a .*Tensor of dtype .* cannot be read"):
        Space.of({"W": Tensor()})


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(1.5, id="python-float"),
        pytest.param(1.5 + 2j, id="python-complex"),
        pytest.param(np.float32(1.5), id="numpy-scalar"),
        pytest.param(np.array(1.5), id="0-d"),
        pytest.param(np.asfortranarray(np.arange(6.0).reshape(2, 3)), id="fortran"),
    ],
)
def test_point_is_handed_over_in_the_callers_types(x):
    """A Python float arrives as one, an array in its own memory order."""
    handed = Space.of(x).point()
    assert type(handed) is type(x)
    assert np.array_equal(handed, x)
    if isinstance(x, np.ndarray):
        assert handed.dtype == x.dtype
        assert handed.flags.f_contiguous == x.flags.f_contiguous
        assert handed is not x


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "c8", "c16"])
def test_displacement_on_the_grid_is_exact(dtype):
    """At the first step x + t v is exact, so that the step really taken is t."""
    from gradcheck.differences.ladder import first_step
    from gradcheck.directions import probes

    rng = np.random.default_rng(0)
    # no entry near a power of two, beyond which the last digit of x itself is lost
    x = (rng.choice([-1, 1], 50) * rng.uniform(1.3, 1.7, 50)).astype(dtype)
    space = Space.of(x)
    probe = probes(space, 0, None, gradcheck.Plan.directions(1), rng)[0]
    t = first_step(unit_roundoff(x.dtype))
    point, step = space.displaced(probe.tangent, t)
    assert step == t
    assert point.dtype == x.dtype
    assert np.array_equal(point.astype(probe.tangent[0].dtype) - x, t * probe.tangent[0])


def test_step_really_taken_by_one_entry_is_exact():
    """For a single entry the step is (x + h) - x over v."""
    x = np.float32(1.0)
    _, step = Space.of(x).displaced({0: np.array(1.0)}, 1e-4)
    assert step == float(np.float32(1.0) + np.float32(1e-4)) - 1.0 != 1e-4


def test_restore_finds_and_undoes_what_a_call_changed():
    """Arrays that were handed out and written to are named and put back."""
    space = Space.of({"a": np.arange(3.0), "b": np.ones(2)})
    space.point()["b"][0] = -0.0
    assert space.restore_handed() == ("['b']",)
    assert space.restore_handed() == ()


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(np.arange(3), id="int"),
        pytest.param(np.array([True, False, True]), id="bool"),
        pytest.param(np.array(["a", "bc", "d"]), id="text"),
        pytest.param(np.arange(3).astype("M8[s]"), id="time"),
        pytest.param(np.arange(6, dtype="u1")[::2], id="strided"),
        pytest.param(np.arange(3).astype(">i2"), id="other-byte-order"),
    ],
)
def test_carried_array_is_handed_out_as_a_copy(labels):
    """The regression: labels were the caller's own object, and writing to them went unnoticed."""
    before = labels.copy()
    space = Space.of({"w": np.ones(2), "y": labels})
    assert space.restore_handed() == ()
    space.point()["y"][0] = labels[1]
    assert np.array_equal(labels, before)
    assert space.restore_handed() == ("['y']",)
    assert np.array_equal(space.point()["y"], before)
    assert space.point()["y"].dtype == before.dtype


def reshape(x):
    """Turn an array into a column."""
    x.resize((x.size, 1), refcheck=False)


def shorten(x):
    """Lose an entry."""
    x.resize(x.size - 1, refcheck=False)


def enlarge(x):
    """Gain entries."""
    x.resize(x.size + 2, refcheck=False)


def write_and_lock(x):
    """Write, and allow no more."""
    x *= 2
    x.flags.writeable = False


@pytest.mark.parametrize("change", [reshape, shorten, enlarge, write_and_lock])
def test_array_is_put_right_whatever_became_of_it(change):
    """The regression: 'could not broadcast' where its shape had changed, 'read-only' if locked."""
    x = np.arange(3.0)
    space = Space.of(x)
    change(space.point())
    assert space.restore_handed() == ("x",)
    assert space.point().tolist() == [0.0, 1.0, 2.0]
    assert space.point().flags.writeable
    change(x)
    assert space.restore_given() == ("x",)
    assert x.tolist() == [0.0, 1.0, 2.0]


def test_restore_given_reaches_behind_a_locked_view():
    """The caller's array is read-only, what it looks at was written to; it stays read-only."""
    behind = np.arange(3.0)
    x = behind.view()
    x.flags.writeable = False
    space = Space.of(x)
    behind[1] = 9.0
    assert space.restore_given() == ("x",)
    assert behind.tolist() == [0.0, 1.0, 2.0]
    assert not x.flags.writeable


@pytest.mark.parametrize("writeable", [True, False])
def test_restore_given_locks_as_before(writeable):
    """The regression: an array that f locked, or unlocked, stayed so."""
    x = np.arange(3.0)
    x.flags.writeable = writeable
    space = Space.of(x)
    x.flags.writeable = not writeable
    assert space.restore_given() == ()  # its values are those of before
    assert x.flags.writeable is writeable


def test_number_that_is_a_member_of_an_enum_is_carried():
    """The regression: it was moved, and no member has the moved value."""

    class Rate(float, Enum):
        SLOW = 0.5

    assert paths({"W": 1.0, "rate": Rate.SLOW}) == ["['W']"]


def test_restore_given_gives_up_on_memory_that_cannot_be_written():
    """The change is named all the same, and nothing is raised."""
    memory = bytearray(np.arange(3.0).tobytes())
    x = np.frombuffer(memoryview(memory).toreadonly())
    space = Space.of(x)
    memory[8:16] = np.array(9.0).tobytes()
    assert space.restore_given() == ("x",)
    assert x.tolist() == [0.0, 9.0, 2.0]


def test_restore_given_writes_into_the_callers_array():
    """A closure that wrote to the caller's own array is undone."""
    x = np.arange(3.0)
    space = Space.of(x)
    x[1] = 99.0
    assert space.restore_given() == ("x",)
    assert x.tolist() == [0.0, 1.0, 2.0]


def test_moved_space_never_touches_the_callers_arrays():
    """The regression behind it: restoring a shifted point wrote the shift into the caller's x."""
    x = np.arange(3.0)
    moved = Space.of({"x": x, "n": 3}).moved_to({1: np.full(3, 7.0)})
    assert moved.restore_given() == ()
    assert x.tolist() == [0.0, 1.0, 2.0]
    assert moved.point()["x"].tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        pytest.param(np.array([np.nan]), np.array([np.nan]), True, id="nan-is-nan"),
        pytest.param(np.array([0.0]), np.array([-0.0]), False, id="sign-of-zero"),
        pytest.param(np.array([0.0], "g"), np.array([-0.0], "g"), False, id="sign-of-long-zero"),
        pytest.param(np.array([np.nan], "g"), np.array([np.nan], "g"), True, id="long-nan"),
        pytest.param(
            np.array([complex(1, 0)]), np.array([complex(1, -0.0)]), False, id="imaginary-sign"
        ),
        pytest.param(np.ones((2, 2)), np.ones(4), False, id="shape"),
        pytest.param(np.ones(2), np.ones(2, "f4"), False, id="dtype"),
        pytest.param(np.ones((3, 2))[:, 0], np.ones(3), True, id="strided"),
    ],
)
def test_same_bits(a, b, same):
    """Bits, not values."""
    assert same_bits(a, b) is same


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_norm_survives_squares_that_overflow(size):
    """sqrt(3^2 + 4^2) = 5 at any size."""
    assert norm(np.array([3.0, -4.0]) * size) == pytest.approx(5 * size, rel=1e-15)
    assert size_of([np.array([3.0 * size]), np.array([4.0 * size])]) == pytest.approx(5 * size)


def test_norm_of_zero_empty_and_infinite():
    """The corners."""
    assert norm(np.zeros(3)) == 0.0
    assert rms(np.zeros((0, 2))) == 0.0
    assert norm(np.array([np.inf, 1.0])) == np.inf


def test_inner_is_real_and_conjugates_the_first():
    """<g, v> = Re sum conj(g) v."""
    g, v = np.array([1 + 2j, -1j]), np.array([3 - 1j, 2.0])
    assert inner(g, v) == pytest.approx((np.conj(g) * v).sum().real)


def test_leaves_by_path_of_a_bare_array():
    """The root is called x."""
    assert list(leaves_by_path(np.ones(2))) == ["x"]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "c16"])
def test_weights_lie_on_the_grid_and_away_from_zero(dtype):
    """Each weight is a multiple of the grid, of size 0.5 to 1.5, of either sign."""
    weights = draw_weights(np.random.default_rng(0), (1000,), np.dtype(dtype))
    grid = grid_of(np.dtype(dtype))
    for part in (weights.real, weights.imag) if dtype == "c16" else (weights,):
        assert np.all(part / grid == np.rint(part / grid))
        assert 0.5 <= np.abs(part).min() < 0.6
        assert 1.4 < np.abs(part).max() <= 1.5
        assert 0.4 < np.mean(part > 0) < 0.6


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e300])
def test_norm_of_complex_numbers_survives_their_division(size):
    """The regression: NaN, because a complex number divided by a tiny one overflows."""
    assert norm(np.array([size + 0j, 1j * size])) == pytest.approx(2**0.5 * size, abs=5e-324)
