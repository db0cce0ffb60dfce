"""Planted faults of likelihoods, scores and estimators.

Owns: STATISTICS_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: m = observations, n = features, k = components.
What is observed stands in constants: a leaf is what a fit would vary. Every layer returns one
number or row per observation, so that the cotangent weighs the observations differently.
"""

import numpy as np

from ..arrays import Array, Cache, Params
from ..softmax import softmax_forward
from .case import Fault, layer_build, normal

M, N, K = 6, 4, 3
OBSERVED = np.array([0.3, -1.2, 2.1, 0.8, -0.4, 1.6])  # (m,)
SHAPE = 2.5  # of the gamma distribution
FREEDOM = 3.0  # of Student's t


def _scales(rng: np.random.Generator) -> Params:
    return {"mu": rng.standard_normal(M), "sigma": rng.uniform(0.6, 1.8, M)}


def _gaussian_forward(mu: Array, sigma: Array) -> tuple[Array, Cache]:
    z = (OBSERVED - mu) / sigma  # (m,)
    return np.log(sigma) + z * z / 2, (z, sigma)


def _gaussian_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    z, sigma = cache
    return -dout * z / sigma, dout * (1 - z * z) / sigma


def _gaussian_without_log_term(dout: Array, cache: Cache) -> tuple[Array, ...]:
    z, sigma = cache
    return -dout * z / sigma, -dout * z * z / sigma  # right: 1 - z z, the 1 is from log(sigma)


def _gaussian_of_variance(dout: Array, cache: Cache) -> tuple[Array, ...]:
    z, sigma = cache
    # right: times 2 sigma, the derivative of the variance with respect to sigma
    return -dout * z / sigma, dout * (1 - z * z) / (2 * sigma * sigma)


def _gaussian_power(dout: Array, cache: Cache) -> tuple[Array, ...]:
    z, sigma = cache
    return -dout * z / sigma, dout * (1 / sigma - z * z)  # right: z z / sigma


def _student_forward(mu: Array) -> tuple[Array, Cache]:
    d = OBSERVED - mu  # (m,)
    return (FREEDOM + 1) / 2 * np.log(1 + d * d / FREEDOM), d


def _student_backward(dout: Array, cache: Cache) -> Array:
    d = cache
    dmu: Array = -dout * (FREEDOM + 1) * d / (FREEDOM + d * d)
    return dmu


def _student_by_freedom(dout: Array, cache: Cache) -> Array:
    d = cache
    dmu: Array = -dout * FREEDOM * d / (FREEDOM + d * d)  # right: FREEDOM + 1
    return dmu


def _gamma_forward(rate: Array) -> tuple[Array, Cache]:
    waits = OBSERVED * OBSERVED  # (m,), positive
    return -SHAPE * np.log(rate) + rate * waits, (rate, waits)


def _gamma_backward(dout: Array, cache: Cache) -> Array:
    rate, waits = cache
    drate: Array = dout * (waits - SHAPE / rate)
    return drate


def _gamma_without_shape(dout: Array, cache: Cache) -> Array:
    rate, waits = cache
    drate: Array = dout * (waits - 1 / rate)  # right: SHAPE / rate
    return drate


def _mixture_forward(means: Array, logits: Array) -> tuple[Array, Cache]:
    share, _ = softmax_forward(logits[None, :])  # (1, k)
    d = OBSERVED[:, None] - means  # (m, k)
    joint = share * np.exp(-d * d / 2)  # (m, k)
    total = joint.sum(axis=1)  # (m,)
    return -np.log(total), (d, joint / total[:, None], share)


def _mixture_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    d, responsibility, share = cache
    dmeans = -np.sum(dout[:, None] * responsibility * d, axis=0)  # (k,)
    return dmeans, -np.sum(dout[:, None] * (responsibility - share), axis=0)


def _mixture_without_responsibility(dout: Array, cache: Cache) -> tuple[Array, ...]:
    d, _, share = cache
    _, dlogits = _mixture_backward(dout, cache)
    return -np.sum(dout[:, None] * share * d, axis=0), dlogits  # right: responsibility


