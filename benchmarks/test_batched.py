"""Stacks of points cost what their calls of f cost.

What is measured: the loop over all entries in stacks, beside the fastest loop that one would write
by hand, of central differences in stacks of the best of several sizes; and the whole check in
stacks beside that without. Medians of one run, the calls in turn, on one thread.
Run it with `tox -e speed`.
"""

import gc
import os
import statistics
import time

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Problem
from gradcheck.contract import examine_stacks, visit_unclaimed
from gradcheck.execution import Evaluator, Spent, stacked_sweep
from gradcheck.randomness import Held
from gradcheck.records import Budget
from gradcheck.space import Space

OVER_FLOOR = 1.3  # promised: the loop beside one written by hand,
BESIDE = 6e-5  # but for seconds that it takes by itself
NO_LOSS = 1.15  # promised: a check in stacks beside one without, also where stacks are of no use,
TRYING = 5e-4  # but for the seconds that trying them takes beside the calls
H = 6e-6  # about the step of a central difference
SIZES = (2, 4, 16, 64, 256, 1024)  # of stacks, tried by hand
EVERY = Plan.every(seed=1)

pytestmark = pytest.mark.skipif(
    os.environ.get("OPENBLAS_NUM_THREADS") != "1",
    reason="one thread against one: set OPENBLAS_NUM_THREADS=1 before the start",
)


def wave(n):
    """Return a function of n numbers with hardly any work for each; its gradient, and a point."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=n)
    return lambda x: np.tanh(x) @ w, lambda x: (1 - np.tanh(x) ** 2) * w, rng.normal(size=n)


def layer(n):
    """Return the loss of a network by its first weights, whose work is a matrix product."""
    rng = np.random.default_rng(0)
    hidden = max(1, round(n**0.5))
    data, out = rng.normal(size=(32, n // hidden)), rng.normal(size=hidden)

    def loss(W):
        return np.mean((np.tanh(data @ W) @ out) ** 2, axis=-1)

    def gradient(W):
        a = np.tanh(data @ W)
        return data.T @ ((a @ out)[:, None] / 16 * out * (1 - a * a))

    return loss, gradient, rng.normal(size=(n // hidden, hidden)) / n**0.25


CASES = {
    f"{make.__name__} of {n}": (make, n, rounds)
    for n, rounds in ((100, 201), (10_000, 3))
    for make in (wave, layer)
}


def by_hand(f, x, size):
    """Take central differences in stacks of one size."""
    n, x_flat = x.size, x.reshape(-1)
    slopes, half = np.empty(n), size // 2
    for start in range(0, n, half):
        k = np.arange(start, min(start + half, n))
        m = len(k)
        stack = np.repeat(x_flat[None], 2 * m, axis=0)
        stack[np.arange(m), k] += H
        stack[m + np.arange(m), k] -= H
        values = f(stack.reshape(2 * m, *x.shape))
        slopes[k] = (values[:m] - values[m:]) / (2 * H)
    return slopes


def one_by_one(f, x):
    """Take them point by point, in place."""
    x = x.copy()
    flat, slopes = x.reshape(-1), np.empty(x.size)
    for k, value in enumerate(flat.tolist()):
        flat[k] = value + H
        above = f(x)
        flat[k] = value - H
        slopes[k] = (above - f(x)) / (2 * H)
        flat[k] = value
    return slopes


def loop(f, x):
    """Return what goes through all entries as a check does."""
    evaluator = Evaluator(
        Problem(f, lambda _: None, x, batched=True), Held.of(()), Budget(), time.monotonic, Spent(0)
    )
    origin = visit_unclaimed(evaluator, Space.of(x))
    assert not examine_stacks(origin, 0)
    entries, flat = np.arange(x.size), x.reshape(-1)
    return lambda: stacked_sweep(origin, 0, (entries, entries), flat + H, flat - H)


def medians(rounds, *runs):
    """Return the median time of each, called in turn; garbage is not collected meanwhile."""
    taken = [[] for _ in runs]
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for run, times in zip(runs, taken, strict=True):
                started = time.thread_time()  # other processes take none of it
                run()
                times.append(time.thread_time() - started)
    finally:
        gc.enable()
    return [statistics.median(times) for times in taken]


@pytest.fixture(params=CASES, scope="module")
def measured(request):
    """Measure one case, in a process that has had large arrays before.

    In a fresh one, memory for what f computes of a long stack is new at every call, which takes
    longer than f; one that was let go of tells the allocator of C to keep some.
    """
    np.ones(2**21)  # 16 MiB
    make, n, rounds = CASES[request.param]
    f, gradient, x = make(n)
    tried = [lambda size=size: by_hand(f, x, size) for size in SIZES if size <= 2 * n]
    times = medians(max(3, rounds // 20), *tried)
    best = tried[times.index(min(times))]

    def check(**options):
        assert gradcheck.check_grad(f, gradient, x, plan=EVERY, **options).ok

    floor, swept, alone, stacked, plain = medians(
        rounds,
        best,
        loop(f, x),
        lambda: one_by_one(f, x),
        lambda: check(batched=True),
        check,
    )
    print(  # noqa: T201 - shown by -s
        f"\n{request.param}: by hand {floor * 1e3:.2f} ms in stacks of "
        f"{SIZES[times.index(min(times))]}, {alone * 1e3:.2f} ms point by point; the loop over the "
        f"floor {swept / floor:.2f}; checks {stacked * 1e3:.2f} ms and {plain * 1e3:.2f} ms"
    )
    return {"floor": floor, "swept": swept, "stacked": stacked, "plain": plain}


def test_loop_is_hardly_slower_than_by_hand(measured):
    """The sizes of stacks are found out on the way."""
    assert measured["swept"] <= OVER_FLOOR * measured["floor"] + BESIDE


def test_stacks_cost_nothing_where_they_are_of_no_use(measured):
    """A check in stacks is no slower than one without."""
    assert measured["stacked"] <= NO_LOSS * measured["plain"] + TRYING
