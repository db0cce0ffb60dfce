"""Networks of torch, in float32, bfloat16 and float16, whose backward passes are those of torch.

As tensors they go through the same checks as those of NumPy: a kernel computes in its own precision
whatever it is given, code that follows computes as long as its tensors. What no CPU has in a format
is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

import gradcheck
from gradcheck import Plan, Report

from .low_precision_networks import C, T, data

torch.set_num_threads(1)  # of small tensors, threads only wait for each other

Tensor = torch.Tensor
Tensors = dict[str, Tensor]

FORMATS = {
    "torch float32": torch.float32,
    "torch float16": torch.float16,
    "torch bfloat16": torch.bfloat16,
}


@dataclass(frozen=True)
class TorchNetwork:
    """A network at a point, in float64, and what it computes of tensors of any length."""

    name: str
    point: dict[str, Any]
    forward: Callable[[Tensors], Tensor]
    loss: bool

    def backward(self, p: Tensors, dout: Tensor) -> Tensors:
        """Let torch go backward."""
        p = {name: leaf.detach().requires_grad_() for name, leaf in p.items()}
        y = self.forward(p)
        return dict(zip(p, torch.autograd.grad(y, list(p.values()), dout.to(y.dtype)), strict=True))


@dataclass(frozen=True)
class TorchSubject:
    """A network in a format, and how it is checked; see `low_precision.Subject`."""

    network: TorchNetwork
    format: str
    mode: str
    seed: int

    def check(self, fault: Any = None) -> Report:
        """Check the backward pass, with an error in one of its leaves."""
        net, dtype = self.network, FORMATS[self.format]
        point = {name: torch.tensor(leaf).to(dtype) for name, leaf in net.point.items()}

        def own(p: Tensors) -> Tensors:
            return p if self.mode == "follows" else {k: leaf.to(dtype) for k, leaf in p.items()}

        def forward(p: Tensors) -> Tensor:
            return net.forward(own(p))

        def backward(p: Tensors, dout: Tensor) -> Tensors:
            gradients = net.backward(own(p), dout)
            if fault is None:
                return gradients
            right = gradients[fault.leaf]
            wrong = fault.spoilt(right.double().numpy())
            return {**gradients, fault.leaf: torch.tensor(wrong).to(right.dtype)}

        options: dict[str, Any] = {"plan": Plan.auto(seed=self.seed, naming=0)}
        if self.mode == "reference":
            options["reference"] = net.forward
        if net.loss:
            one = torch.ones(())
            return gradcheck.check_grad(forward, lambda p: backward(p, one), point, **options)
        return gradcheck.check_vjp(forward, backward, point, **options)


def subjects(seed: int, modes: tuple[str, ...]) -> Iterator[TorchSubject]:
    """Draw the network of a seed, of the kinds in turn, in all formats and modes."""
    name, make = list(MAKERS.items())[seed % len(MAKERS)]
    network = TorchNetwork(name, *make(np.random.default_rng([seed, 70 + seed % len(MAKERS)])))
    for format_ in FORMATS:
        if _computes(network, FORMATS[format_]):
            for mode in modes:
                yield TorchSubject(network, format_, mode, seed)


def _computes(network: TorchNetwork, dtype: torch.dtype) -> bool:
    p = {name: torch.tensor(leaf).to(dtype) for name, leaf in network.point.items()}
    try:
        y = network.forward(p)
        network.backward(p, torch.ones_like(y))
    except (RuntimeError, NotImplementedError):  # "not implemented for 'Half'"
        return False
    return True


# --- the kinds: point, forward, loss ------------------------------------------------------------

Made = tuple[dict[str, Any], Callable[[Tensors], Tensor], bool]


def _layers(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "W1": rng.standard_normal((3, C)) / math.sqrt(3),
        "b1": rng.standard_normal(C) / 4,
        "W2": rng.standard_normal((C, 2)) / 2,
    }


def _mlp(rng: np.random.Generator, bend: Callable[[Tensor], Tensor]) -> Made:
    x = torch.tensor(data(rng, T, 3))

    def forward(p: Tensors) -> Tensor:
        return bend(x.to(p["W1"].dtype) @ p["W1"] + p["b1"]) @ p["W2"]  # (T, 2)

    return _layers(rng), forward, False


def _regression(rng: np.random.Generator) -> Made:
    point, layers, _ = _mlp(rng, torch.tanh)
    target = torch.tensor(data(rng, T, 2))

    def forward(p: Tensors) -> Tensor:
        y = layers(p)
        return functional.mse_loss(y, target.to(y.dtype))

    return point, forward, True


def _classes(rng: np.random.Generator) -> Made:
    x, labels = torch.tensor(data(rng, T, 3)), torch.tensor(rng.integers(0, C, T))

    def forward(p: Tensors) -> Tensor:
        return functional.cross_entropy(x.to(p["W"].dtype) @ p["W"] + p["b"], labels)

    point = {"W": rng.standard_normal((3, C)) / 2, "b": rng.standard_normal(C) / 4}
    return point, forward, True


def _layer_norm(rng: np.random.Generator) -> Made:
    def forward(p: Tensors) -> Tensor:
        return functional.layer_norm(p["x"], (2 * C,), p["gain"], p["bias"], eps=1e-2)

    point = {
        "x": rng.standard_normal((T, 2 * C)),
        "gain": rng.uniform(0.5, 1.5, 2 * C),
        "bias": rng.standard_normal(2 * C) / 2,
    }
    return point, forward, False


def _convolution(rng: np.random.Generator) -> Made:
    def forward(p: Tensors) -> Tensor:
        return torch.tanh(functional.conv1d(p["x"][None, None], p["w"][:, None], p["b"]))

    point = {
        "x": rng.standard_normal(2 * T),
        "w": rng.standard_normal((C, 3)) / 2,
        "b": rng.standard_normal(C) / 4,
    }
    return point, forward, False


def _attention(rng: np.random.Generator) -> Made:
    def forward(p: Tensors) -> Tensor:
        q, k, v = (p[name][None, None] for name in ("q", "k", "v"))
        return functional.scaled_dot_product_attention(q, k, v)[0, 0]  # (T, C)

    return {name: rng.standard_normal((T, C)) for name in ("q", "k", "v")}, forward, False


MAKERS: dict[str, Callable[[np.random.Generator], Made]] = {
    "mlp-tanh": _regression,
    "mlp-relu": lambda rng: _mlp(rng, torch.relu),
    "mlp-gelu": lambda rng: _mlp(rng, functional.gelu),
    "cross-entropy": _classes,
    "layer-norm": _layer_norm,
    "convolution": _convolution,
    "attention": _attention,
}
