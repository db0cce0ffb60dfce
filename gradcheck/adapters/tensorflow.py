"""Check the gradients of TensorFlow: of a `tf.custom_gradient`, and of a module.

Owns the two public functions. Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

try:
    import tensorflow as tf
except ModuleNotFoundError as error:
    message = "gradcheck.adapters.tensorflow needs TensorFlow: pip install tensorflow"
    raise ImportError(message) from error

from ..check import Options
from ..records import PyTree, Report, UsageError
from .answers import with_faults
from .attributes import attributes_kept
from .modes import merged
from .tensorflow_checks import Checked, Subject, one_number
from .tensorflow_questions import other_when_compiled
from .tensorflow_tensors import Tensor

__all__ = ["check_function", "check_module"]


def check_function(
    fn: Callable[..., Any],
    *inputs: Any,  # noqa: ANN401 - whatever the function takes
    argnums: int | tuple[int, ...] | None = None,
    compiled: bool = False,
    double_backward: bool = False,
    forward: bool = False,
    **options: Unpack[Options],
) -> Report:
    """Check the gradient of a function of tensors, such as one with `tf.custom_gradient`.

    Parameters
    ----------
    fn : callable
        `fn(*inputs)` returns a tensor, or tensors in tuples, lists and dicts. Trainable variables
        that it reads are differentiated too, as `grad_fn(upstream, variables=...)` returns theirs.
    *inputs
        Tensors, variables and NumPy arrays of floating or complex numbers are differentiated, also
        in tuples, lists and dicts; all else, such as integers and numbers of Python, is handed on.
    argnums : int or tuple of int, optional
        Which inputs are differentiated; all by default.
    compiled : bool
        Check `tf.function(fn)`, and that it answers as `fn` does, unless it draws random numbers.
    double_backward : bool
        Check the gradient of the gradient too: leaves `['double'][0]` for inputs, and
        `['double dout'][0]` for upstream gradients.
    forward : bool
        Check the forward mode too, which TensorFlow makes of a custom gradient, with leaves
        `forward: [0]`; and that both modes agree, <u, J v> = <J' u, v>.
    **options : Options
        As of `gradcheck.check_vjp`; `reference(*inputs)` takes and returns tensors, and is for
        functions that read no variables.

    Returns
    -------
    Report
        One for all modes. Leaves are named by the position of their input, such as `[0]`, and by
        the names of variables.

    Raises
    ------
    UsageError
        If nothing can be differentiated, no floating tensor is returned, or the call makes no sense
        otherwise.

    Notes
    -----
    A gradient that is None counts as zeros, and slices with indices, as of an embedding, are made
    dense, those of one index added. A complex gradient is read as TensorFlow and PyTorch define it,
    df = Re sum conj(g) dx.

    A float32 function of tensors is judged in float64, where it follows its inputs. A variable has
    one dtype, in which the function is then judged.

    Random numbers are the same at every call. All variables that `fn` reads or writes, generators
    and the global seed are afterwards as they were, also after an exception: what these are is read
    off a graph of `fn`, for which it is called once with symbolic tensors. Where it has no graph,
    only trainable variables are put back, and generators of its own are not held still. Operations
    with a seed of their own start afresh, as after `tf.random.set_seed`.

    Examples
    --------
    >>> import tensorflow as tf
    >>> from gradcheck.adapters.tensorflow import check_function
    >>> @tf.custom_gradient
    ... def cube(x):
    ...     def grad(dout):
    ...         return 2 * x**2 * dout  # should be 3
    ...     return x**3, grad
    >>> report = check_function(cube, tf.linspace(0.5, 2.0, 4))
    >>> report.verdict, report.findings[0].cause
    (<Verdict.FAIL: 'fail'>, <Cause.SCALE: 'scale'>)
    """
    func = _callable(fn)
    chosen = _chosen(argnums, len(inputs))
    subject = Subject(
        lambda tree: func(*tree),
        inputs,
        lambda accessor: accessor[0].entry in chosen,
        around=partial(attributes_kept, _owners(fn)),
    )
    check = Checked.of(subject, options, lambda given: lambda tree: given(*tree))
    asked = check.compiled() if compiled else check
    reports = {"backward": asked.backward()}
    if compiled:
        faults = other_when_compiled(check.own, asked.own, check.seed)
        reports["backward"] = with_faults(reports["backward"], faults)
    if double_backward:
        reports["double backward"] = asked.double_backward()
    if forward:
        reports["forward"] = asked.forward()
    return merged(reports)


def check_module(
    module: Any,  # noqa: ANN401 - TensorFlow may not be installed where types are checked
    *inputs: Any,  # noqa: ANN401 - whatever the module takes
    loss: Callable[[Any], Tensor] | None = None,
    training: bool | None = None,
    **options: Unpack[Options],
) -> Report:
    """Check the gradient of a `tf.Module`, by its trainable variables and its inputs.

    Parameters
    ----------
    module : tf.Module
        Called as `module(*inputs)`. For layers and models of Keras there is
        `gradcheck.adapters.keras.check_layer`.
    *inputs
        As of `check_function`.
    loss : callable, optional
        `loss(output)` returns a tensor of one number, of which the gradient is checked; variables
        that it reads, as for a penalty, are differentiated there too. By default the outputs are
        checked, with random upstream gradients.
    training : bool, optional
        Handed on as `module(*inputs, training=training)`, if it is given.
    **options : Options
        As of `gradcheck.check_grad`; `reference` is another module with variables of the same
        names, which computes the same in float64.

    Returns
    -------
    Report
        Leaves are named as in the module, `layers[0].w`, and inputs `inputs[0]`. Of a variable that
        is not used it is certified that its gradient is zero.

    Raises
    ------
    UsageError
        If it is no module, nothing can be differentiated, or the loss is no number.

    Notes
    -----
    Variables are written to while the check runs. These, those that are not trainable, such as
    running statistics, generators and attributes are afterwards as they were, also where the module
    raises. See `check_function`.

    Examples
    --------
    >>> import tensorflow as tf
    >>> from gradcheck.adapters.tensorflow import check_module
    >>> class Linear(tf.Module):
    ...     def __init__(self):
    ...         self.w = tf.Variable([[0.5], [2.0]])
    ...     def __call__(self, x):
    ...         return x @ self.w
    >>> report = check_module(Linear(), tf.constant([[1.0, 3.0]]))
    >>> report.verdict, list(report.leaves)
    (<Verdict.PASS: 'pass'>, ['inputs[0]', 'w'])
    """
    _require_module("module", module)
    settings: dict[str, Any] = dict(options)
    reference = settings.pop("reference", None)
    check = Checked.of(_of_module(module, inputs, loss, training), settings)
    if reference is not None:
        _require_module("reference", reference)
        check = check.beside(Checked.of(_of_module(reference, inputs, loss, training), settings))
    return check.backward() if loss is None else check.gradient()


# --- what is given ------------------------------------------------------------------------------


def _callable(fn: Any) -> Callable[..., Any]:  # noqa: ANN401 - whatever was given
    if isinstance(fn, tf.Module) and not isinstance(fn, _FUNCTION):
        raise UsageError(
            f"fn is the module {type(fn).__name__}: use check_module(module, *inputs), which names "
            f"its variables and leaves them alone."
        )
    if not callable(fn):
        raise UsageError(
            f"fn is of type {type(fn).__name__}, but it must be a function of tensors: fn(*inputs)."
        )
    return fn  # type: ignore[no-any-return]


_FUNCTION = type(tf.function(lambda: None))


def _chosen(argnums: int | tuple[int, ...] | None, count: int) -> tuple[int, ...]:
    """Return the numbers of the inputs that are differentiated."""
    if argnums is None:
        return tuple(range(count))
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if not chosen or any(not 0 <= k < count for k in chosen):
        raise UsageError(f"argnums={argnums!r}, but there are {count} inputs, from 0.")
    return chosen


def _require_module(name: str, module: object) -> None:
    if any(kind.__module__.startswith("keras.") for kind in type(module).__mro__):
        raise UsageError(
            f"{name} is the layer or model {type(module).__name__} of Keras: use "
            f"check_layer(layer, *inputs) of gradcheck.adapters.keras."
        )
    if not isinstance(module, tf.Module) or not callable(module):
        raise UsageError(
            f"{name} is of type {type(module).__name__}, but it must be a tf.Module that can be "
            f"called; for a function there is check_function(fn, *inputs)."
        )


def _owners(fn: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever was given
    """Return the modules that a method belongs to, whose attributes a call may change."""
    owner = getattr(fn, "__self__", None)
    return (owner, *owner.submodules) if isinstance(owner, tf.Module) else ()


# --- a module -----------------------------------------------------------------------------------


def _of_module(
    module: Any,  # noqa: ANN401 - TensorFlow's
    inputs: tuple[Any, ...],
    loss: Callable[[Any], Tensor] | None,
    training: bool | None,  # noqa: FBT001 - that of the public function
) -> Subject:
    mode = {} if training is None else {"training": training}

    def call(tree: PyTree) -> Any:  # noqa: ANN401 - what the module returns
        output = module(*tree, **mode)
        return output if loss is None else one_number(loss(output))

    return Subject(
        call,
        inputs,
        variables=_variables(module),
        others=tuple(module.variables),
        around=partial(attributes_kept, (module, *module.submodules)),
        prefix="inputs",
    )


def _variables(module: Any) -> dict[str, Any]:  # noqa: ANN401 - TensorFlow's
    """Name the trainable variables by where they are, such as `layers[0].w`; each of them once."""
    found = module._flatten(predicate=lambda part: isinstance(part, tf.Variable), with_path=True)
    by_identity = {id(v): (path, v) for path, v in reversed(list(found)) if v.trainable}
    pairs = reversed(by_identity.values())
    return {_written(path): v for path, v in pairs}


def _written(path: tuple[Any, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")
