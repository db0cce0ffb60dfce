"""Right gradients from physics, geometry and interpolation.

Owns: PHYSICS. Place: beside `case`, gathered by `__init__`. Forces beside an equilibrium, adjoints
of integrators, coordinates beside their poles, tables beside their knots.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky

EQUILIBRIUM = 2 ** (1 / 6)  # distance at which two Lennard-Jones atoms do not pull
BETWEEN = 1e-6  # distance from a knot, shorter than most steps


def _pairs(x: Array) -> tuple[Array, Array, Array]:
    upper, lower = np.triu_indices(len(x), 1)
    return upper, lower, x[upper] - x[lower]


def _lennard_jones(rng: np.random.Generator) -> Posed:
    x = np.array([[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(0.75), 0]]) * EQUILIBRIUM
    x += 1e-7 * rng.standard_normal((3, 3))

    def f(x: Array) -> Tree:
        _, _, gap = _pairs(x)
        inverse = 1 / np.sum(gap**2, axis=1) ** 3
        return np.sum(4 * (inverse**2 - inverse))

    def right(x: Array) -> Array:
        upper, lower, gap = _pairs(x)
        square = np.sum(gap**2, axis=1)
        pull = (-48 / square**7 + 24 / square**4)[:, None] * gap
        dx = np.zeros_like(x)
        np.add.at(dx, upper, pull)
        np.add.at(dx, lower, -pull)
        return dx

    return Posed(f, right, x)


def _close_atoms(rng: np.random.Generator) -> Posed:
    x = np.array([0.0, 0.2]) + 0.01 * rng.standard_normal(2)

    def right(x: Array) -> Array:
        gap = x[1] - x[0]
        slope = -48 / gap**13 + 24 / gap**7
        return np.array([-slope, slope])

    return Posed(lambda x: 4 * ((x[1] - x[0]) ** -12 - (x[1] - x[0]) ** -6), right, x)


def _leapfrog(rng: np.random.Generator) -> Posed:
    x = {"place": np.array(1.0), "speed": np.array(rng.uniform(0.2, 0.5))}
    step, turns = 0.1, 60

    def path(x: Tree) -> list[Tree]:
        place, speed = x["place"], x["speed"]
        places = []
        for _ in range(turns):
            speed = speed - step / 2 * place**3
            place = place + step * speed
            speed = speed - step / 2 * place**3
            places.append((place, speed))
        return places

    def right(x: Tree) -> Tree:
        """Walk the same steps backwards (the discrete adjoint)."""
        places = [x["place"], *(place for place, _ in path(x))]
        dplace, dspeed = 2 * places[-1], np.zeros(())
        for before, after in zip(places[-2::-1], places[:0:-1], strict=True):
            dplace = dplace - dspeed * step / 2 * 3 * after**2
            dspeed = dspeed + step * dplace
            dplace = dplace - dspeed * step / 2 * 3 * before**2
        return {"place": dplace, "speed": dspeed}

    return Posed(lambda x: path(x)[-1][0] ** 2, right, x)


def _gravity(rng: np.random.Generator) -> Posed:
    x = {"place": np.array([1.5e11, 2e10, -1e9]) * rng.uniform(0.9, 1.1), "mass": np.array(6e24)}
    strength = 6.674e-11 * 2e30

    def right(x: Tree) -> Tree:
        length = np.sqrt(np.sum(x["place"] ** 2))
        return {
            "place": strength * x["mass"] * x["place"] / length**3,
            "mass": -strength / length,
        }

    return Posed(lambda x: -strength * x["mass"] / np.sqrt(np.sum(x["place"] ** 2)), right, x)


def _spherical(rng: np.random.Generator) -> Posed:
    x = {"colatitude": np.array(1e-6), "longitude": np.array(rng.uniform(0, 6))}
    axis = np.array([0.3, -0.8, 0.52])

    def right(x: Tree) -> Tree:
        t, p = x["colatitude"], x["longitude"]
        return {
            "colatitude": axis
            @ np.array([np.cos(t) * np.cos(p), np.cos(t) * np.sin(p), -np.sin(t)]),
            "longitude": np.sin(t) * (axis[1] * np.cos(p) - axis[0] * np.sin(p)),
        }

    def f(x: Tree) -> Tree:
        t, p = x["colatitude"], x["longitude"]
        return axis @ np.array([np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)])

    return Posed(f, right, x)


def _angle_beside_its_cut(rng: np.random.Generator) -> Posed:
    x = np.array([-1.0, 1e-9]) * rng.uniform(1, 2)
    return Posed(
        lambda x: np.arctan2(x[1], x[0]) ** 2,
        lambda x: 2 * np.arctan2(x[1], x[0]) * np.array([-x[1], x[0]]) / (x @ x),
        x,
    )


def _basis(t: Array) -> Array:
    """Return the cubic B-spline: pieces of third degree that join with two derivatives."""
    u = np.abs(t)
    return np.where(u < 1, 2 / 3 - u**2 + u**3 / 2, np.where(u < 2, (2 - u) ** 3 / 6, 0))


def _basis_slope(t: Array) -> Array:
    u = np.abs(t)
    inside = np.where(u < 1, -2 * u + 1.5 * u**2, np.where(u < 2, -((2 - u) ** 2) / 2, 0))
    slope: Array = np.sign(t) * inside
    return slope


def _spline_at_a_knot(rng: np.random.Generator) -> Posed:
    weights, knots = rng.standard_normal(8), np.arange(8.0)

    def right(x: Array) -> Array:
        slope: Array = _basis_slope(x[:, None] - knots) @ weights
        return slope

    return Posed(
        lambda x: np.sum(_basis(x[:, None] - knots) @ weights), right, np.array([3.0, 4.0, 2.5])
    )


def _table_between_knots(rng: np.random.Generator) -> Posed:
    knots = np.linspace(0, 1, 11)
    table = np.sin(5 * knots)
    x = np.array([0.3 + BETWEEN, 0.7 - BETWEEN, 0.45])

    def right(x: Array) -> Array:
        left = np.searchsorted(knots, x) - 1
        slope: Array = np.diff(table)[left] / np.diff(knots)[left]
        return slope

    return Posed(lambda x: np.sum(np.interp(x, knots, table)), right, x)


def _bilinear_sample(rng: np.random.Generator) -> Posed:
    image = rng.standard_normal((5, 6))
    x = np.array([[1.25, 2.5], [3.0 - BETWEEN, 0.5], [0.4, 4.0 + BETWEEN]])

    def corners(x: Array) -> tuple[Array, ...]:
        i, j = np.floor(x).astype(int).T
        return image[i, j], image[i + 1, j], image[i, j + 1], image[i + 1, j + 1], *(x % 1).T

    def f(x: Array) -> Tree:
        a, b, c, d, s, t = corners(x)
        return np.sum((1 - s) * (1 - t) * a + s * (1 - t) * b + (1 - s) * t * c + s * t * d)

    def right(x: Array) -> Array:
        a, b, c, d, s, t = corners(x)
        return np.stack([(1 - t) * (b - a) + t * (d - c), (1 - s) * (c - a) + s * (d - b)], axis=1)

    return Posed(f, right, x)


def _diffusion(rng: np.random.Generator) -> Posed:
    u, target = rng.standard_normal(10), rng.standard_normal(10)
    matrix = np.eye(10) - 0.4 * (2 * np.eye(10) - np.eye(10, k=1) - np.eye(10, k=-1))

    def final(u: Array) -> Array:
        for _ in range(30):
            u = matrix @ u
        return u

    # the matrix is symmetric, so that the adjoint takes the same steps
    return Posed(
        lambda u: 0.5 * np.sum((final(u) - target) ** 2),
        lambda u: final(final(u) - target),
        u,
    )


def _morse_at_minimum(rng: np.random.Generator) -> Posed:
    def right(x: Array) -> Array:
        e = np.exp(-2 * (x - 1.4))
        dx: Array = 2 * (1 - e) * 2 * e
        return dx

    return Posed(
        lambda x: np.sum((1 - np.exp(-2 * (x - 1.4))) ** 2) - 4.5,
        right,
        np.full(3, 1.4),
    )


PHYSICS: tuple[Tricky, ...] = (
    Tricky(
        "lennard-jones-beside-equilibrium",
        "no thread, usual after a geometry was relaxed",
        "The forces almost vanish while the energy is -3 and its pieces are of 10.",
        _lennard_jones,
    ),
    Tricky(
        "atoms-too-close",
        "no thread, usual in the first frame of a simulation",
        "Two atoms are so close that the energy is 1e9 and its slope 1e11.",
        _close_atoms,
    ),
    Tricky(
        "symplectic-integrator",
        "Hairer, Lubich & Wanner, Geometric Numerical Integration, section VI.3",
        "The gradient is the discrete adjoint of 60 steps, not that of the true orbit.",
        _leapfrog,
    ),
    Tricky(
        "gravity-in-si-units",
        "no thread, usual with SI units",
        "The place is of 1e11, the mass of 1e24 and the energy of 1e33.",
        _gravity,
    ),
    Tricky(
        "spherical-coordinates-beside-the-pole",
        "no thread, usual in geodesy",
        "Beside the pole the longitude hardly matters: its gradient is 1e-6 of the other's.",
        _spherical,
    ),
    Tricky(
        "angle-beside-its-cut",
        "no thread, usual with headings",
        "The angle is 1e-9 below pi, beyond which it jumps to -pi.",
        _angle_beside_its_cut,
    ),
    Tricky(
        "spline-at-a-knot",
        "de Boor, A Practical Guide to Splines, chapter IX",
        "Two entries are at knots, where the third derivative of the spline jumps.",
        _spline_at_a_knot,
    ),
    Tricky(
        "table-beside-its-knots",
        "no thread, usual with equations of state",
        "A table is interpolated by straight lines, 1e-6 beside two of its kinks.",
        _table_between_knots,
    ),
    Tricky(
        "bilinear-sampling",
        "no thread, usual in deformable convolutions",
        "Two samples lie 1e-6 beside the border of a pixel, where f has a kink.",
        _bilinear_sample,
    ),
    Tricky(
        "diffusion-adjoint",
        "no thread, usual in inverse problems",
        "Thirty steps damp most of the start away, and what is left of it differs in size.",
        _diffusion,
    ),
    Tricky(
        "morse-at-its-minimum",
        "Morse (1929), Physical Review 34",
        "At the minimum the gradient is zero and the energy is not.",
        _morse_at_minimum,
    ),
)
