"""Wrong twins of the laws about networks, training and dropout: plausible broken subjects.

Owns: Broken, NETWORK_TWINS as (law, parts that are wrong, words of the message).
"""

import numpy as np
import pytest

from gradcheck.embedded import ReferenceSubject
from gradcheck.reference import Batch, Network, cost_and_gradient

RELU, TANH = ReferenceSubject("relu", "bce"), ReferenceSubject("tanh", "softmax")
IDENTITY, LEAKY = ReferenceSubject("identity", "bce"), ReferenceSubject("leaky_relu", "bce")


def sgd_with(weights=1.0, biases=0.0):
    """Make gradient descent that decays weights and biases by factors of lambda."""

    def sgd_step(params, gradient, learning_rate, weight_decay):
        return {
            k: v - learning_rate * (gradient[k] + weight_decay * share * v)
            for k, v in params.items()
            for share in (weights if k.startswith("W") else biases,)
        }

    return sgd_step


class Broken(ReferenceSubject):
    """A subject whose parts can be replaced."""

    def __init__(self, **parts):
        super().__init__(parts.pop("activation", "relu"), parts.pop("loss", "bce"))
        for name, part in parts.items():
            object.__setattr__(self, name, part)


def masked(x, keep_prob, rng):
    """Draw a mask."""
    return rng.random(x.shape) < keep_prob


def dropout_from(forward, backward):
    """Make a dropout of two functions of (x or dout, mask, keep_prob, rng)."""

    def dropout(x, keep_prob, rng):
        mask = masked(x, keep_prob, rng)
        return (
            forward(x, mask, keep_prob, rng),
            lambda dout: backward(dout, mask, keep_prob, rng),
        )

    return dropout


def right(x, mask, keep_prob, rng):
    """Multiply by mask and 1/keep_prob."""
    return x * mask / keep_prob


def cost_with(change):
    """Make cost_and_gradient with (cost, gradient) changed by a function."""

    def cost_and_gradient(params, inputs, targets, weight_decay):
        cost, gradient = RELU.cost_and_gradient(params, inputs, targets, weight_decay)
        return change(cost, gradient, params, len(inputs), weight_decay)

    return cost_and_gradient


def jitter(cost, gradient, params, m, decay):
    """Break the symmetry of the units by a little noise in one weight's gradient."""
    gradient = {**gradient, "W1": gradient["W1"].copy()}
    gradient["W1"].flat[0] += 1e-3
    return cost, gradient


def l2(cost_factor=1.0, gradient_factor=1.0, on_biases=0.0):
    """Make an L2 term that is off by a factor, or touches biases."""

    def change(cost, gradient, params, m, decay):
        weights = {k: W for k, W in params.items() if k.startswith("W")}
        squares = sum(np.sum(W**2) for W in weights.values())
        cost += (cost_factor - 1) * decay / (2 * m) * squares
        gradient = {
            k: d + (gradient_factor - 1) * decay / m * params[k] if k in weights else d
            for k, d in gradient.items()
        }
        return cost, {
            k: d if k in weights else d + on_biases * decay / m * params[k]
            for k, d in gradient.items()
        }

    return change


def averaged_hidden_gradient(cost, gradient, params, m, decay):
    """Divide the first layer's gradient by its width: symmetric, but no gradient."""
    return cost, {**gradient, "W1": gradient["W1"] / gradient["W1"].shape[1]}


def leaky_start(cost, gradient, params, m, decay):
    """Let hidden units of a network of zeros receive a gradient."""
    return cost, {k: d + 1e-3 if k == "W1" else d for k, d in gradient.items()}


def subtracted(cost, gradient, params, m, decay):
    """Subtract the decay instead of adding it."""
    return cost, {
        k: d - 2 * decay / m * params[k] if k.startswith("W") else d for k, d in gradient.items()
    }