def _mixture_without_share(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, responsibility, _ = cache
    dmeans, _ = _mixture_backward(dout, cache)
    return dmeans, -np.sum(dout[:, None] * responsibility, axis=0)  # right: - share


def _assignment_forward(means: Array) -> tuple[Array, Cache]:
    d = OBSERVED[:, None] - means  # (m, k)
    r, _ = softmax_forward(-d * d)  # (m, k)
    return np.sum(r * d * d, axis=1), (d, r)  # (m,), the cost of soft k-means


def _assignment_backward(dout: Array, cache: Cache) -> Array:
    d, r = cache
    square = d * d
    slope = r * (1 - square + np.sum(r * square, axis=1, keepdims=True))  # (m, k), by d d
    dmeans: Array = np.sum(dout[:, None] * slope * -2 * d, axis=0)
    return dmeans


def _assignment_detached(dout: Array, cache: Cache) -> Array:
    d, r = cache
    dmeans: Array = np.sum(dout[:, None] * r * -2 * d, axis=0)  # right: r depends on the means too
    return dmeans


def _covariance_forward(x: Array) -> tuple[Array, Cache]:
    centred = x - x.mean(axis=0)  # (m, n)
    return centred.T @ centred / (M - 1), centred  # (n, n)


def _covariance_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = cache @ (dout + dout.T) / (M - 1)  # its columns sum to zero: no term by the mean
    return dx


def _covariance_by_m(dout: Array, cache: Cache) -> Array:
    dx: Array = cache @ (dout + dout.T) / M  # right: M - 1
    return dx


def _covariance_one_side(dout: Array, cache: Cache) -> Array:
    dx: Array = cache @ dout / (M - 1)  # right: dout + dout.T
    return dx


def _deviation_forward(x: Array) -> tuple[Array, Cache]:
    centred = x - x.mean(axis=1, keepdims=True)  # (m, n)
    deviation = np.sqrt(np.mean(centred * centred, axis=1))  # (m,)
    return deviation, (centred, deviation)


def _deviation_backward(dout: Array, cache: Cache) -> Array:
    centred, deviation = cache
    dx: Array = (dout / deviation)[:, None] * centred / N
    return dx


def _deviation_as_variance(dout: Array, cache: Cache) -> Array:
    centred, _ = cache
    dx: Array = 2 * dout[:, None] * centred / N  # right: / (2 deviation), of the root
    return dx


def _divergence_forward(mu: Array, log_variance: Array) -> tuple[Array, Cache]:
    variance = np.exp(log_variance)  # (m, n)
    return (variance + mu * mu - 1 - log_variance) / 2, (mu, variance)


def _divergence_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    mu, variance = cache
    return dout * mu, dout * (variance - 1) / 2


def _divergence_without_one(dout: Array, cache: Cache) -> tuple[Array, ...]:
    mu, variance = cache
    return dout * mu, dout * variance / 2  # right: variance - 1


def _sample_forward(mu: Array, log_variance: Array) -> tuple[Array, Cache]:
    noise = OBSERVED[:, None] * np.exp(log_variance / 2)  # (m, n), the draw is held fixed
    return np.sin(mu + noise), (np.cos(mu + noise), noise)


def _sample_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    slope, noise = cache
    return dout * slope, dout * slope * noise / 2


def _sample_half_forgotten(dout: Array, cache: Cache) -> tuple[Array, ...]:
    slope, noise = cache
    return dout * slope, dout * slope * noise  # right: / 2, for sigma = exp(log_variance / 2)


def _sample_detached(dout: Array, cache: Cache) -> tuple[Array, ...]:
    slope, noise = cache
    return dout * slope, np.zeros_like(noise)  # right: the draw depends on log_variance


def _rates(rng: np.random.Generator) -> Params:
    return {"rate": rng.uniform(1.2, 2.2, M)}  # where neither SHAPE / rate nor 1 / rate is small


def _standard_normals(rng: np.random.Generator) -> Params:
    return {
        "mu": rng.standard_normal((M, N)),
        "log_variance": 0.5 * rng.standard_normal((M, N)) + 0.2,
    }


_GAUSSIAN = _scales, _gaussian_forward, _gaussian_backward
_MIXTURE = normal(means=(K,), logits=(K,)), _mixture_forward, _mixture_backward
_COVARIANCE = normal(x=(M, N)), _covariance_forward, _covariance_backward
_SAMPLE = _standard_normals, _sample_forward, _sample_backward

STATISTICS_FAULTS = (
    Fault(
        "gaussian-sigma-without-log-term",
        "no thread; the normalising constant dropped with the constants",
        "missing-term",
        ("sigma",),
        "The gradient of sigma lacks what comes from log(sigma) in the density.",
        layer_build(*_GAUSSIAN, _gaussian_without_log_term),
        also=("other",),
    ),
    Fault(
        "gaussian-sigma-as-variance",
        "no thread; the score of the variance under a model that has sigma",
        "slope",
        ("sigma",),
        "The gradient is that of the variance and lacks its derivative 2 sigma.",
        layer_build(*_GAUSSIAN, _gaussian_of_variance),
        also=("other",),
    ),
    Fault(
        "gaussian-sigma-power",
        "no thread; the third power of sigma remembered as the second",
        "other",
        ("sigma",),
        "One division by sigma is missing in the quadratic term.",
        layer_build(*_GAUSSIAN, _gaussian_power),
    ),
    Fault(
        "student-score-by-freedom",
        "no thread; nu for nu + 1 in the score of Student's t",
        "scale",
        ("mu",),
        "The score of Student's t has nu where nu + 1 belongs.",
        layer_build(normal(mu=(M,)), _student_forward, _student_backward, _student_by_freedom),
    ),
    Fault(
        "gamma-score-without-shape",
        "no thread; the score of the exponential distribution, whose shape is 1",
        "other",
        ("rate",),
        "The score of the rate is that of an exponential distribution and lacks the shape.",
        layer_build(_rates, _gamma_forward, _gamma_backward, _gamma_without_shape),
    ),
    Fault(
        "mixture-means-without-responsibility",
        "no thread; prior shares in place of posterior ones",
        "other",
        ("means",),
        "The means of a mixture are pulled by the prior shares, not by the responsibilities.",
        layer_build(*_MIXTURE, _mixture_without_responsibility),
    ),
    Fault(
        "mixture-shares-without-normaliser",
        "no thread; the missing row sum of HomericIntelligence/Odyssey#2134 in a mixture",
        "missing-term",
        ("logits",),
        "The gradient of the shares lacks the term that keeps their sum at one.",
        layer_build(*_MIXTURE, _mixture_without_share),
        also=("other",),
    ),
    Fault(
        "soft-assignment-detached",
        "no thread; the M step of EM used as a gradient",
        "other",
        ("means",),
        "The responsibilities of soft k-means are held constant.",
        layer_build(
            normal(means=(K,)), _assignment_forward, _assignment_backward, _assignment_detached
        ),
    ),
    Fault(
        "covariance-divided-by-m",
        "no thread; m for m - 1 of the unbiased estimator",
        "scale",
        ("x",),
        "The covariance divides by m - 1, its gradient by m.",
        layer_build(*_COVARIANCE, _covariance_by_m),
    ),
    Fault(
        "covariance-one-side",
        "no thread; the (A + A^T) x of the quadratic form",
        "other",
        ("x",),
        "Only one of the two factors of the covariance gets its gradient.",
        layer_build(*_COVARIANCE, _covariance_one_side),
    ),
    Fault(
        "deviation-as-variance",
        "no thread; the chain rule through the root forgotten",
        "scale",
        ("x",),
        "The gradient of a standard deviation is that of the variance.",
        layer_build(
            normal(x=(M, N)), _deviation_forward, _deviation_backward, _deviation_as_variance
        ),
        also=("other",),
    ),
    Fault(
        "divergence-without-one",
        "no thread; the Kullback-Leibler term of a variational autoencoder",
        "missing-term",
        ("log_variance",),
        "The gradient of the divergence from the standard normal lacks its constant, -1/2.",
        layer_build(
            _standard_normals, _divergence_forward, _divergence_backward, _divergence_without_one
        ),
        also=("other",),
    ),
    Fault(
        "reparametrised-half-forgotten",
        "no thread; log variance taken for log sigma",
        "scale",
        ("log_variance",),
        "The draw uses exp(log_variance / 2), its gradient lacks the half.",
        layer_build(*_SAMPLE, _sample_half_forgotten),
    ),
    Fault(
        "reparametrised-draw-detached",
        "no thread; what sampling without reparametrisation does",
        "detached",
        ("log_variance",),
        "The draw is a constant to the backward, so that the variance gets no gradient.",
        layer_build(*_SAMPLE, _sample_detached),
    ),
)
"""Faults of likelihoods and estimators."""
