"""The checks of Keras: what is right passes, what is wrong fails by name, all is left alone.

With the backend that Keras finds; KERAS_BACKEND chooses another.
"""

import warnings

import numpy as np
import pytest

from gradcheck import Plan, UsageError

with warnings.catch_warnings():  # of what Keras itself imports
    warnings.simplefilter("ignore")
    keras = pytest.importorskip("keras")

from keras import layers, ops

from gradcheck.adapters.keras import check_layer

# Keras reads variables in a way of which NumPy 2 warns
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
PLAN = Plan.auto(seed=3)
BACKEND = keras.backend.backend()
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="needs that backend")
X = np.random.default_rng(5).standard_normal((6, 3))


def causes(report):
    """List the causes of what a report found."""
    return [str(finding.cause) for finding in report.findings]


def built(layer, shape=(None, 3)):
    """Build a layer from the same random numbers, and draw what starts as zeros and ones."""
    keras.utils.set_random_seed(2)
    layer.build(shape)
    drawing = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign(0.5 * drawing.standard_normal(variable.shape))
    return layer


def stacked(**options):
    """Make a small model with dropout and moving averages."""
    parts = [layers.Dense(5), layers.BatchNormalization(), layers.Dropout(0.3)]
    return built(
        keras.Sequential([keras.Input((3,)), *parts, layers.Dense(2, activation="gelu")], **options)
    )


def two_inputs():
    """Make a model of a graph with a penalty."""
    a, b = keras.Input((3,)), keras.Input((2,))
    joined = layers.Concatenate()([a, b])
    return keras.Model([a, b], layers.Dense(2, kernel_regularizer="l2")(joined))


class Attention(keras.Layer):
    """Attention of a sequence to itself."""

    def __init__(self):
        super().__init__()
        self.inner = layers.MultiHeadAttention(2, 2, use_bias=False)

    def build(self, shape):
        """Build what is inside."""
        self.inner.build(shape, shape)

    def call(self, x):
        """Attend."""
        return self.inner(x, x)


sequence = np.random.default_rng(6).standard_normal((2, 4, 3))
RIGHT = {
    "dense": (built(layers.Dense(4, activation="tanh")), (X,)),
    "stacked": (stacked(), (X,)),
    "two-inputs": (two_inputs(), ([X, X[:, :2]],)),
    "embedding": (built(layers.Embedding(5, 3), (None,)), (np.array([1, 1, 4]),)),
    "recurrent": (built(layers.GRU(3), (None, 4, 3)), (sequence,)),
    "normalised": (built(layers.LayerNormalization()), (X,)),
    "convolution": (built(layers.Conv1D(2, 3), (None, 4, 3)), (sequence,)),
    "attention": (built(Attention(), (None, 4, 3)), (sequence,)),
}
if BACKEND != "jax":  # which has float64 only where it is set so
    RIGHT["float64"] = (built(layers.Dense(4, dtype="float64")), (X,))


def state_of(layer):
    """List all that a check must leave alone."""
    parts = layer._flatten_layers()
    attributes = [(key, id(value)) for each in parts for key, value in vars(each).items()]
    policies = [each.dtype_policy.name for each in parts]
    values = [keras.ops.convert_to_numpy(v.value).tobytes() for v in layer.variables]
    return values, attributes, policies, [id(v.value) for v in layer.variables]


@pytest.mark.parametrize(("layer", "inputs"), RIGHT.values(), ids=RIGHT)
def test_right_layer_passes_in_float64_and_is_left_alone(layer, inputs):
    """Whatever its dtype; variables, attributes and policies stay."""
    before = state_of(layer)
    report = check_layer(layer, *inputs, plan=PLAN)
    assert report.ok, report
    assert set(causes(report)) <= {"setup", "precision"}
    if BACKEND != "jax" or not isinstance(layer, Attention):  # JAX has a softmax in float32
        assert all(leaf.bar < 1e-6 for leaf in report.leaves.values() if leaf.numeric)
    assert state_of(layer) == before


def test_training_freezes_dropout_and_leaves_averages_and_seeds_alone():
    """In the mode that is asked for."""
    model = stacked()
    before = state_of(model)
    report = check_layer(
        model, X, training=True, loss=lambda out: ops.mean(out**2), plan=Plan.auto(seed=1)
    )
    assert report.verdict != "fail", report
    for path, leaf in report.leaves.items():
        assert leaf.verdict == "pass" or path.endswith("dense/bias") or leaf.numeric < 1e-3, report
    assert state_of(model) == before


def test_leaves_are_named_by_path():
    """Inputs first; nested ones by where they are."""
    report = check_layer(two_inputs(), [X, X[:, :2]], plan=PLAN)
    names = list(report.leaves)
    assert names[:2] == ["inputs[0][0]", "inputs[0][1]"]
    assert [name.rpartition("/")[2] for name in names[2:]] == ["kernel", "bias"]
    assert all(leaf.path == name for name, leaf in report.leaves.items())


def test_loss_may_read_penalties():
    """A regulariser is part of what is differentiated."""
    model = two_inputs()
    report = check_layer(
        model, [X, X[:, :2]], loss=lambda out: ops.mean(out**2) + sum(model.losses), plan=PLAN
    )
    assert report.ok, report


