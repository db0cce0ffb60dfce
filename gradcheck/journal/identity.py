"""Of which check a journal is: everything that its numbers depend on, each part by its digest.

Part of `journal`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..execution import Origin
from ..records import Plan, Problem, PyTree, UsageError
from ..space import Array, Space, flatten, is_array, is_sparse, places_of, read, rms, working_dtype
from .code import digest_of_code


@dataclass(frozen=True)
class Identity:
    """What makes a check what it is.

    Attributes
    ----------
    parts : dict of str to str
        By a name that the user understands, a digest or the value itself.
    """

    parts: dict[str, str]

    def differences(self, other: dict[str, str]) -> list[str]:
        """Name the parts that differ, with the values where these are short."""
        names = sorted(self.parts.keys() | other.keys())
        return [
            _told(name, other.get(name, "none"), self.parts.get(name, "none"))
            for name in names
            if self.parts.get(name) != other.get(name)
        ]


SHORT = 24  # characters: a digest is longer


def _told(name: str, before: str, now: str) -> str:
    short = max(len(before), len(now)) <= SHORT
    return f"{name} ({before} then, {now} now)" if short else name


def identity_of(problem: Problem, space: Space, plan: Plan, version: str) -> Identity:
    """Put together what can be known before anything is called.

    Budgets are no part of it: more may be spent on the same check.
    """
    claim = problem.claim
    parts = {
        "the code of f": digest_of_code(problem.f),
        "the code of the derivative": digest_of_code(claim) if callable(claim) else "none",
        "the claimed gradient": "none" if callable(claim) or claim is True else digest_of([claim]),
        "the code of the reference": digest_of_code(problem.reference),
        "the point": digest_of([problem.x]),
        "the structure of the point": _structure(space),
        "the bounds": digest_of([[list(leaf.bounds or ()) for leaf in space.leaves]]),
        "kind": str(problem.kind),
        "plan": f"{plan.mode}{'' if plan.count is None else f':{plan.count}'}",
        "naming": str(plan.naming),
        "canary": str(plan.canary),
        "rtol": repr(plan.rtol),
        "gradcheck": version,
        "numpy": np.__version__,
    }
    for name, given in (("tangent", problem.tangent), ("retraction", problem.retraction)):
        if given is not None:
            code = digest_of_code(given) if callable(given) else ""
            parts[f"the {name}"] = code + digest_of([_answers(space, name)])
    return Identity(parts)


def _answers(space: Space, name: str) -> PyTree:
    """Return what a projection or a retraction makes of a direction: code shows no data."""
    rng = np.random.default_rng(0)  # the same in every run
    v = {i: rng.uniform(0.5, 1.5, array.shape) for i, array in space.bases.items()}
    v = dict(space.project({i: v[i].astype(working_dtype(space.leaves[i].array.dtype)) for i in v}))
    if name == "retraction":
        small = {i: 1e-3 * (rms(space.leaves[i].array) or 1.0) * v[i] for i in v}
        v = space.beside({i: space.leaves[i].array + small[i] for i in v}).bases
    return {str(i): array for i, array in v.items()}


def _structure(space: Space) -> str:
    told = [[leaf.path, leaf.kind, type(leaf.given).__qualname__] for leaf in space.leaves]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()


def answers_of(origin: Origin) -> dict[str, str]:
    """Return what the first calls have answered: they know of data that no code shows."""
    return {
        "the value f(x)": digest_of([origin.output.arrays]),
        "the derivative at x": digest_of([dict(origin.claimed)]),
        "what the output is paired with": digest_of([origin.cotangent]),
    }


def digest_of(trees: Iterable[PyTree]) -> str:
    """Return a digest of the numbers in some pytrees, bit for bit.

    Raises
    ------
    UsageError
        If an array cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for tree in trees:
        for path, value in flatten(tree)[0].items():
            array = _numbers(value)
            if array is not None:
                digest.update(f"{path} {array.dtype.str} {array.shape}\0".encode())
                digest.update(array.tobytes())
    return digest.hexdigest()


def _numbers(value: Any) -> Array | None:  # noqa: ANN401 - a leaf of any kind
    if is_array(value):
        array = value if isinstance(value, np.ndarray) else read(value)
        if is_sparse(value):  # where the values lie counts too
            array = np.concatenate([array.reshape(-1), *places_of(value), value.shape])
    elif isinstance(value, (bool, int, float, complex, str, np.generic)):
        array = np.asarray(value)
    else:
        return None
    return None if array.dtype.kind == "O" else array


def refuse(path: str, differences: list[str]) -> UsageError:
    """Say why a journal is not of this check."""
    return UsageError(
        f"the journal {path} is of another check: not the same are {'; '.join(differences)}. Give "
        f"another path, or remove the file to start anew."
    )
