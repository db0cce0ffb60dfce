"""The checks of TensorFlow: what is right passes, what is wrong fails by name."""

import random

import numpy as np
import pytest

from gradcheck import Plan, UsageError

tf = pytest.importorskip("tensorflow")

from gradcheck.adapters.tensorflow import check_function, check_module  # noqa: E402 - needs it

PLAN = Plan.auto(seed=3)
X = tf.constant(np.linspace(0.3, 1.7, 6), tf.float64)
SHORT = tf.cast(X, tf.float32)
rng = np.random.default_rng(5)


def normal(*shape, dtype="float64"):
    """Draw a tensor."""
    return tf.constant(rng.standard_normal(shape).astype(dtype))


def causes(report):
    """List the causes of what a report found."""
    return [str(finding.cause) for finding in report.findings]


# --- functions -----------------------------------------------------------------------------------


@tf.custom_gradient
def cube(x):
    """Raise to the third power."""
    return x**3, lambda dout: 3 * x**2 * dout


@tf.custom_gradient
def linear(x, W, b):
    """Multiply, and add a bias."""

    def grad(dout):
        return dout @ tf.transpose(W), tf.transpose(x) @ dout, tf.reduce_sum(dout, 0)

    return x @ W + b, grad


@tf.custom_gradient
def moments(x):
    """Sum and sum of squares."""
    return (tf.reduce_sum(x), tf.reduce_sum(x**2)), lambda d, e: d + 2 * x * e


z = tf.constant([0.3 + 0.7j, -1.1 + 0.2j], tf.complex128)
both = {"double_backward": True, "forward": True}
RIGHT = {
    "cube": (cube, (X,), {**both, "compiled": True}),
    "linear": (linear, (normal(5, 3), normal(3, 3), normal(3)), both),
    "float32": (linear, tuple(normal(*s, dtype="float32") for s in ((5, 3), (3, 2), (2,))), {}),
    "bfloat16": (tf.sin, (tf.cast(X, tf.bfloat16),), both),
    "float16": (tf.sin, (tf.cast(X, tf.float16),), {}),
    "moments": (moments, (X,), {"double_backward": True}),
    "numpy": (tf.sin, (X.numpy(),), {}),
    "variable": (tf.sin, (tf.Variable(X),), {"forward": True}),
    "structures": (
        lambda d, n: {"y": d["a"] * d["b"][0] ** n, "n": n},
        ({"a": X, "b": [X + 1, None]}, 2),
        both,
    ),
    "complex": (lambda z: z * tf.math.conj(z) + z**2, (z,), both),
    "holomorphic": (lambda z: tf.exp(z) * z, (z,), {"compiled": True}),
    "complex64": (lambda z: z * tf.math.conj(z) * z, (tf.cast(z, tf.complex64),), {}),
    "softmax": (lambda x: tf.reduce_sum(tf.nn.softmax(x), -1), (normal(6, 4),), {"forward": True}),
    "dropout": (lambda x: tf.nn.dropout(x, 0.5), (X,), {"compiled": True}),
    "own-seed": (lambda x: x * tf.random.uniform([6], seed=5, dtype=x.dtype), (X,), {}),
    "gather": (lambda W, i: tf.gather(W, i) ** 2, (normal(5, 2), tf.constant([1, 1, 3])), {}),
    "one-unused": (lambda x, y: tf.sin(y), (X, X), {}),
    "zero-dimensional": (tf.sin, (tf.constant(0.3, tf.float64),), both),
    "part-in-float32": (
        lambda x: tf.cast(tf.nn.softmax(tf.cast(x, tf.float32)), x.dtype) * x,
        (SHORT,),
        {},
    ),
    "own-graph": (tf.function(cube), (X,), {"forward": True}),
    "not-for-graphs": (lambda x: x * float(tf.reduce_sum(x).numpy() > 0), (X,), {}),
}


@pytest.mark.parametrize(("fn", "inputs", "modes"), RIGHT.values(), ids=RIGHT)
def test_right_function_passes(fn, inputs, modes):
    """In every mode that is asked for, with nothing to complain of."""
    report = check_function(fn, *inputs, plan=PLAN, **modes)
    assert report.ok, report
    assert set(causes(report)) <= {"setup", "convention", "precision"}


def test_leaves_are_named_by_input_and_by_mode():
    """Of the gradient, of that of the gradient, of the forward mode."""
    report = check_function(cube, X, **both, plan=PLAN)
    assert list(report.leaves) == ["[0]", "['double'][0]", "['double dout'][0]", "forward: [0]"]
    report = check_function(lambda x, y: x * y, X, X, argnums=1, plan=PLAN)
    assert list(report.leaves) == ["[1]"]