class Half(keras.Layer):
    """A product of which half of the gradient is cut off."""

    def build(self, shape):
        """Make a square weight."""
        self.w = self.add_weight(shape=(shape[-1], shape[-1]), name="w")

    def call(self, x):
        """Multiply."""
        return x + ops.matmul(x, self.w) + ops.stop_gradient(ops.matmul(x, self.w))


def test_wrong_layer_fails_by_name():
    """In the leaf that is wrong."""
    report = check_layer(built(Half(name="half")), X, plan=PLAN)
    assert report.verdict == "fail"
    assert report.leaves["half/w"].cause == "scale"
    assert "half/w is wrong in every entry" in str([f.message for f in report.findings])
    loss = check_layer(built(Half(name="half")), X, loss=lambda y: ops.mean(y**2), plan=PLAN)
    assert loss.leaves["half/w"].cause == "scale"


class Raising(keras.Layer):
    """It draws, assigns, keeps, and raises."""

    def build(self, shape):
        """Make state."""
        self.w = self.add_weight(shape=(shape[-1],), name="w")
        self.count = self.add_weight(shape=(), trainable=False, name="count")
        self.seeds = keras.random.SeedGenerator(3)

    def call(self, x):
        """Change much, then raise."""
        self.count.assign(self.count + 1)
        self.kept = keras.random.uniform((3,), seed=self.seeds) * self.w
        raise RuntimeError("a kernel that fails")


def test_layer_that_raises_is_left_alone():
    """And what it raised is told."""
    layer = built(Raising())
    before = state_of(layer)
    report = check_layer(layer, X, plan=PLAN)
    assert report.verdict == "inconclusive"
    assert "a kernel that fails" in str(report)
    assert state_of(layer) == before
    assert not hasattr(layer, "kept")


def test_interrupted_check_leaves_all_alone():
    """As by Ctrl-C, at whatever call."""
    model, calls = stacked(), []
    before = state_of(model)

    def loss(out):
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return ops.mean(out)

    with pytest.raises(KeyboardInterrupt):
        check_layer(model, X, loss=loss, training=True, plan=PLAN)
    assert state_of(model) == before


class Custom(keras.Layer):
    """A `tf.custom_gradient` that reads a variable of the layer, off by a factor."""

    def __init__(self, factor):
        super().__init__(name="custom")
        self.factor = factor

    def build(self, shape):
        """Make a square weight."""
        self.w = self.add_weight(shape=(shape[-1], shape[-1]), name="w")

    def call(self, x):
        """Multiply."""
        import tensorflow as tf

        @tf.custom_gradient
        def multiply(x):
            def grad(dout, variables=None):
                dw = self.factor * (tf.transpose(x) @ dout)
                return dout @ tf.transpose(self.w), [dw for _ in variables or ()]

            return tf.matmul(x, self.w), grad

        return multiply(x)


@on_tensorflow
def test_custom_gradient_that_reads_variables_is_known_as_it_is():
    """Where it is not a function of the layer's variables, it is judged in its own digits."""
    report = check_layer(built(Custom(1.0)), X, plan=PLAN)
    assert report.ok, report
    report = check_layer(built(Custom(1.01)), X, plan=PLAN)
    assert report.leaves["custom/w"].verdict == "fail"
    assert report.leaves["inputs[0]"].verdict == "pass"


class Traced(keras.Layer):
    """A layer whose product is a graph that was made before."""

    def build(self, shape):
        """Make a square weight, and the graph."""
        import tensorflow as tf

        self.w = self.add_weight(shape=(shape[-1], shape[-1]), name="w")
        self.product = tf.function(lambda x: tf.matmul(x, tf.cast(self.w, x.dtype)))

    def call(self, x):
        """Multiply."""
        return self.product(x)


@on_tensorflow
def test_graph_that_was_made_before_is_no_false_alarm():
    """It would not see values that a scope holds."""
    layer = built(Traced(name="traced"))
    layer(X)
    report = check_layer(layer, X, plan=PLAN)
    assert report.ok, report


def test_senseless_calls_are_refused():
    """With what would make sense."""
    with pytest.raises(UsageError, match="layer is of type builtin_function"):
        check_layer(len, X)
    with pytest.raises(UsageError, match="has no variables yet: call it once"):
        check_layer(layers.Dense(2), X)
    with pytest.raises(UsageError, match="reference= is made of the layer itself"):
        check_layer(built(layers.Dense(2)), X, reference=len)
    with pytest.raises(UsageError, match=r"loss returned shape \(6, 2\)"):
        check_layer(built(layers.Dense(2)), X, loss=lambda out: out)
    with pytest.raises(UsageError, match="belongs to the plan"):
        check_layer(built(layers.Dense(2)), X, rtol=1e-3)


@on_tensorflow
def test_layers_are_none_of_the_adapter_of_tensorflow():
    """It says where they are checked."""
    from gradcheck.adapters.tensorflow import check_module

    with pytest.raises(UsageError, match=r"check_layer\(layer, \*inputs\)"):
        check_module(built(layers.Dense(2)), X)
