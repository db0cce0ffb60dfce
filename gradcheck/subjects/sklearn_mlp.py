"""scikit-learn's multi-layer perceptron: its own backpropagation, cost, initial weights and steps.

Owns the translation between the parameters of the laws and the attributes of a fitted estimator.
`MLPClassifier` and `MLPRegressor` have no public method for a gradient: `_backprop` is what `fit`
itself calls. Part of `subjects`; the one file there that imports sklearn.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..laws import NotOffered, Subject
from ..laws.subject import Array, Params

try:
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.neural_network._stochastic_optimizers import SGDOptimizer
    from sklearn.preprocessing import label_binarize
except ModuleNotFoundError as error:
    message = "gradcheck.subjects.sklearn_mlp needs scikit-learn: pip install scikit-learn"
    raise ImportError(message) from error

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic", "identity": "identity"}
OUTPUTS = {"bce": "logistic", "softmax": "softmax", "mse": "identity"}
NO_DECAY = "its optimisers take no weight decay: L2 is a term of the gradient (alpha)"


@dataclass(frozen=True)
class SklearnMLP(Subject):
    """`MLPClassifier`, or `MLPRegressor` where the loss is mse.

    Attributes
    ----------
    activation : str
        `relu`, `tanh`, `sigmoid` (which it calls logistic) or `identity`.
    loss : str
        `bce`, `softmax` or `mse`.
    """

    activation: str = "relu"
    loss: str = "bce"

    def cost_and_gradient(
        self, params: Params, inputs: Array, targets: Array, weight_decay: float
    ) -> tuple[float, Params]:
        """Run `_backprop`; alpha is the weight decay, and divided by m there as well."""
        model = self._model(params, weight_decay)
        outputs = _outputs(model, inputs)
        layers = len(model.coefs_)
        deltas, dW, db = ([None] * layers for _ in range(3))
        unweighted = [None] if "sample_weight" in _arguments(model._backprop) else []
        cost, dW, db = model._backprop(
            inputs, self._shaped(targets, params), *unweighted, outputs, deltas, dW, db
        )
        return float(cost), _named(dW, db)

    def _model(self, params: Params, alpha: float = 0.0) -> Any:  # noqa: ANN401 - of sklearn
        """Make an estimator as `fit` leaves it, with these parameters."""
        kind = MLPRegressor if self.loss == "mse" else MLPClassifier
        model = kind(activation=ACTIVATIONS[self.activation], alpha=alpha)
        layers = range(1, len(params) // 2 + 1)
        model.coefs_ = [params[f"W{k}"] for k in layers]
        model.intercepts_ = [params[f"b{k}"] for k in layers]
        model.n_layers_, model.n_outputs_ = len(layers) + 1, len(model.intercepts_[-1])
        model.out_activation_ = OUTPUTS[self.loss]
        if self.loss == "softmax" and model.n_outputs_ == 2:
            raise NotOffered("of two classes it makes one logistic output, not a softmax of two")
        return model

    def _shaped(self, targets: Array, params: Params) -> Array:
        """Make class numbers the indicators that `_backprop` takes."""
        if self.loss != "softmax":
            return targets
        classes = np.arange(len(params[f"b{len(params) // 2}"]))
        return np.asarray(label_binarize(targets, classes=classes))

    def activations(self, params: Params, inputs: Array) -> list[Array]:
        """Run `_forward_pass`."""
        return _outputs(self._model(params), inputs)[1:-1]

    def initial_weights(
        self, scheme: str, n_in: int, n_out: int, rng: np.random.Generator
    ) -> Array:
        """Draw by `_init_coef`, whose source is Glorot."""
        if scheme != "xavier":
            raise NotOffered(f"it has no scheme {scheme!r}: weights are drawn by Glorot's alone")
        model = MLPClassifier(activation=ACTIVATIONS[self.activation])
        model._random_state = np.random.RandomState(rng.integers(2**32))
        return np.asarray(model._init_coef(n_in, n_out, np.float64)[0])

    def step(self, params: Params, gradient: Params, learning_rate: float) -> Params:
        """Take a step of the solver `sgd` with momentum 0; it moves the arrays that it is given."""
        moved = {name: value.copy() for name, value in params.items()}
        optimiser = SGDOptimizer(list(moved.values()), learning_rate, momentum=0.0, nesterov=False)
        optimiser.update_params(list(moved.values()), [gradient[name] for name in moved])
        return moved

    def sgd_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Refuse."""
        raise NotOffered(NO_DECAY)

    adam_step = adamw_step = sgd_step


def _outputs(model: Any, inputs: Array) -> list[Array]:  # noqa: ANN401 - of sklearn
    """Return the outputs of all layers, the inputs first; each is changed in place by the next."""
    return list(model._forward_pass([inputs, *[None] * len(model.coefs_)]))


def _arguments(method: Any) -> Any:  # noqa: ANN401 - of sklearn
    return inspect.signature(method).parameters


def _named(dW: list[Array], db: list[Array]) -> Params:
    """Name gradients as parameters, which are in the order of the layers."""
    gradient: Params = {}
    for k, (weights, biases) in enumerate(zip(dW, db, strict=True), start=1):
        gradient |= {f"W{k}": weights, f"b{k}": biases}
    return gradient


def relu() -> SklearnMLP:
    """Make the classifier with relu and logistic outputs."""
    return SklearnMLP("relu", "bce")


def tanh() -> SklearnMLP:
    """Make the classifier with tanh and softmax."""
    return SklearnMLP("tanh", "softmax")


def logistic() -> SklearnMLP:
    """Make the classifier with logistic units, whose initial weights are smaller."""
    return SklearnMLP("sigmoid", "softmax")


def regression() -> SklearnMLP:
    """Make the regressor."""
    return SklearnMLP("relu", "mse")


def subjects() -> tuple[SklearnMLP, ...]:
    """Return those of the table of conformance."""
    return relu(), tanh()