def inverted(params, inputs, targets, weight_decay):
    """Decay the less, the larger lambda is."""
    return RELU.cost_and_gradient(params, inputs, targets, 4 / weight_decay)


def of_tanh(**parts):
    """Name the parts of a subject with tanh and softmax."""
    return {"activation": "tanh", "loss": "softmax"} | parts


def with_gradient_of(other):
    """Make a subject's cost with the gradient of another subject."""

    def cost_and_gradient(params, inputs, targets, weight_decay):
        cost, _ = RELU.cost_and_gradient(params, inputs, targets, weight_decay)
        return cost, other.cost_and_gradient(params, inputs, targets, weight_decay)[1]

    return cost_and_gradient


def averaged_over_units(cost, gradient, params, m, decay):
    """Give all units of a layer the mean of their gradients."""
    layers = len(gradient) // 2
    for k in range(1, layers + 1):
        d = gradient[f"W{k}"]
        d = d if k == layers else np.broadcast_to(d.mean(axis=1, keepdims=True), d.shape)
        d = d if k == 1 else np.broadcast_to(d.mean(axis=0, keepdims=True), d.shape)
        gradient = {**gradient, f"W{k}": d}
    return cost, gradient


def by_place(cost, gradient, params, m, decay):
    """Scale the gradient of each unit of the first layer by its place."""
    return cost, {**gradient, "W1": gradient["W1"] * np.arange(1, gradient["W1"].shape[1] + 1)}


def from_probabilities(floor):
    """Compute the cost from sigmoids, which round to 0 and 1, above a floor or not."""

    def of_probabilities(params, inputs, targets, weight_decay):
        _, gradient = RELU.cost_and_gradient(params, inputs, targets, weight_decay)
        z = inputs @ params["W1"] + params["b1"]
        p = np.clip(1 / (1 + np.exp(-z)), floor, 1 - floor)
        terms = targets * np.log(p) + (1 - targets) * np.log(1 - p)
        return float(-terms.sum(axis=1).mean()), gradient

    return of_probabilities


def gradient_through_probabilities(params, inputs, targets, weight_decay):
    """Divide by p (1 - p), which may be 0, in the gradient alone."""
    sizes = (len(params["W1"]), *(v.shape[0] for k, v in params.items() if k.startswith("b")))
    network = Network(sizes, "relu", "bce_from_probabilities", weight_decay)
    _, gradient = cost_and_gradient(network, params, Batch(inputs, targets))
    return RELU.cost_and_gradient(params, inputs, targets, weight_decay)[0], gradient


def sigmoid_for_softmax(params, inputs, targets, weight_decay):
    """Take the gradient of sigmoids where that of softmax is due."""
    cost, _ = TANH.cost_and_gradient(params, inputs, targets, weight_decay)
    onehot = np.eye(list(params.values())[-1].size)[targets]
    other = ReferenceSubject("tanh", "bce")
    return cost, other.cost_and_gradient(params, inputs, onehot, weight_decay)[1]


def summed(cost, gradient, params, m, decay):
    """Sum over the rows instead of averaging."""
    return m * cost, {k: m * d for k, d in gradient.items()}


def without_last_row(params, inputs, targets, weight_decay):
    """Lose the last row of the batch."""
    return RELU.cost_and_gradient(params, inputs[:-1], targets[:-1], weight_decay)


def coupled(params, inputs, targets, weight_decay):
    """Centre the inputs over the batch."""
    return RELU.cost_and_gradient(params, inputs - inputs.mean(axis=0), targets, weight_decay)


def drawn(**schemes):
    """Make initial_weights with some schemes replaced by functions of (n_in, n_out, rng)."""

    def initial_weights(scheme, n_in, n_out, rng):
        if scheme in schemes:
            return schemes[scheme](n_in, n_out, rng)
        return RELU.initial_weights(scheme, n_in, n_out, rng)

    return initial_weights


