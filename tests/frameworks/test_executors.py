"""Executors of other packages, with real processes: Dask, of which one is killed, and loky."""

import importlib.util
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan

pytestmark = pytest.mark.filterwarnings("default")  # of the packages among themselves

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="needs distributed"
)
needs_loky = pytest.mark.skipif(importlib.util.find_spec("loky") is None, reason="needs loky")
X = np.linspace(-1.0, 1.0, 120)


def said(report):
    """Return all that a report says but how long it took, and what happened to workers."""
    told = json.loads(report.to_json())
    del told["seconds"]
    told["findings"] = [f for f in told["findings"] if f["cause"] != Cause.WORKER]
    return told


def checked(victim=None, **options):
    """Check a function, of which the closures travel too.

    The first worker that moves entry 60 writes its number into `victim`, and waits for its end.
    """
    home = os.getpid()

    def f(x):
        if victim and os.getpid() != home and x[60] != X[60] and not os.path.exists(victim):
            with open(victim + "~", "w") as file:
                file.write(str(os.getpid()))
            os.rename(victim + "~", victim)
            time.sleep(60)
        return float(np.sum(np.tanh(x) ** 2))

    def grad(x):
        return 2 * np.tanh(x) * (1 - np.tanh(x) ** 2)

    return gradcheck.check_grad(f, grad, X, plan=Plan.every(seed=2), **options)


@pytest.fixture
def client():
    """Three processes of one thread each, and a client of theirs."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@needs_dask
def test_a_cluster_says_the_same(client):
    """Bit for bit."""
    assert said(checked(executor=client.get_executor())) == said(checked())


def killed(victim):
    """Kill the process that waits for it; return its number."""
    while not os.path.exists(victim):
        time.sleep(0.01)
    with open(victim) as file:
        pid = int(file.read())
    os.kill(pid, signal.SIGKILL)
    return pid


@needs_dask
def test_a_worker_that_is_killed_is_in_the_report(client, tmp_path):
    """Dask gives its work to another without a word; the report is the same and tells."""
    victim = str(tmp_path / "victim")
    with ThreadPoolExecutor(1) as killer:
        dead = killer.submit(killed, victim)
        report = checked(victim, executor=client.get_executor())
    assert said(report) == said(checked())
    told = [finding.message for finding in report.findings if finding.cause is Cause.WORKER]
    assert len(told) == 1
    assert f"-{dead.result()} died at leaf x at [60], step" in told[0]
    assert "the executor gave its work to another" in told[0]


@needs_loky
def test_loky_says_the_same():
    """Likewise."""
    import loky

    with loky.ProcessPoolExecutor(2) as executor:
        assert said(checked(executor=executor)) == said(checked())
