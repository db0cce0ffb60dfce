"""Drop-ins: the signatures of other libraries' checkers, with our verdict.

For a test suite that calls `torch.autograd.gradcheck`, `jax.test_util.check_grads` or
`scipy.optimize.check_grad` in many places: change the import, and nothing else. What a signature
has and we do not do is refused by name; a tolerance that is given is taken over, a step is not,
as steps are chosen for every direction. INCONCLUSIVE is never a pass.

At the edge: composes `check` and `numeric`. A drop-in imports its library when it is first asked
for; that of SciPy needs none.
"""

import importlib
from typing import Any

HOMES = {
    "jax_check_grads": "jax_trees",
    "scipy_check_grad": "scipy_vectors",
    "torch_gradcheck": "torch_tensors",
    "torch_gradgradcheck": "torch_tensors",
}

__all__ = ["jax_check_grads", "scipy_check_grad", "torch_gradcheck", "torch_gradgradcheck"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - functions of several signatures
    """Load a drop-in, and with it its library.

    Raises
    ------
    ImportError
        If the library is missing; the message says how to install it.
    """
    if name in HOMES:
        return getattr(importlib.import_module(f".{HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