def uncentred(n_in, n_out, rng):
    """Draw xavier's uniform from 0 up: rand without the shift."""
    return rng.uniform(0, 2 * np.sqrt(6 / (n_in + n_out)), (n_in, n_out))


def by_fan_out(n_in, n_out, rng):
    """Count the wrong side."""
    return rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_out)


def root_forgotten(n_in, n_out, rng):
    """Scale by the variance."""
    return rng.standard_normal((n_in, n_out)) * 2 / n_in


def he_without_two(n_in, n_out, rng):
    """Call lecun he."""
    return rng.standard_normal((n_in, n_out)) * np.sqrt(1 / n_in)


def bias_forgotten(params, inputs, tangent):
    """Leave the biases out of the forward mode."""
    return RELU.jvp(
        params, inputs, {k: 0 * v if k.startswith("b") else v for k, v in tangent.items()}
    )


def clipped(params, inputs, dout):
    """Clip the gradient in the backward pass."""
    return {k: np.clip(d, -1, 1) for k, d in RELU.vjp(params, inputs, dout).items()}


def first_layer_halved(cost, gradient, params, m, decay):
    """Lose a factor in the first layer."""
    return cost, {**gradient, "W1": gradient["W1"] / 2}


def one_mask_for_all_rows(x, keep_prob, rng):
    """Draw a mask for one row and use it for all."""
    mask = (rng.random(x.shape[1:]) < keep_prob) / keep_prob
    return x * mask, lambda dout: dout * mask


def kept_too_often(x, keep_prob, rng):
    """Keep 1 % more units than keep_prob says."""
    mask = (rng.random(x.shape) < 1.01 * keep_prob) / keep_prob
    return x * mask, lambda dout: dout * mask


