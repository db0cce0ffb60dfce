"""What f refers to is looked at, never called, and no property of it touched."""

import functools

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.diagnose.surroundings import Surroundings

from .test_localise import oracle_of

X = np.linspace(0.3, 1.7, 6)
RATE = 0.7


class Bomb:
    """Goes off at whatever one may do to an object, other than ask for its type."""

    def __getattr__(self, name):
        raise RuntimeError(f"somebody asked for {name}")

    def __call__(self):
        """Raise."""
        raise RuntimeError("somebody called it")

    def __eq__(self, other):
        raise RuntimeError("somebody compared it")

    __hash__ = None

    def __bool__(self):
        raise RuntimeError("somebody asked whether it is true")

    def __float__(self):
        raise RuntimeError("somebody made a number of it")

    def __len__(self):
        raise RuntimeError("somebody asked for its length")

    def __iter__(self):
        raise RuntimeError("somebody went through it")

    def __repr__(self):
        raise RuntimeError("somebody printed it")

    @property
    def shape(self):
        """Raise."""
        raise RuntimeError("somebody asked for its shape")


class Lazy:
    """Computes a number when asked, and would count that."""

    asked = 0

    @property
    def scale(self):
        """Count."""
        Lazy.asked += 1
        return 3.0


class Slotted:
    """Has no __dict__."""

    __slots__ = ("rate",)

    def __init__(self):
        self.rate = 0.25

    def __call__(self, x):
        """Evaluate f."""
        return float(np.sum(np.sin(x)))


class Layer:
    """Keeps its numbers in itself."""

    def __init__(self):
        self.keep = 0.35
        self.again = self
        self.bomb = Bomb()

    def __call__(self, x):
        """Evaluate f."""
        return float(np.sum(np.sin(x)))

    def loss(self, x):
        """Likewise, as a method."""
        return self(x)


class Evasive:
    """Keeps nothing, and answers no question, not even what it is."""

    __slots__ = ()

    @property
    def __class__(self):
        raise RuntimeError("somebody asked for its class")

    def __getattr__(self, name):
        raise RuntimeError(f"somebody asked for {name}")

    def __call__(self, x):
        """Evaluate f."""
        return plain(x)


class Weighing(float):
    """A number that will not be one."""

    def __float__(self):
        raise RuntimeError("somebody weighed it")


def plain(x):
    """Evaluate f."""
    return float(np.sum(np.sin(x)))


def with_bombs():
    """Close over what must not be touched."""
    bomb, lazy, many = Bomb(), Lazy(), [Bomb()]

    def f(x):
        del many[1:]
        return plain(x) if bomb is not None and lazy is not None else 0.0

    return f


def with_unset_cell():
    """Close over a name that is not assigned yet."""

    def f(x):
        return plain(x) if x is not None else later

    if not X.any():
        later = 0.0
    return f


def recursive():
    """Close over itself, and over a dict that holds itself."""
    holder = {}
    holder["self"] = holder

    def f(x, again=True):  # noqa: FBT002 - a default is what is looked at
        return f(x, False) if again else plain(x) + 0 * len(holder)

    return f


def partial():
    """Make a partial of a partial, with numbers in either."""
    return functools.partial(functools.partial(lambda a, x, *, b: plain(x), 0.45), b=0.15)


def with_numbers():
    """Close over numbers of many kinds."""
    numbers = (np.float32(0.5), 3, np.int8(4), 1 + 2j, True, np.nan, np.inf, 10**400, 5e-324)
    evasive, weighing = Evasive(), Weighing(3.5)
    huge, tiny, whole, nan, imaginary = 10**400, 5e-324, np.int64(7), float("nan"), 2j

    def f(x):
        return plain(x) if (numbers, evasive, weighing, huge, tiny, whole, nan, imaginary) else 0.0

    return f


def with_arrays():
    """Close over arrays of many kinds."""
    empty, number, negative = np.zeros((0, 3), int), np.array(3), np.array([-1, 2])
    objects, huge = np.array([None, Bomb], object), np.array([10**9, 10**9])
    names, unsigned = np.array(["a", "b"]), np.array([2**64 - 1, 1], np.uint64)

    def f(x):
        return plain(x) if (empty, number, negative, objects, huge, names, unsigned) else 0.0

    return f


CALLABLES = {
    "bombs": with_bombs(),
    "an unset cell": with_unset_cell(),
    "recursion": recursive(),
    "a partial": partial(),
    "slots": Slotted(),
    "a layer": Layer(),
    "evasion": Evasive(),
    "a method": Layer().loss,
    "numbers": with_numbers(),
    "arrays": with_arrays(),
    "a builtin": functools.partial(map, float),
}


@pytest.mark.parametrize("spoil", ["factor", "entry", "rows"])
@pytest.mark.parametrize("name", [name for name in CALLABLES if name != "a builtin"])
def test_whatever_f_refers_to_the_leaf_is_blamed(name, spoil):
    """With a factor that is looked for by name, and with wrong entries."""
    right = np.cos(X)
    claim = {
        "factor": 0.123 * right,
        "entry": np.where(np.arange(6) == 2, 5.0, right),
        "rows": np.where(np.arange(6) < 3, 0.77 * right, right),
    }[spoil]
    asked = Lazy.asked
    report = gradcheck.check_grad(CALLABLES[name], lambda x: claim, X, plan=Plan.auto(seed=0))
    assert report.verdict is Verdict.FAIL
    assert report.leaves["x"].complete
    assert Lazy.asked == asked


@pytest.mark.parametrize("name", CALLABLES)
def test_looking_around_raises_nothing(name):
    """Neither for f nor for the claim."""
    origin = oracle_of(plain, lambda x: np.cos(x), X).origin
    object.__setattr__(origin.evaluator.problem, "f", CALLABLES[name])
    object.__setattr__(origin.evaluator.problem, "claim", CALLABLES[name])
    around = Surroundings.of(origin)
    assert all(isinstance(v, float) for v in around.numbers.values())


@pytest.mark.parametrize(
    ("f", "factor", "name"),
    [
        (lambda x: plain(x) * (RATE / RATE), 0.7, "`RATE`"),
        (partial(), 0.15, "`b`"),
        (partial(), 0.45, "`argument 0`"),
        (Layer(), 0.35, "`keep`"),
        (Layer().loss, 1 / 0.35, "1/`keep`"),
        (recursive(), 6, "6 is the length of x"),
    ],
)
def test_number_is_named_as_its_author_does(f, factor, name):
    """From globals, arguments, attributes and lengths."""
    report = gradcheck.check_grad(f, lambda x: factor * np.cos(x), X, plan=Plan.auto(seed=0))
    assert name in report.findings[0].message
