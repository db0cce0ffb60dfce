"""Functions that travel to other processes, and what may happen to them there.

Importable by its own name, so that pickle finds them; see `tests/test_crew.py`.
"""

import os
import signal
import time
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Net:
    """Two layers with tanh and a squared error; `wrong` entries of the claim are off."""

    data: np.ndarray
    wrong: tuple = ()
    seconds: float = 0.0

    def f(self, p):
        """Return the loss."""
        time.sleep(self.seconds)
        out = np.tanh(self.data @ p["W1"] + p["b1"]) @ p["W2"]
        return 0.5 * np.mean(out**2)

    def grad(self, p):
        """Return its gradient."""
        hidden = np.tanh(self.data @ p["W1"] + p["b1"])
        dout = hidden @ p["W2"] / len(self.data)
        dz = dout[:, None] * p["W2"] * (1 - hidden**2)
        claim = {"W1": self.data.T @ dz, "b1": dz.sum(axis=0), "W2": hidden.T @ dout}
        for name, index in self.wrong:
            claim[name][index] *= 2
        return claim


def net(**settings):
    """Make one."""
    return Net(np.random.default_rng(0).standard_normal((6, 3)), **settings)


def point(dtype=float, width=4):
    """Draw its parameters."""
    rng = np.random.default_rng(1)
    shapes = {"W1": (3, width), "b1": (width,), "W2": (width,)}
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


@dataclass
class Away:
    """A sum of sines that does something else in another process than that of the test.

    `marker`: a file that is made when it happens, so that it happens once; none: each time.
    """

    what: str
    marker: str = ""
    after: float = 0.3  # only where the first entry is larger than that, or smaller if negative
    home: int = field(default_factory=os.getpid)

    def __call__(self, x):
        """Return the sum."""
        if os.getpid() != self.home and x[0] != 0.25 and self._is_first():
            getattr(self, f"_{self.what}")()
        slightly = 1e-12 if self.what == "differ" and os.getpid() != self.home else 0.0
        return float(np.sum(np.sin(x))) + slightly

    def grad(self, x):
        """Return its gradient."""
        return np.cos(x)

    def _is_first(self):
        if not self.marker:
            return True
        try:
            os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def _die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def _hang(self):
        time.sleep(600)

    def _fail(self):
        raise FileNotFoundError("weights.npy")

    def _differ(self):
        pass


@dataclass
class Stuck:
    """Cannot be sent anywhere."""

    def __call__(self, x):
        """Return a sum."""
        return float(np.sum(x**2))

    def __reduce__(self):
        """Refuse."""
        raise TypeError("a handle of a device")


def vector(x):
    """Return an array."""
    return np.array([np.sum(np.sin(x)), np.prod(x), x[0] * x[-1]])


def vector_jvp(x, v):
    """Push a tangent forward."""
    rest = np.array([np.prod(np.delete(x, i)) for i in range(len(x))])
    return np.array([np.cos(x) @ v, rest @ v, v[0] * x[-1] + x[0] * v[-1]])


def root(x):
    """Return a sum of powers; nothing below 0."""
    assert np.all(x >= 0)
    return float(np.sum(x**1.5))


def root_gradient(x):
    """Return its gradient."""
    return 1.5 * np.sqrt(x)


def short_jvp(x, v):
    """Likewise, in float32 whatever x is."""
    return vector_jvp(x.astype(np.float32), v.astype(np.float32)).astype(np.float32)


def vector_vjp(x, u):
    """Pull a cotangent back."""
    jacobian = np.stack([vector_jvp(x, e) for e in np.eye(len(x))], axis=1)
    return jacobian.T @ u


@dataclass
class Drawn:
    """Dropout with a generator of its own, and with that of the module."""

    rng: np.random.Generator

    def __call__(self, x):
        """Return a sum over what was kept."""
        self.mask = (self.rng.random(x.shape) < 0.7) * np.random.random(x.shape)  # noqa: NPY002
        return float(np.sum(self.mask * np.sin(x)))

    def grad(self, x):
        """Draw likewise."""
        mask = (self.rng.random(x.shape) < 0.7) * np.random.random(x.shape)  # noqa: NPY002
        return mask * np.cos(x)


@dataclass
class Logged:
    """Counts its calls, by process, in the size of a file."""

    folder: str

    def __call__(self, p):
        """Return a sum of sines."""
        with open(os.path.join(self.folder, str(os.getpid())), "ab") as file:
            file.write(b".")
        return float(sum(np.sum(np.sin(x)) for x in p.values()))

    def grad(self, p):
        """Return its gradient."""
        return {name: np.cos(x) for name, x in p.items()}
