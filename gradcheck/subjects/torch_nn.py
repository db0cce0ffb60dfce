"""PyTorch: networks of `torch.nn`, initial weights of `torch.nn.init`, steps of `torch.optim`.

Owns the translation between arrays and tensors; gradients are torch's, by autograd. Its random
numbers are drawn from seeds that the caller's generator draws, and its global state is put back.
Part of `subjects`; the one file there that imports torch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ..laws import NotOffered, Subject
from ..laws.subject import Array, Backward, Params

try:
    import torch
    from torch import nn
except ModuleNotFoundError as error:
    message = "gradcheck.subjects.torch_nn needs torch: pip install torch"
    raise ImportError(message) from error

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "identity": nn.Identity}
# Summed, as the mean of the first and the last divides by the number of outputs too.
LOSSES = {"bce": nn.BCEWithLogitsLoss, "softmax": nn.CrossEntropyLoss, "mse": nn.MSELoss}
SCHEMES: dict[str, Callable[..., Any]] = {
    "he": partial(nn.init.kaiming_normal_, nonlinearity="relu"),
    "xavier": nn.init.xavier_uniform_,
    "lecun": partial(nn.init.kaiming_normal_, nonlinearity="linear"),
}
HEADS = 2
Tensor = Any  # torch may not be installed where types are checked


@dataclass(frozen=True)
class TorchNN(Subject):
    """A `Sequential` of `Linear` layers, and the layers of `torch.nn` one by one.

    Attributes
    ----------
    activation : str
        `relu`, `tanh`, `sigmoid` or `identity`.
    loss : str
        `bce`, `softmax` or `mse`.
    """

    activation: str = "relu"
    loss: str = "bce"

    def cost_and_gradient(
        self, params: Params, inputs: Array, targets: Array, weight_decay: float
    ) -> tuple[float, Params]:
        """Differentiate the loss, summed over outputs and averaged over rows."""
        if weight_decay:
            raise NotOffered("its losses have no L2 term: weight decay is the optimiser's")
        network = self._network(params)
        cost = LOSSES[self.loss](reduction="sum")(network(_tensor(inputs)), torch.tensor(targets))
        cost = cost / len(inputs)
        return cost.item(), _named(torch.autograd.grad(cost, list(network.parameters())))

    def _network(self, params: Params) -> Any:  # noqa: ANN401 - of torch
        """Build Linear, activation, ..., Linear with these parameters."""
        modules = []
        for k in range(1, len(params) // 2 + 1):
            W = params[f"W{k}"]
            # skip_init: no random numbers are drawn for weights that are replaced
            linear = nn.utils.skip_init(nn.Linear, *W.shape, dtype=torch.float64)
            linear.load_state_dict({"weight": _tensor(W.T), "bias": _tensor(params[f"b{k}"])})
            modules += [linear, ACTIVATIONS[self.activation]()]
        return nn.Sequential(*modules[:-1])

    def activations(self, params: Params, inputs: Array) -> list[Array]:
        """Run the layers one by one."""
        outputs, out = [], _tensor(inputs)
        for module in self._network(params):
            out = module(out)
            outputs.append(out.detach().numpy())
        return outputs[1::2]

    def vjp(self, params: Params, inputs: Array, dout: Array) -> Params:
        """Pull back by autograd."""
        network = self._network(params)
        out, leaves = network(_tensor(inputs)), list(network.parameters())
        return _named(torch.autograd.grad(out, leaves, _tensor(dout)))

    def jvp(self, params: Params, inputs: Array, tangent: Params) -> Array:
        """Push forward by `torch.func.jvp`."""
        network, direction = self._network(params), self._network(tangent)
        with warnings.catch_warnings():
            # torch's own first use of forward mode warns that it uses torch.jit.script
            warnings.simplefilter("ignore", DeprecationWarning)
            _, pushed = torch.func.jvp(
                lambda leaves: torch.func.functional_call(network, leaves, _tensor(inputs)),
                (dict(network.named_parameters()),),
                (dict(direction.named_parameters()),),
            )
        return np.asarray(pushed.detach())

    def initial_weights(
        self, scheme: str, n_in: int, n_out: int, rng: np.random.Generator
    ) -> Array:
        """Draw by `torch.nn.init`, which counts fan-in along the second axis."""
        weights = torch.empty((n_out, n_in), dtype=torch.float64)
        generator = torch.Generator().manual_seed(_seed(rng))
        return np.asarray(SCHEMES[scheme](weights, generator=generator).T)

    def step(self, params: Params, gradient: Params, learning_rate: float) -> Params:
        """Take a step of `SGD`."""
        return _stepped(partial(torch.optim.SGD, lr=learning_rate), params, gradient)

    def sgd_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take a step of `SGD`, the biases in a group of parameters without decay."""

        def optimiser(leaves: list[Tensor]) -> Any:  # noqa: ANN401 - of torch
            weights = [leaf for leaf in leaves if leaf.ndim == 2]
            biases = [leaf for leaf in leaves if leaf.ndim == 1]
            groups = [
                {"params": weights, "weight_decay": weight_decay},
                {"params": biases, "weight_decay": 0.0},
            ]
            return torch.optim.SGD(groups, lr=learning_rate)

        return _stepped(optimiser, params, gradient)

    def adam_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take a step of `Adam`, whose weight decay is an L2 term."""
        optimiser = partial(torch.optim.Adam, lr=learning_rate, weight_decay=weight_decay)
        return _stepped(optimiser, params, gradient)

    def adamw_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take a step of `AdamW`."""
        optimiser = partial(torch.optim.AdamW, lr=learning_rate, weight_decay=weight_decay)
        return _stepped(optimiser, params, gradient)

    def dropout(
        self, x: Array, keep_prob: float, rng: np.random.Generator
    ) -> tuple[Array, Backward]:
        """Apply `Dropout` in training; its p is the probability to drop."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(rng))
            return _differentiated(nn.Dropout(1 - keep_prob).train(), x)

    def dropout_evaluate(self, x: Array, keep_prob: float) -> Array:
        """Apply `Dropout` in evaluation."""
        return np.asarray(nn.Dropout(1 - keep_prob).eval()(_tensor(x)))

    def softmax(self, z: Array) -> tuple[Array, Backward]:
        """Apply `Softmax`."""
        return _differentiated(nn.Softmax(dim=1), z)

    def normalised_dense(self, W: Array, x: Array) -> tuple[Array, Backward]:
        """Apply `LayerNorm` after a product."""
        norm = nn.LayerNorm(W.shape[1], dtype=torch.float64)
        return _differentiated(lambda weights: norm(_tensor(x) @ weights), W)

    def batch_norm(self, features: int) -> TorchBatchNorm:
        """Make a `BatchNorm1d`."""
        return TorchBatchNorm(nn.BatchNorm1d(features, dtype=torch.float64))

    def attention(self, x: Array, mask: npt.NDArray[np.bool_]) -> tuple[Array, Backward]:
        """Attend by `MultiheadAttention`, whose mask is True where a position may not look."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layer = nn.MultiheadAttention(
                x.shape[-1], HEADS, batch_first=True, dtype=torch.float64
            ).eval()
        return _differentiated(lambda z: layer(z, z, z, attn_mask=torch.tensor(~mask))[0], x)

    def embedding(
        self, table: Array, indices: npt.NDArray[np.int64], padding_index: int
    ) -> tuple[Array, Backward]:
        """Look rows up by `Embedding`."""
        layer = nn.Embedding.from_pretrained(
            _tensor(table), freeze=False, padding_idx=padding_index
        )
        out = layer(torch.tensor(indices))
        return out.detach().numpy(), _backward(out, layer.weight)


