"""Which implementations there are, where their subjects lie, and uses of them that break a law.

Part of `conformance`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from .. import __version__

OURS = "gradcheck"


@dataclass(frozen=True)
class Use:
    """A way to use an implementation, often met, that breaks a law.

    Attributes
    ----------
    subject : str
        Its name in the module of the implementation.
    law : str
        The law.
    what : str
        What is done, as a clause.
    """

    subject: str
    law: str
    what: str


@dataclass(frozen=True)
class Implementation:
    """A library with subjects of the laws.

    Attributes
    ----------
    name : str
        In the table.
    module : str
        Where its subjects are: `subjects()` returns those of the table.
    packages : tuple of str
        What its marks depend on, as on PyPI.
    uses : tuple of Use
        Ways to use it that break a law.
    """

    name: str
    module: str
    packages: tuple[str, ...]
    uses: tuple[Use, ...] = ()

    @property
    def versions(self) -> Mapping[str, str]:
        """Of its packages, without the name of a build; empty if one of them is not installed."""
        try:
            return {package: _version(package) for package in self.packages}
        except importlib.metadata.PackageNotFoundError:
            return {}

    def load(self) -> ModuleType:
        """Import the module of its subjects."""
        return importlib.import_module(self.module)


def _version(package: str) -> str:
    if package == OURS:
        return __version__
    return importlib.metadata.version(package).partition("+")[0]


PROBABILITIES = "a sigmoid as the last layer and a loss of probabilities"
IMPLEMENTATIONS = (
    Implementation("reference", "gradcheck.embedded", (OURS,)),
    Implementation(
        "scikit-learn",
        "gradcheck.subjects.sklearn_mlp",
        ("scikit-learn",),
        (
            Use(
                "logistic",
                "init-variance-of-scheme",
                '`activation="logistic"`, for which weights are drawn by a third of the variance '
                "that Glorot's scheme has",
            ),
        ),
    ),
    Implementation(
        "torch.nn",
        "gradcheck.subjects.torch_nn",
        ("torch",),
        (
            Use(
                "one_group",
                "sgd-decay-shrinks-weights",
                "`SGD(model.parameters(), weight_decay=...)`, with all parameters in one group",
            ),
            Use("from_probabilities", "cost-stays-finite", f"{PROBABILITIES}, `BCELoss`"),
        ),
    ),
    Implementation(
        "Equinox",
        "gradcheck.subjects.equinox_nn",
        ("equinox", "optax", "jax"),
        (
            Use(
                "running_averages",
                "batch-norm-standardises-in-training",
                '`BatchNorm(mode="ema")`, which normalises by running averages in training too',
            ),
        ),
    ),
)
