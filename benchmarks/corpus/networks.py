"""Networks, differentiated along all parameters at once and along single arrays.

Owns the families of `dense.Classifier` in float64 and float32, dropout with a frozen mask, and how
a direction in parameter space is drawn. The truth is the same backward pass in extended precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..case import DOUBLE, SINGLE, Case, along, over, spread
from .dense import Classifier

SMALL, MIDDLE, LARGE = (6, 8, 4), (20, 32, 16, 5), (20, 200, 100, 5)
ROWS = {SMALL: 10, MIDDLE: 32, LARGE: 128}


@dataclass(frozen=True)
class Design:
    """What a network is like, before its numbers are drawn."""

    activation: str
    sizes: tuple[int, ...] = MIDDLE
    normalise: str = "none"  # or "batch"
    sharpness: float = 1.0
    keep: float = 1.0  # of the first hidden layer, by a frozen mask
    dtype: type = np.float64

    def draw(self, rng: np.random.Generator) -> tuple[Classifier, dict[str, np.ndarray]]:
        """Draw data and parameters."""
        m, sizes = ROWS[self.sizes], self.sizes
        x = rng.standard_normal((m, sizes[0])).astype(self.dtype)
        labels = rng.integers(0, sizes[-1], m)
        p = {}
        for k, (n, width) in enumerate(pairwise(sizes), start=1):
            p[f"W{k}"] = rng.standard_normal((n, width)) * np.sqrt(2 / n)
            p[f"b{k}"] = rng.standard_normal(width) * 0.1
        if self.normalise == "batch":
            p["gain"] = 1 + 0.1 * rng.standard_normal(sizes[1])
            p["shift"] = 0.1 * rng.standard_normal(sizes[1])
        mask = None
        if self.keep < 1:
            kept = rng.random((m, sizes[1])) < self.keep
            mask = (kept / self.keep).astype(self.dtype)
        net = Classifier(x, labels, len(sizes) - 1, self.activation, self.sharpness, mask)
        return net, over(lambda a: a.astype(self.dtype), p)


def _case(rng: np.random.Generator, family: str, design: Design, which: str) -> Case:
    """Build a case along every parameter ("all") or along one array, drawn at random ("one")."""
    net, p = design.draw(rng)
    v = over(lambda a: rng.standard_normal(a.shape).astype(a.dtype), p)
    if which == "one":
        # a bias before batch normalisation has no effect at all; `flat` has such leaves
        names = [name for name in p if not (name == "b1" and "gain" in p)]
        chosen = str(rng.choice(names))
        v = {name: a if name == chosen else np.zeros_like(a) for name, a in v.items()}
        which = chosen
    truth = along(net.grad(over(lambda a: a.astype(np.longdouble), p)), v)
    roundoff = SINGLE if design.dtype is np.float32 else DOUBLE
    name = f"{'x'.join(map(str, design.sizes))}-{which}"
    return spread(family, name, net.loss, net.grad, p, v, truth, roundoff=roundoff)


FLOAT64 = {
    "net-relu": Design("relu"),
    "net-tanh": Design("tanh"),
    "net-batchnorm": Design("tanh", normalise="batch"),
    "net-saturated": Design("relu", sharpness=30.0),
    "net-dropout": Design("relu", keep=0.7),
}
FLOAT32 = {
    "relu": Design("relu", dtype=np.float32),
    "tanh": Design("tanh", dtype=np.float32),
    "batchnorm": Design("tanh", normalise="batch", dtype=np.float32),
}


def networks(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Draw float64 networks of three sizes."""
    for family, design in FLOAT64.items():
        for which in ("all", "one"):
            for k in range(n // 2):
                sizes = SMALL if k % 3 == 2 else MIDDLE
                yield _case(rng, family, _resized(design, sizes), which)
    for which in ("all", "one"):
        for _ in range(n // 10):  # dear
            yield _case(rng, "net-relu", Design("relu", LARGE), which)


def float32_networks(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Draw float32 networks: as plain NumPy, and as a kernel that casts what it is given.

    The plain one would compute in float64 if it were handed float64 parameters.
    """
    for kind, design in FLOAT32.items():
        for cast, prefix in (("none", "f32-net"), ("float32", "f32-net-cast")):
            # a kernel takes hundreds of evaluations a leaf: fewer of them say as much
            for k in range(n if cast == "none" else max(1, n // 4)):
                sizes = SMALL if k % 3 == 2 else MIDDLE
                which = "all" if k % 2 else "one"
                case = _case(rng, f"{prefix}-{kind}", _resized(design, sizes), which)
                yield case if cast == "none" else _as_kernel(case)


def _resized(design: Design, sizes: tuple[int, ...]) -> Design:
    return Design(**{**vars(design), "sizes": sizes})


def _as_kernel(case: Case) -> Case:
    def cast(p):
        return over(lambda a: np.asarray(a).astype(np.float32), p)

    return Case(
        **{**vars(case), "f": lambda p: case.f(cast(p)), "grad": lambda p: case.grad(cast(p))}
    )