def test_convention_of_complex_gradients_is_that_of_torch():
    """Nothing is translated; JAX and autograd conjugate."""
    with tf.GradientTape() as tape:
        tape.watch(z)
        y = tf.math.imag(z)
    assert tape.gradient(y, z).numpy().tolist() == [1j, 1j]
    report = check_function(lambda z: z * tf.math.conj(z), z, plan=PLAN)
    assert "as in TensorFlow and PyTorch" in report.findings[-1].message


def wrong(forward, backward):
    """Make a function with a custom gradient of one input."""

    @tf.custom_gradient
    def made(x):
        return forward(x), lambda *dout: backward(x, *dout)

    return made


def kept_in_python():
    """Make a function that counts its calls, which a graph does once."""
    calls = []

    def fn(x):
        calls.append(None)
        return x * tf.cast(2.0 if tf.executing_eagerly() else 3.0, x.dtype)

    return fn


AGAIN = np.array([1, 1, 3, 3, 3, 0, 5, 5, 7, 7])
WRONG = {
    "factor": (wrong(tf.square, lambda x, d: x * d), (SHORT,), {}, "scale"),
    "sign": (wrong(tf.square, lambda x, d: -2 * x * d), (X,), {}, "sign"),
    "no-dout": (wrong(tf.square, lambda x, d: 2 * x), (X,), {}, "not-linear-in-cotangent"),
    "none": (wrong(tf.square, lambda x, d: None), (X,), {}, "detached"),
    "cut-off": (lambda x: tf.stop_gradient(x) ** 2, (X,), {}, "detached"),
    "transpose": (
        wrong(lambda x: x @ tf.transpose(x), lambda x, d: d @ x),
        (normal(3, 3),),
        {},
        None,
    ),
    "right-once": (
        wrong(tf.square, lambda x, d: 2 * tf.stop_gradient(x) * d),
        (X,),
        {"double_backward": True},
        "detached",
    ),
    "conjugated": (wrong(tf.square, lambda z, d: 2 * z * d), (z,), {}, None),
    "one-of-an-index": (
        wrong(
            lambda W: tf.gather(W, AGAIN),
            lambda W, d: tf.tensor_scatter_nd_update(tf.zeros_like(W), AGAIN[:, None], d),
        ),
        (normal(9, 2),),
        {},
        None,
    ),
    "compiled": (kept_in_python(), (X,), {"compiled": True}, "transformed"),
    "raises": (wrong(tf.square, lambda x, d: (d, d)), (X,), {}, "raised"),
}


@pytest.mark.parametrize(("fn", "inputs", "modes", "cause"), WRONG.values(), ids=WRONG)
def test_wrong_function_fails_by_name(fn, inputs, modes, cause):
    """Each by the cause that it has."""
    report = check_function(fn, *inputs, plan=PLAN, **modes)
    assert report.verdict == "fail", report
    assert cause is None or cause in causes(report), report
    if modes:
        assert check_function(fn, *inputs, plan=PLAN).ok


def test_output_that_is_cut_off_beside_another_is_remarked_on():
    """It may be on purpose."""
    report = check_function(lambda x: (tf.sin(x), tf.stop_gradient(x)), X, plan=PLAN)
    assert report.ok
    assert "from output 1, so it was left out" in report.findings[-1].message


# --- variables -----------------------------------------------------------------------------------


def scaled(factor, dtype=tf.float64):
    """Make a function that reads two variables, of which the gradient of one is off by a factor."""
    v = tf.Variable(np.linspace(1, 2, 6), dtype=dtype, name="v")
    w = tf.Variable(np.linspace(3, 2, 6), dtype=dtype, name="w")

    @tf.custom_gradient
    def fn(x):
        def grad(dout, variables=None):
            others = {"v": factor * w, "w": v}
            return dout * v * w, [dout * x * others[u.name[0]] for u in variables]

        return x * v * w, grad

    return fn, v, w


@pytest.mark.parametrize("modes", [{}, {"compiled": True}, both], ids=["eager", "graph", "both"])
def test_variables_that_are_read_are_differentiated(modes):
    """By their names; they are afterwards as they were."""
    fn, v, w = scaled(1.0)
    before = v.numpy().tobytes(), w.numpy().tobytes()
    report = check_function(fn, X, plan=PLAN, **modes)
    assert report.ok, report
    assert sorted(report.leaves)[-2:] == ["v", "w"]
    fn, wrong_v, _ = scaled(2.0)
    report = check_function(fn, X, plan=PLAN, **modes)
    assert report.findings[0].cause == "scale"
    assert report.leaves["v"].verdict == "fail"
    assert {report.leaves[path].verdict for path in ("[0]", "w")} == {"pass"}
    assert (v.numpy().tobytes(), w.numpy().tobytes()) == before
    assert wrong_v.numpy().tobytes() == before[0]


