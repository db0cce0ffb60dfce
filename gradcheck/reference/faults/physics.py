"""Planted faults of physics: energies, forces and angles.

Owns: PHYSICS_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: n = particles.
"""

import numpy as np

from ..arrays import Array, Cache, Params
from .case import Fault, layer_build, normal

SOFTENING = 0.3  # of gravity, a length


def _lattice(rng: np.random.Generator) -> Params:
    """Place six particles in space, 0.8 apart at least."""
    grid = np.array([(i, j, k) for i in range(3) for j in range(2) for k in range(1)], dtype=float)
    return {"q": 1.2 * grid + rng.uniform(-0.2, 0.2, grid.shape)}  # (6, 3)


def _pairs(q: Array) -> tuple[Array, Array]:
    """Return the differences (n, n, 3) and their squares (n, n), 1 on the diagonal."""
    d = q[:, None, :] - q[None, :, :]
    return d, np.sum(d * d, axis=2) + np.eye(len(q))


def _pair_gradient(q: Array, slope: Array, dout: Array) -> Array:
    """Return dq for sum(dout * sum_j energy(r2_ij) / 2), with slope = d energy / d r2 (n, n)."""
    d, _ = _pairs(q)
    weight = (dout[:, None] + dout[None, :]) / 2 * slope * (1 - np.eye(len(q)))
    dq: Array = np.sum(2 * weight[:, :, None] * d, axis=1)
    return dq


def _lennard_jones_forward(q: Array) -> tuple[Array, Cache]:
    _, r2 = _pairs(q)
    energy = 4 * (r2**-6 - r2**-3) * (1 - np.eye(len(q)))  # (n, n)
    return energy.sum(axis=1) / 2, q  # (n,), each particle's half of its pairs


def _lennard_jones_backward(dout: Array, cache: Cache) -> Array:
    _, r2 = _pairs(cache)
    return _pair_gradient(cache, 4 * (-6 * r2**-7 + 3 * r2**-4), dout)


def _lennard_jones_exponent(dout: Array, cache: Cache) -> Array:
    _, r2 = _pairs(cache)
    return _pair_gradient(cache, 4 * (-6 * r2**-6 + 3 * r2**-4), dout)  # right: r2^-7


def _gravity_forward(q: Array) -> tuple[Array, Cache]:
    _, r2 = _pairs(q)
    energy = -((r2 + SOFTENING**2) ** -0.5) * (1 - np.eye(len(q)))  # (n, n)
    return energy.sum(axis=1) / 2, q  # (n,)


def _gravity_backward(dout: Array, cache: Cache) -> Array:
    _, r2 = _pairs(cache)
    return _pair_gradient(cache, (r2 + SOFTENING**2) ** -1.5 / 2, dout)


def _gravity_without_softening(dout: Array, cache: Cache) -> Array:
    _, r2 = _pairs(cache)
    return _pair_gradient(cache, r2**-1.5 / 2, dout)  # right: r2 + SOFTENING^2


def _gravity_on_first_of_pair(dout: Array, cache: Cache) -> Array:
    d, r2 = _pairs(cache)
    slope = np.triu((r2 + SOFTENING**2) ** -1.5 / 2, 1)  # the pairs i < j
    weight = (dout[:, None] + dout[None, :]) / 2 * slope
    dq: Array = np.sum(2 * weight[:, :, None] * d, axis=1)  # right: and minus that for j
    return dq


def _distance_forward(q: Array) -> tuple[Array, Cache]:
    d = q[:, None, :] - q[None, :, :]
    r = np.sqrt(np.sum(d * d, axis=2))  # (n, n), 0 on the diagonal for every q
    return r, (d, r)


def _distance_backward(dout: Array, cache: Cache) -> Array:
    d, r = cache
    weight = (dout + dout.T) / np.where(r > 0, r, 1)  # d is 0 where r is
    dq: Array = np.sum(weight[:, :, None] * d, axis=1)
    return dq


def _distance_by_division(dout: Array, cache: Cache) -> Array:
    d, r = cache
    with np.errstate(invalid="ignore"):  # 0 / 0 is the fault
        dq: Array = np.sum((dout + dout.T)[:, :, None] * (d / r[:, :, None]), axis=1)
        return dq


def _spring_forward(q: Array) -> tuple[Array, Cache]:
    stretch = q[1:] - q[:-1] - 1  # (n - 1,), of springs of length 1
    return stretch * stretch / 2, stretch


def _spring_backward(dout: Array, cache: Cache) -> Array:
    dq = np.zeros(len(cache) + 1)
    dq[1:] += dout * cache
    dq[:-1] -= dout * cache
    return dq


def _spring_force(dout: Array, cache: Cache) -> Array:
    dq: Array = -_spring_backward(dout, cache)  # right: the force is minus the gradient
    return dq


def _spring_one_end(dout: Array, cache: Cache) -> Array:
    dq = np.zeros(len(cache) + 1)
    dq[1:] += dout * cache  # right: and dq[:-1] -= dout * cache
    return dq


def _angle_forward(q: Array) -> tuple[Array, Cache]:
    a, b = q[:, 0] - q[:, 1], q[:, 2] - q[:, 1]  # (n, 3), from the middle atom of three
    size = np.sqrt(np.sum(a * a, axis=1) * np.sum(b * b, axis=1))  # (n,)
    cosine = np.sum(a * b, axis=1) / size
    return cosine, (a, b, size, cosine)