@dataclass(frozen=True)
class TorchBatchNorm:
    """A `BatchNorm1d` with its running statistics.

    Attributes
    ----------
    layer : BatchNorm1d
        It.
    """

    layer: Any

    def train(self, x: Array) -> Array:
        """Call it in training."""
        return np.asarray(self.layer.train()(_tensor(x)).detach())

    def evaluate(self, x: Array) -> Array:
        """Call it in evaluation."""
        return np.asarray(self.layer.eval()(_tensor(x)).detach())


def _tensor(array: Array) -> Tensor:
    """Copy, as torch takes neither negative strides nor read-only memory."""
    return torch.tensor(np.array(array))


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**63))


def _differentiated(layer: Callable[[Tensor], Tensor], x: Array) -> tuple[Array, Backward]:
    """Apply a layer; also return its backward pass."""
    leaf = _tensor(x).requires_grad_()
    out = layer(leaf)
    return out.detach().numpy(), _backward(out, leaf)


def _backward(out: Tensor, leaf: Tensor) -> Backward:
    def backward(dout: Array) -> Array:
        return np.asarray(torch.autograd.grad(out, leaf, _tensor(dout), retain_graph=True)[0])

    return backward


def _named(gradients: tuple[Tensor, ...]) -> Params:
    """Name gradients, which are in the order of the layers; torch's weights are transposed."""
    named: Params = {}
    for k in range(len(gradients) // 2):
        weights, biases = gradients[2 * k : 2 * k + 2]
        named |= {f"W{k + 1}": weights.numpy().T, f"b{k + 1}": biases.numpy()}
    return named


def _stepped(
    optimiser: Callable[[list[Tensor]], Tensor], params: Params, gradient: Params
) -> Params:
    """Make an optimiser of all parameters and take one step."""
    leaves = {name: nn.Parameter(_tensor(value)) for name, value in params.items()}
    for name, leaf in leaves.items():
        leaf.grad = _tensor(gradient[name])
    optimiser(list(leaves.values())).step()
    return {name: leaf.detach().numpy() for name, leaf in leaves.items()}


@dataclass(frozen=True)
class OneGroup(TorchNN):
    """The same with all parameters in one group: the shortest way to call `SGD`."""

    def sgd_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take a step of `SGD`."""
        optimiser = partial(torch.optim.SGD, lr=learning_rate, weight_decay=weight_decay)
        return _stepped(optimiser, params, gradient)


@dataclass(frozen=True)
class FromProbabilities(TorchNN):
    """The same with `Sigmoid` outputs and `BCELoss`, as many examples have it."""

    def cost_and_gradient(
        self, params: Params, inputs: Array, targets: Array, weight_decay: float
    ) -> tuple[float, Params]:
        """Differentiate the loss of probabilities."""
        network = self._network(params)
        p = torch.sigmoid(network(_tensor(inputs)))
        cost = nn.BCELoss(reduction="sum")(p, torch.tensor(targets)) / len(inputs)
        return cost.item(), _named(torch.autograd.grad(cost, list(network.parameters())))


def relu() -> TorchNN:
    """Make the network with relu and logistic outputs."""
    return TorchNN("relu", "bce")


def tanh() -> TorchNN:
    """Make the network with tanh and softmax."""
    return TorchNN("tanh", "softmax")


def one_group() -> OneGroup:
    """Make the network whose optimiser decays all parameters."""
    return OneGroup()


def from_probabilities() -> FromProbabilities:
    """Make the network whose loss takes probabilities."""
    return FromProbabilities()


def subjects() -> tuple[TorchNN, ...]:
    """Return those of the table of conformance."""
    return relu(), tanh()
