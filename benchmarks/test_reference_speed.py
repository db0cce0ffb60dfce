"""The reference network is as fast as its matrix products allow.

What is measured: cost and gradient of a 784-256-128-10 network at a batch of 128, beside its own
eight matrix products and beside torch eager where that is installed. All on one thread; ratios of
one run, the calls in turn. Run it with `tox -e speed`.
"""

import os
import time
from itertools import pairwise

import numpy as np
import pytest

from gradcheck.reference import Batch, Network, cost_and_gradient, initialise

SIZES = (784, 256, 128, 10)
BATCH = 128
ROUNDS = 200
OVER_PRODUCTS = 1.45  # promised: the whole against its products
OVER_TORCH = 1.0  # promised: no slower than torch eager
DTYPES = ["float64", "float32"]

pytestmark = pytest.mark.skipif(
    os.environ.get("OPENBLAS_NUM_THREADS") != "1",
    reason="one thread against one: set OPENBLAS_NUM_THREADS=1 before the start",
)


def reference(dtype):
    """Return what computes the cost and the gradient of the reference network."""
    network = Network(SIZES)
    rng = np.random.default_rng(0)
    params = initialise(network, "he", rng, dtype)
    batch = Batch(rng.standard_normal((BATCH, SIZES[0])).astype(dtype), rng.integers(0, 10, BATCH))
    return lambda: cost_and_gradient(network, params, batch)


def products(dtype):
    """Return the matrix products of the same: all but that of the gradient of the inputs."""
    rng = np.random.default_rng(0)
    layers = [
        [rng.standard_normal(shape).astype(dtype) for shape in ((BATCH, i), (i, o), (BATCH, o))]
        for i, o in pairwise(SIZES)
    ]

    def run():
        return [x @ W for x, W, _ in layers], [
            [x.T @ dz] if x is layers[0][0] else [x.T @ dz, dz @ W.T] for x, W, dz in layers
        ]

    return run


def torch_eager(dtype):
    """Return what does the same as `reference` in torch."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    layers = [torch.nn.Linear(i, o) for i, o in pairwise(SIZES)]
    relu = torch.nn.ReLU()
    model = torch.nn.Sequential(layers[0], relu, layers[1], relu, layers[2])
    model = model.to(getattr(torch, dtype))
    inputs = torch.randn(BATCH, SIZES[0], dtype=getattr(torch, dtype))
    targets = torch.randint(0, 10, (BATCH,))
    loss = torch.nn.CrossEntropyLoss()

    def run():
        model.zero_grad(set_to_none=True)
        loss(model(inputs), targets).backward()

    return run


def ratio(subject, base):
    """Return the shortest time of the one over that of the other, called in turn.

    In time of the thread, which other processes take none of; what they do to the caches is in
    most rounds, but not in the shortest.
    """
    shortest = {subject: float("inf"), base: float("inf")}
    for _ in range(ROUNDS):
        for run in shortest:
            start = time.thread_time()
            run()
            shortest[run] = min(shortest[run], time.thread_time() - start)
    return shortest[subject] / shortest[base]


@pytest.mark.parametrize("dtype", DTYPES)
def test_network_is_not_much_slower_than_its_products(dtype):
    """Biases, activations, loss and memory cost less than half of what the products do."""
    measured = ratio(reference(dtype), products(dtype))
    print(f"reference over its products, {dtype}: {measured:.2f}")  # noqa: T201 - shown by -s
    assert measured <= OVER_PRODUCTS


@pytest.mark.parametrize("dtype", DTYPES)
def test_network_is_no_slower_than_torch(dtype):
    """The same network in torch eager, forward and backward."""
    measured = ratio(reference(dtype), torch_eager(dtype))
    print(f"reference over torch, {dtype}: {measured:.2f}")  # noqa: T201 - shown by -s
    assert measured <= OVER_TORCH


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("subject", [products, reference, torch_eager])
def test_time(benchmark, subject, dtype):
    """The times themselves, as a table."""
    benchmark.group = dtype
    benchmark(subject(dtype))