def _angle_backward(dout: Array, cache: Cache) -> Array:
    a, b, size, cosine = cache
    da = b / size[:, None] - (cosine / np.sum(a * a, axis=1))[:, None] * a
    db = a / size[:, None] - (cosine / np.sum(b * b, axis=1))[:, None] * b
    dq: Array = dout[:, None, None] * np.stack([da, -da - db, db], axis=1)  # (n, 3, 3)
    return dq


def _angle_without_middle(dout: Array, cache: Cache) -> Array:
    dq = _angle_backward(dout, cache)
    dq[:, 1] = 0  # right: minus the other two
    return dq


def _rotation_forward(q: Array) -> tuple[Array, Cache]:
    unit = q / np.sqrt(np.sum(q * q, axis=1, keepdims=True))  # (n, 4), quaternions
    w, x, y, z = unit.T
    out = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], axis=1)
    return out, (q, unit)  # (n, 3), the first axis after the rotation


def _rotation_of_unit(dout: Array, cache: Cache) -> Array:
    _, unit = cache
    w, x, y, z = unit.T
    a, b, c = 2 * dout.T
    dw, dx = b * z - c * y, b * y + c * z
    return np.stack([dw, dx, -2 * a * y + b * x - c * w, -2 * a * z + b * w + c * x], axis=1)


def _rotation_backward(dout: Array, cache: Cache) -> Array:
    q, unit = cache
    dunit = _rotation_of_unit(dout, cache)
    along = np.sum(dunit * unit, axis=1, keepdims=True) * unit
    dq: Array = (dunit - along) / np.sqrt(np.sum(q * q, axis=1, keepdims=True))
    return dq


def _rotation_without_projection(dout: Array, cache: Cache) -> Array:
    q, _ = cache  # right: without the part along the quaternion
    dq: Array = _rotation_of_unit(dout, cache) / np.sqrt(np.sum(q * q, axis=1, keepdims=True))
    return dq


def _cosine_of_degrees_forward(angle: Array) -> tuple[Array, Cache]:
    return np.cos(np.pi / 180 * angle), angle


def _cosine_of_degrees_backward(dout: Array, cache: Cache) -> Array:
    dangle: Array = -dout * np.pi / 180 * np.sin(np.pi / 180 * cache)
    return dangle


def _cosine_of_degrees_in_radians(dout: Array, cache: Cache) -> Array:
    dangle: Array = -dout * np.sin(np.pi / 180 * cache)  # right: times pi / 180
    return dangle


def _degrees(rng: np.random.Generator) -> Params:
    return {"angle": rng.uniform(20, 160, 6)}


_GRAVITY = _lattice, _gravity_forward, _gravity_backward
_SPRING = normal(q=(6,)), _spring_forward, _spring_backward

PHYSICS_FAULTS = (
    Fault(
        "lennard-jones-exponent",
        "no thread; -6 r^-7 written with the exponent it had before",
        "slope",
        ("q",),
        "The repulsive force keeps the exponent of the energy.",
        layer_build(
            _lattice, _lennard_jones_forward, _lennard_jones_backward, _lennard_jones_exponent
        ),
        also=("other",),
    ),
    Fault(
        "gravity-without-softening",
        "no thread; the softening length in the energy only",
        "other",
        ("q",),
        "The energy is softened at short distance, the force is not.",
        layer_build(*_GRAVITY, _gravity_without_softening),
    ),
    Fault(
        "force-on-first-of-pair-only",
        "no thread; a loop over i < j that forgets Newton's third law",
        "missing-term",
        ("q",),
        "Each pair acts on its first particle only.",
        layer_build(*_GRAVITY, _gravity_on_first_of_pair),
        also=("other",),
    ),
    Fault(
        "distance-of-a-particle-to-itself",
        "pytorch/pytorch#37154",
        "nonfinite",
        ("q",),
        "The distance of a particle to itself is differentiated as 0 / 0.",
        layer_build(_lattice, _distance_forward, _distance_backward, _distance_by_division),
    ),
    Fault(
        "force-for-gradient",
        "no thread; the force is minus the gradient of the energy",
        "sign",
        ("q",),
        "The force is returned where the gradient of the energy is asked for.",
        layer_build(*_SPRING, _spring_force),
    ),
    Fault(
        "spring-pulls-one-end",
        "no thread; one of the two += of a difference",
        "missing-term",
        ("q",),
        "A spring pulls at one of its two ends only.",
        layer_build(*_SPRING, _spring_one_end),
        also=("other",),
    ),
    Fault(
        "angle-without-middle-atom",
        "no thread; the third force of an angle follows from the other two",
        "detached",
        ("q",),
        "The atom in the middle of an angle gets no gradient.",
        layer_build(normal(q=(4, 3, 3)), _angle_forward, _angle_backward, _angle_without_middle),
    ),
    Fault(
        "quaternion-without-projection",
        "no thread; a normalisation left out of the backward",
        "missing-term",
        ("q",),
        "The quaternion is normalised first, but its gradient keeps the part along itself.",
        layer_build(
            normal(q=(5, 4)), _rotation_forward, _rotation_backward, _rotation_without_projection
        ),
        also=("extra-term",),
    ),
    Fault(
        "degrees-as-radians",
        "no thread; an angle in degrees, differentiated as if in radians",
        "scale",
        ("angle",),
        "The gradient with respect to an angle in degrees lacks the factor pi / 180.",
        layer_build(
            _degrees,
            _cosine_of_degrees_forward,
            _cosine_of_degrees_backward,
            _cosine_of_degrees_in_radians,
        ),
    ),
)
"""Faults of energies and angles."""