NETWORK_TWINS = [
    pytest.param("symmetry-units-stay-identical", {"cost_and_gradient": cost_with(jitter)},
                 "although all weights started at", id="symmetry-broken-by-noise"),
    pytest.param("symmetry-wide-is-a-thin-string",
                 {"cost_and_gradient": cost_with(averaged_hidden_gradient)},
                 "its collapse to width 1 costs", id="gradient-averaged-over-units"),
    pytest.param("symmetry-dead-relu", {"cost_and_gradient": cost_with(leaky_start)},
                 "in a network of zeros", id="zeros-that-learn"),
    pytest.param("symmetry-dead-relu",
                 {"cost_and_gradient": cost_with(lambda c, g, *_: (2 * c, g))},
                 "not log 2", id="cost-summed-not-averaged"),
    pytest.param("l2-cost-term", {"cost_and_gradient": cost_with(l2(cost_factor=2))},
                 "ratio 2)", id="cost-without-one-half"),
    pytest.param("l2-gradient-term", {"cost_and_gradient": cost_with(l2(gradient_factor=2))},
                 "but (lambda/m) W is", id="gradient-doubled"),
    pytest.param("l2-gradient-term", {"cost_and_gradient": cost_with(l2(on_biases=1.0))},
                 "a bias has no decay", id="decay-on-biases"),
    pytest.param("l2-one-step-shrinks",
                 {"step": lambda p, g, a: {k: v - 2 * a * g[k] for k, v in p.items()}},
                 "shrinks W by 1 - alpha lambda/m", id="step-doubled"),
    pytest.param("l2-norm-at-minimum-falls", {"cost_and_gradient": cost_with(subtracted)},
                 "is not convex where that without is", id="decay-subtracted"),
    pytest.param("l2-norm-at-minimum-falls", {"cost_and_gradient": inverted},
                 "grows with lambda", id="decay-by-1/lambda"),
    pytest.param("sgd-decay-shrinks-weights", {"sgd_step": sgd_with(biases=1.0)},
                 "but a bias has no decay", id="sgd-decays-biases"),
    pytest.param("sgd-decay-shrinks-weights", {"sgd_step": sgd_with(weights=0.5)},
                 "a step shrinks W by 1 - alpha lambda", id="sgd-with-half-the-decay"),
    pytest.param("sgd-decay-shrinks-weights", {"sgd_step": sgd_with(weights=-1.0)},
                 "a step shrinks W by 1 - alpha lambda", id="sgd-that-grows-weights"),
    pytest.param("l2-is-not-decay-under-adam", {"adam_step": RELU.adamw_step},
                 "it moves each by alpha", id="adamw-called-adam"),
    pytest.param("adamw-decay-is-decoupled", {"adamw_step": RELU.adam_step},
                 "decoupled decay is -alpha lambda W", id="adam-called-adamw"),
    pytest.param("dropout-new-mask-each-draw",
                 {"dropout": lambda x, p, rng: dropout_from(right, right)(
                     x, p, np.random.default_rng(0))},
                 "dropped the same", id="mask-drawn-once"),
    pytest.param("dropout-evaluation-is-identity", {"dropout_evaluate": lambda x, p: x * p},
                 "changes its input in evaluation", id="scaled-in-evaluation"),
    pytest.param("dropout-same-mask-backward",
                 {"dropout": dropout_from(right, lambda d, mask, p, rng: d * mask)},
                 "forward and by", id="backward-without-scale"),
    pytest.param("dropout-same-mask-backward",
                 {"dropout": dropout_from(
                     right, lambda d, mask, p, rng: d * masked(d, p, rng) / p)},
                 "units differ", id="mask-redrawn-in-backward"),
    pytest.param("dropout-zero-or-scaled",
                 {"dropout": dropout_from(lambda x, mask, p, rng: x * mask, right)},
                 "multiplied by 1, but inverted dropout multiplies by 0 or by 1/keep_prob",
                 id="without-1/keep_prob"),
    pytest.param("dropout-preserves-expectation",
                 {"dropout": dropout_from(lambda x, mask, p, rng: x * mask, right)},
                 "the mean of out/x is", id="without-1/keep_prob-in-the-mean"),
    pytest.param("dropout-preserves-expectation",
                 {"dropout": lambda x, p, rng: RELU.dropout(x, 1 - p, rng)},
                 "draws the", id="keep-and-drop-swapped"),
    pytest.param("dropout-preserves-expectation",
                 {"dropout": lambda x, p, rng: (
                     1.01 * dropout_from(right, right)(x, p, rng)[0], None)},
                 "the mean of out/x is 1.0", id="one-percent-bias"),
    pytest.param("dropout-preserves-expectation-exactly",
                 {"dropout_masked": lambda x, mask, p: x * mask},
                 "masks the mean of out/x is", id="masked-without-1/keep_prob"),
    pytest.param("dropout-frozen-mask-is-linear",
                 {"dropout": dropout_from(lambda x, mask, p, rng: np.abs(x) * mask / p, right)},
                 "with the mask frozen", id="not-linear"),
    pytest.param("symmetry-cost-stays-log-2",
                 {"cost_and_gradient": cost_with(lambda c, g, *_: (c / np.log(2), g))},
                 "two classes of", id="cost-in-bits"),
    pytest.param("symmetry-cost-stays-log-2",
                 {"cost_and_gradient": cost_with(leaky_start)},
                 "steps from zero", id="weights-that-leave-zero"),
    pytest.param("symmetry-random-weights-break-it",
                 {"cost_and_gradient": cost_with(averaged_over_units)},
                 "have random weights of their own, and the same gradient",
                 id="gradient-shared-by-units"),
    pytest.param("symmetry-permuted-units", {"cost_and_gradient": cost_with(by_place)},
                 "with the hidden units in another order dW1", id="gradient-scaled-by-place"),
    pytest.param("relu-dead-unit-learns-nothing", {"cost_and_gradient": with_gradient_of(LEAKY)},
                 "is below 0 for every row, and its part of", id="leaky-backward"),
    pytest.param("cost-is-cross-entropy",
                 {"cost_and_gradient": cost_with(lambda c, g, *_: (c / np.log(2), g))},
                 "but the cross-entropy is", id="cross-entropy-in-bits"),
    pytest.param("cost-is-cross-entropy", {"cost_and_gradient": cost_with(
                     lambda c, g, *_: (c, {k: len(g["b1"]) * d for k, d in g.items()}))},
                 "but the mean of p - y is", id="gradient-times-outputs"),
    pytest.param("cost-stays-finite", {"cost_and_gradient": from_probabilities(0.0)},
                 "the cost is nan", id="cost-from-probabilities"),
    pytest.param("cost-stays-finite", {"cost_and_gradient": from_probabilities(1e-12)},
                 "compute it from the logits", id="clipped-probabilities"),
    pytest.param("cost-stays-finite", {"cost_and_gradient": gradient_through_probabilities},
                 "is nan, but the mean of p - y is", id="gradient-through-probabilities"),
    pytest.param("saturated-units-pass-no-gradient",
                 {"activation": "tanh", "cost_and_gradient": with_gradient_of(IDENTITY)},
                 "passes", id="straight-through"),
    pytest.param("init-variance-of-scheme", {"initial_weights": drawn(he=by_fan_out)},
                 "by he of shape (300, 200) have 1.5", id="he-by-fan-out"),
    pytest.param("init-variance-of-scheme", {"initial_weights": drawn(he=root_forgotten)},
                 "times the variance", id="root-forgotten"),
    pytest.param("init-variance-of-scheme", {"initial_weights": drawn(xavier=uncentred)},
                 "by xavier have the mean", id="uniform-not-centred"),
    pytest.param("init-activations-over-depth", {"initial_weights": drawn(he=he_without_two)},
                 "initialised by he, the second moment of activations is multiplied by 0.4",
                 id="he-without-the-two"),
    pytest.param("init-gradients-over-depth", {"cost_and_gradient": with_gradient_of(IDENTITY)},
                 "initialised by he, the second moment of gradients is multiplied by",
                 id="backward-without-relu"),
    pytest.param("init-mean-not-shape-saturates",
                 of_tanh(initial_weights=drawn(xavier=uncentred)),
                 "by xavier saturate 100% of the units", id="rand-without-shift"),
    pytest.param("dropout-new-mask-each-draw", {"dropout": one_mask_for_all_rows},
                 "two rows of one draw", id="one-mask-for-all-rows"),
    pytest.param("dropout-preserves-expectation", {"dropout": kept_too_often},
                 "of the units are kept", id="kept-one-percent-too-often"),
    pytest.param("adjoint-identity", {"jvp": bias_forgotten},
                 "forward and reverse mode disagree", id="bias-forgotten-in-jvp"),
    pytest.param("adjoint-identity", {"vjp": clipped},
                 "forward and reverse mode disagree", id="vjp-clipped"),
    pytest.param("vjp-is-linear", {"vjp": clipped}, "but", id="gradient-clipped"),
    pytest.param("euler-identity", {"cost_and_gradient": cost_with(first_layer_halved)},
                 "<W, dW> + <b, db> of layer 1 is", id="first-layer-halved"),
    pytest.param("softmax-loss-gradient-sums-to-zero",
                 of_tanh(cost_and_gradient=sigmoid_for_softmax),
                 "over the classes, not to 0", id="sigmoid-for-softmax"),
    pytest.param("batch-is-mean-of-rows", {"cost_and_gradient": cost_with(summed)},
                 "but the mean over its rows is", id="summed-not-averaged"),
    pytest.param("batch-is-mean-of-rows", {"cost_and_gradient": coupled},
                 "but the mean over its rows is", id="rows-coupled"),
    pytest.param("batch-order-means-nothing", {"cost_and_gradient": without_last_row},
                 "with its rows in another order", id="last-row-lost"),
]  # fmt: skip
