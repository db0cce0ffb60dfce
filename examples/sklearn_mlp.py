"""scikit-learn's own hand-written backpropagation, checked on the data sets that it ships.

Run `gradcheck verify examples/sklearn_mlp.py:problems`: every activation of MLPClassifier (several
classes: softmax; two classes: logistic) and MLPRegressor, with an L2 penalty.

With solver="lbfgs" scikit-learn hands SciPy a function that returns (loss, gradient). That function
is what is checked: it is taken at the door, by standing in for `scipy.optimize.minimize`.
"""

from unittest import mock

import numpy as np

import gradcheck

try:
    import scipy.optimize  # comes with scikit-learn
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import scale
except ModuleNotFoundError as error:
    raise ImportError("this example needs scikit-learn: pip install scikit-learn") from error

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
SUBJECTS = (
    (MLPClassifier, load_iris),
    (MLPClassifier, load_breast_cancer),
    (MLPRegressor, load_diabetes),
)
ALPHA = 0.7


class AtTheDoor(Exception):
    """Carries what scikit-learn hands to SciPy."""


def objective(model, X, y):
    """Return loss_and_gradient(x) and the start x0 that `model.fit` gives to SciPy."""

    def minimize(function, x0, *_, args=(), **__):
        raise AtTheDoor(lambda x: function(x, *args), x0)

    with mock.patch.object(scipy.optimize, "minimize", minimize):
        try:
            model.fit(X, y)
        except AtTheDoor as door:
            return door.args
    raise RuntimeError("this version of scikit-learn does not call scipy.optimize.minimize")


def problem(kind, load, activation):
    """Pose one problem, with a leaf for each weight matrix and bias vector."""
    data = load()
    X, y = scale(data.data), data.target.astype(int if kind is MLPClassifier else float)
    settings = {"activation": activation, "solver": "lbfgs", "alpha": ALPHA, "random_state": 0}
    model = kind(hidden_layer_sizes=(8, 5), **settings)
    loss_and_gradient, start = objective(model, X, y if kind is MLPClassifier else scale(y))

    shapes = {f"W{k}": W.shape for k, W in enumerate(model.coefs_, start=1)}
    shapes |= {f"b{k}": b.shape for k, b in enumerate(model.intercepts_, start=1)}
    ends = np.cumsum([np.prod(shape) for shape in shapes.values()])[:-1]

    def leaves(flat):
        parts = np.split(flat, ends)
        return {k: v.reshape(s) for (k, s), v in zip(shapes.items(), parts, strict=True)}

    def f(p):
        loss, gradient = loss_and_gradient(np.concatenate([p[k].ravel() for k in shapes]))
        return loss, leaves(gradient)

    name = f"{kind.__name__}, {load.__name__.removeprefix('load_')}, {activation}"
    # True: f returns the value and the gradient together
    return gradcheck.Problem(f, True, leaves(start), name=name)


def problems():
    """Pose all of them."""
    return [problem(kind, load, name) for kind, load in SUBJECTS for name in ACTIVATIONS]