def test_float32_variables_are_judged_in_float32():
    """Inputs stay in step with them."""
    fn, _, _ = scaled(1.0, tf.float32)
    assert check_function(fn, SHORT, plan=PLAN).ok
    fn, _, _ = scaled(1.1, tf.float32)
    assert check_function(fn, SHORT, plan=PLAN).leaves["v"].cause == "scale"


def test_embedding_adds_what_one_index_has():
    """The tape returns slices with indices."""
    table = tf.Variable(normal(5, 2), name="table")
    report = check_function(lambda i: tf.gather(table, i) ** 2, tf.constant([1, 1, 3]), plan=PLAN)
    assert report.ok
    assert list(report.leaves) == ["table"]


# --- modules -------------------------------------------------------------------------------------


class Net(tf.Module):
    """Two layers with dropout, moving averages, a generator, a cache, and a wrong twin."""

    def __init__(self, factor=1.0, dtype=tf.float64):
        super().__init__()
        start = np.random.default_rng(2)
        self.layers = [
            tf.Variable(start.standard_normal((3, 4)), dtype=dtype),
            tf.Variable(start.standard_normal((4, 2)), dtype=dtype),
        ]
        self.by_name = {"unused": tf.Variable([1.0], dtype=dtype)}
        self.mean = tf.Variable(np.zeros(4), dtype=dtype, trainable=False)
        self.generator = tf.random.Generator.from_seed(1)
        self.factor, self.calls, self.seen = factor, 0, []

    def __call__(self, x, *, training=False):
        """Change much."""
        self.calls += 1
        self.seen.append(x)
        hidden = self.product(x, self.layers[0])
        mean = self.mean.read_value()
        if training:
            self.mean.assign(0.9 * mean + 0.1 * tf.reduce_mean(hidden, 0))
            hidden = tf.nn.dropout(hidden, 0.5)
            hidden += self.generator.normal(hidden.shape, dtype=hidden.dtype)
        self.cache = hidden
        return tf.tanh(hidden - mean) @ self.layers[1]

    def product(self, x, W):
        """Multiply; the gradient is off by a factor."""

        @tf.custom_gradient
        def multiply(x, W):
            return x @ W, lambda d: (d @ tf.transpose(W), self.factor * (tf.transpose(x) @ d))

        return multiply(x, W)


def state_of(module):
    """List all that a check must leave alone."""
    variables = [*module.variables, module.generator.state]
    attributes = [(key, id(value), repr(value)) for key, value in vars(module).items()]
    state = tf.random.get_global_generator().state.numpy().tobytes()
    return [v.numpy().tobytes() for v in variables], attributes, list(module.seen), state


x63 = normal(6, 3)


@pytest.mark.parametrize("training", [None, False, True])
@pytest.mark.parametrize(
    "loss", [None, lambda out: tf.reduce_mean(out**2)], ids=["outputs", "loss"]
)
def test_right_module_passes_and_is_left_alone(loss, training):
    """Bit for bit: variables, moving averages, generators, attributes, caches."""
    module = Net()
    before = state_of(module)
    report = check_module(module, x63, loss=loss, training=training, plan=PLAN)
    assert report.ok, report
    assert sorted(report.leaves) == ["by_name.unused", "inputs[0]", "layers[0]", "layers[1]"]
    assert report.leaves["by_name.unused"].numeric == 0
    assert state_of(module) == before


def test_wrong_module_fails_by_name():
    """In the variable that is wrong, and in float32 beside another in float64 too."""
    report = check_module(Net(2.0), x63, plan=PLAN)
    assert report.findings[0].cause == "scale"
    assert [path for path, leaf in report.leaves.items() if leaf.verdict == "fail"] == ["layers[0]"]
    short = tf.cast(x63, tf.float32)
    report = check_module(Net(1.001, tf.float32), short, reference=Net(), plan=PLAN)
    assert report.leaves["layers[0]"].verdict == "fail"
    assert check_module(Net(1.0, tf.float32), short, reference=Net(), plan=PLAN).ok


def test_loss_may_read_the_module():
    """A penalty is differentiated too; one that is cut off is found."""
    module = Net()
    right = check_module(
        module,
        x63,
        loss=lambda out: tf.reduce_mean(out**2) + tf.nn.l2_loss(module.layers[0]),
        plan=PLAN,
    )
    assert right.ok, right
    report = check_module(
        module,
        x63,
        loss=lambda out: tf.reduce_mean(out**2) + tf.nn.l2_loss(tf.stop_gradient(module.layers[0])),
        plan=PLAN,
    )
    assert report.findings[0].cause == "missing-weight-decay"


