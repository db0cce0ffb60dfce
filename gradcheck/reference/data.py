"""A small real data set to train on.

Owns: load_iris, standardise, and the file iris.csv beside this one. Does not own any download:
the numbers are shipped. Place: a leaf. Letters: m = rows, n = features.
"""

import csv
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from .arrays import Array


class Dataset(NamedTuple):
    """inputs float64 (m, n); labels int (m,), indices into class_names."""

    inputs: Array
    labels: Array
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]


def load_iris() -> Dataset:
    """Return Fisher's iris flowers: 150 rows, 4 lengths in cm, 50 flowers of each of 3 species.

    Measured by E. Anderson; published by R. A. Fisher (1936), The use of multiple measurements in
    taxonomic problems, Annals of Eugenics 7, 179-188. The copy in the UCI repository differs from
    the paper in two rows (the 35th and the 38th); this one follows the paper, as scikit-learn's.

    Examples
    --------
    >>> iris = load_iris()
    >>> iris.inputs.shape, iris.class_names
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """
    text = files("gradcheck.reference").joinpath("iris.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    header, *rows = csv.reader(lines)
    class_names = tuple(sorted({row[-1] for row in rows}))
    inputs = np.array([row[:-1] for row in rows], dtype=np.float64)  # (150, 4)
    labels = np.array([class_names.index(row[-1]) for row in rows])  # (150,)
    return Dataset(inputs, labels, tuple(header[:-1]), class_names)


def standardise(inputs: Array) -> Array:
    """Shift and scale each column of inputs (m, n) to mean 0 and variance 1 (divisor m).

    Raises ValueError where a column is constant, because it has no scale.

    Examples
    --------
    >>> standardise(np.array([[1.0], [3.0]]))
    array([[-1.],
           [ 1.]])
    """
    deviation = inputs.std(axis=0)  # (n,)
    if not np.all(deviation > 0):
        columns = np.flatnonzero(~(deviation > 0)).tolist()
        raise ValueError(
            f"inputs is constant or not finite in columns {columns}, which have no scale; "
            "leave these columns out"
        )
    standardised: Array = (inputs - inputs.mean(axis=0)) / deviation  # (m, n)
    return standardised