# --- what comes back as it was -------------------------------------------------------------------


def draw_twice(generator):
    """Draw from the global seed and from a generator."""
    return [*tf.random.uniform([2]).numpy(), *generator.normal([2]).numpy()]


def test_random_numbers_are_held_still_and_put_back():
    """The caller draws what it would have drawn."""
    generator = tf.random.Generator.from_seed(4)

    def fn(x):
        noise = tf.random.uniform([6], dtype=x.dtype) + generator.normal([6], dtype=x.dtype)
        return x * noise

    tf.random.set_seed(7)
    expected = [draw_twice(generator), draw_twice(generator)]
    generator.reset_from_seed(4)
    tf.random.set_seed(7)
    first = draw_twice(generator)
    assert check_function(fn, X, plan=PLAN).ok
    assert [first, draw_twice(generator)] == expected


def test_no_global_seed_stays_none():
    """And the global seed of a function that draws nothing is not touched at all."""
    from tensorflow.python.eager import context

    before = context.context()._seed
    context.context()._seed = None
    try:
        assert check_function(lambda x: tf.nn.dropout(x, 0.5), X, plan=PLAN).ok
        assert context.global_seed() is None
    finally:
        context.context()._seed = before


def test_module_that_raises_and_interrupted_check_leave_all_alone():
    """As by Ctrl-C; also NumPy's and Python's random numbers."""
    module, generator = Net(), np.random.default_rng(1)
    before, state, standard = state_of(module), generator.bit_generator.state, random.getstate()
    report = check_module(module, x63[:, :2], plan=PLAN)
    assert report.verdict == "inconclusive"
    assert "raised" in causes(report)
    assert state_of(module) == before
    calls = []

    def loss(out):
        calls.append(generator.normal() + random.random())
        if len(calls) == 6:
            raise KeyboardInterrupt
        return tf.reduce_mean(out)

    with pytest.raises(KeyboardInterrupt):
        check_module(module, x63, loss=loss, training=True, random=(generator, random), plan=PLAN)
    assert state_of(module) == before
    assert generator.bit_generator.state == state
    assert random.getstate() == standard


def test_inputs_stay_as_they_are():
    """Arrays and variables, also where the function assigns to them."""
    array, variable = X.numpy(), tf.Variable(X)
    other = tf.Variable(X, trainable=False)
    before = array.tobytes()
    assert check_function(
        lambda x, y, v: x * y * v.assign_add(v), array, variable, other, argnums=(0, 1), plan=PLAN
    ).ok
    assert array.tobytes() == variable.numpy().tobytes() == other.numpy().tobytes() == before


# --- usage ---------------------------------------------------------------------------------------

BAD = {
    "nothing-moves": (
        check_function,
        (lambda n: tf.ones(n), 3),
        {},
        "no input is a tensor",
    ),
    "no-output": (check_function, (tf.argmax, X), {}, "no floating or complex tensor was returned"),
    "no-function": (check_function, (3, X), {}, "fn is of type int"),
    "module-as-function": (check_function, (Net(), x63), {}, "use check_module"),
    "argnums": (check_function, (tf.sin, X), {"argnums": 1}, "argnums=1, but there are 1 inputs"),
    "unknown-option": (check_function, (tf.sin, X), {"rtol": 1e-3}, "belongs to the plan"),
    "batched": (check_function, (tf.sin, X), {"batched": True}, "batched= is not for TensorFlow"),
    "wrong-plan": (check_function, (tf.sin, X), {"plan": 3}, "the plan is 3"),
    "reference": (
        check_function,
        (scaled(1.0)[0], X),
        {"reference": tf.sin},
        "fn reads the variables",
    ),
    "no-module": (check_module, (tf.sin, X), {}, "module is of type"),
    "no-call": (check_module, (tf.Module(), X), {}, "module is of type Module"),
    "vector-loss": (check_module, (Net(), x63), {"loss": lambda out: out}, r"shape \(6, 2\)"),
    "no-tensor-loss": (check_module, (Net(), x63), {"loss": lambda out: 3}, "returned <class"),
    "other-reference": (
        check_module,
        (Net(), x63),
        {"reference": lambda x: x},
        "reference is of type function",
    ),
}


@pytest.mark.parametrize(("check", "given", "options", "message"), BAD.values(), ids=BAD)
def test_senseless_call_is_refused(check, given, options, message):
    """With what would make sense."""
    with pytest.raises(UsageError, match=message):
        check(*given, **options)


def test_graphs_are_refused():
    """A check needs numbers."""
    with tf.Graph().as_default(), pytest.raises(UsageError, match="run eagerly"):
        check_function(tf.sin, X.numpy())
