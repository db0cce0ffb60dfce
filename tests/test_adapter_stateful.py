"""Networks that keep their gradients in themselves: judged right, and left as they were."""

from collections import Counter, OrderedDict, deque
from types import SimpleNamespace

import numpy as np
import pytest

from gradcheck import Cause, Plan, UsageError, Verdict
from gradcheck.adapters import stateful

from .stateful_nets import (
    Attributes,
    BatchNorm,
    Dense,
    Dropout,
    Nielsen,
    Sequential,
    T,
    Tanh,
    TwoLayerNet,
    X,
    Y,
    backward_propagation,
    compute_cost,
    weights,
)
from .stateful_twins import (
    Adding,
    Clips,
    ForgottenPenalty,
    InPlaceUpdate,
    LostMean,
    NoForward,
    NoMeanTerm,
    OldCache,
    ReboundUpdate,
    RunningInTraining,
    ScalarUpdate,
    Summed,
    TransposedSquare,
    WrongSign,
)

PLAN = Plan.auto(seed=1)


def check(net, *args, **options):
    """Check with a fixed seed, and see that the network is left as it was."""
    before = portrait((net, args))
    try:
        return stateful.check(net, *args, plan=PLAN, **options)
    finally:
        assert portrait((net, args)) == before


def portrait(thing):
    """Describe all of an object: which objects it holds, and every bit of its arrays."""
    if isinstance(thing, np.ndarray):
        return id(thing), thing.shape, thing.tobytes(), thing.flags.writeable
    if isinstance(thing, np.random.Generator):
        return id(thing), repr(thing.bit_generator.state)
    if isinstance(thing, dict):
        return id(thing), [(key, portrait(value)) for key, value in thing.items()]
    if isinstance(thing, (list, tuple, deque)):
        return type(thing), [portrait(value) for value in thing]
    if hasattr(thing, "__dict__") and not callable(thing):
        return id(thing), portrait(vars(thing))
    return repr(thing)


def normalised():
    """Make a network with a layer that keeps running statistics."""
    return Sequential(Dense(4, 5), BatchNorm(5), Tanh(), Dense(5, 3))


# --- right networks pass ----------------------------------------------------------------------

x, t = X[:1].T, T[:1].T
RIGHT = {
    "dict": lambda: (TwoLayerNet(), X, Y),
    "lists": lambda: (Nielsen(), x, t),
    "layers": lambda: (Sequential(), X, T),
    "running statistics": lambda: (normalised(), X, T),
    "attributes": lambda: (Attributes(), X, T),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_networks_pass_by_convention(name):
    """And it is said what was taken for what."""
    report = check(*RIGHT[name]())
    assert report.ok
    assert report.findings[-1].message.startswith("taken by convention: the parameters ")


@pytest.mark.parametrize("name", RIGHT)
def test_a_second_check_says_the_same(name):
    """Nothing is left behind that the next one would trip over, also after a pass by the user."""
    net, *args = RIGHT[name]()
    first = check(net, *args)
    returned = net.loss(*args) if hasattr(net, "loss") else None
    if hasattr(net, "backward"):
        net.backward()
    del returned
    assert list(check(net, *args).leaves) == list(first.leaves)


def test_functions_of_a_dict_of_parameters():
    """The style of deeplearning.ai: `parameters`, and `grads` with the keys dW1."""
    parameters = {"W1": weights(4, 3), "b1": weights(3)}
    report = check(parameters, X, T, loss=compute_cost, backward=backward_propagation)
    assert report.ok
    assert set(report.leaves) == {"['W1']", "['b1']"}


WAYS = {
    "a rule": {"params": ["W1", "b1", "gain"], "grads": "d{}"},
    "paths": {"params": ["b1", "W1"], "grads": ["db1", "dW1"]},
    "a function": {"params": ["W1", "b1"], "grads": lambda net: (net.dW1, net.db1)},
    "a dict": {"params": ["W1"], "grads": lambda net: {"dW1": net.dW1}},
    "calls": {
        "params": ["W1"],
        "loss": lambda net, X, T: net.loss(X, T),
        "backward": lambda net, X, T: net.backward(),
    },
    "methods": {"params": "b1", "grads": "db1", "loss": "loss", "backward": "backward"},
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_named_is_taken(way):
    """Each way to say where parameters and gradients are."""
    report = check(Attributes(), X, T, **WAYS[way])
    assert report.ok
    asked = WAYS[way]["params"]
    assert list(report.leaves) == ([asked] if isinstance(asked, str) else asked)


def test_gradients_that_are_returned_or_in_a_container():
    """By name in a dict, in order in a tuple, in lists like those of the parameters."""
    net = Nielsen()
    assert check(net, x, t, params=["biases", "weights"], grads="returned").ok
    one = check(
        net, x, t, params="weights", grads="returned", backward=lambda n, *a: n.backprop(*a)[1]
    )
    assert list(one.leaves) == ["weights[0]", "weights[1]"]
    assert one.ok
    assert check(
        net,
        params=["biases[1]", "weights[0]"],
        grads=lambda n: [n.backprop(x, t)[0][1], n.backprop(x, t)[1][0]],
        loss=lambda n: n.cost(x, t),
        backward=lambda n: None,
    ).ok


def test_lists_of_gradients_under_the_names_of_their_parameters():
    """As in grads = {"weights": [...], "dbiases": [...]}."""

    class Named(Nielsen):
        def backprop(self, x, y):
            nabla_b, nabla_w = super().backprop(x, y)
            self.grads = {"weights": nabla_w, "dbiases": nabla_b}

    assert check(Named(), x, t).ok
    assert check(Named(), x, t, params=["weights", "biases"], grads="grads").ok


def test_a_backward_pass_with_other_names_is_given_the_same_arguments():
    """In the order of the loss."""

    class Renamed(Attributes):
        def backward(self, data, targets):
            assert targets is T
            super().backward()

    report = check(Renamed(), X, T)
    assert report.ok
    assert "backward(data, targets)" in report.findings[-1].message


def test_a_gradient_that_is_lost_later_is_in_the_report():
    """After the first pass, a missing gradient is the network's doing."""

    class Once(Attributes):
        def backward(self):
            super().backward()
            if not np.array_equal(self.W1, Attributes().W1):
                self.db1 = None

    report = check(Once(), X, T)
    assert report.ok  # right where it is, and elsewhere nothing has been shown
    net = Once()
    net.W1 += 1
    with pytest.raises(UsageError, match=r"no gradient of b1"):
        check(net, X, T)


def test_layers_with_dicts_of_their_own():
    """layers[0].params['W'] and layers[0].grads['W']."""

    class Layer(Dense):
        def __init__(self, n, m):
            super().__init__(n, m)
            self.params = {"W": self.W, "b": self.b}

        def backward(self, dout):
            dx = super().backward(dout)
            self.grads = {"W": self.dW, "b": self.db}
            return dx

    report = check(Sequential(Layer(4, 5), Tanh(), Layer(5, 3)), X, T)
    assert report.ok
    assert next(iter(report.leaves)) == "layers[0].params['W']"
    assert "layers[0].grads['W'], layers[0].grads['b']" in report.findings[-1].message


def test_a_list_of_layers_without_a_class():
    """The root may be a list; paths start with an index."""
    layers = [Dense(4, 3), Tanh()]

    def loss(layers):
        out = layers[1].forward(layers[0].forward(X))
        return np.sum((out - T) ** 2)

    def backward(layers):
        layers[0].backward(layers[1].backward(2 * (layers[1].out - T)))

    report = check(layers, loss=loss, backward=backward)
    assert report.ok
    assert list(report.leaves) == ["[0].W", "[0].b"]


def test_float32_networks_are_judged_where_they_are():
    """In place, so in their own precision."""
    net = Attributes()
    net.W1, net.b1 = net.W1.astype("f4"), net.b1.astype("f4")
    del net.flat
    assert check(net, X.astype("f4"), T.astype("f4")).ok
    net.backward = lambda: (Attributes.backward(net), setattr(net, "dW1", 1.01 * net.dW1))
    report = check(net, X.astype("f4"), T.astype("f4"))
    assert report.leaves["W1"].verdict is Verdict.FAIL


def test_zero_grad_is_called_where_there_is_one():
    """Gradients that add up are right in a training loop that empties them."""

    class Adding(Attributes):
        def zero_grad(self):
            self.dW1, self.db1, self.dgain = np.zeros((4, 3)), np.zeros(3), 0.0

        def backward(self):
            kept = self.dW1, self.db1, self.dgain
            super().backward()
            self.dW1, self.db1, self.dgain = (
                old + new for old, new in zip(kept, (self.dW1, self.db1, self.dgain), strict=True)
            )

    report = check(Adding(), X, T)
    assert report.ok
    assert "zero_grad() and backward()" in report.findings[-1].message


def test_dropout_inside_needs_its_generator_named():
    """As in check_grad."""
    net = Sequential(Dense(4, 5), Dropout(), Dense(5, 3))
    assert check(net, X, T).findings[0].cause is Cause.NONDETERMINISTIC
    assert check(net, X, T, random=net.layers[1].rng).ok


# --- planted faults ---------------------------------------------------------------------------


def layered(*layers):
    """Put layers between two good ones."""
    return Sequential(Dense(4, 5), *layers, Dense(5, 3)), X, T


FAULTS = {
    "no weight decay": (
        lambda: (ForgottenPenalty(), X, Y), "params['W2']", Cause.MISSING_WEIGHT_DECAY
    ),
    "a mean for a sum": (lambda: (LostMean(), X, Y), "params['b2']", Cause.SCALE),
    "a sign": (lambda: (WrongSign(), x, t), "biases[1]", Cause.SIGN),
    "accumulates": (lambda: layered(Adding(5, 5)), "layers[1].W", Cause.ACCUMULATES),
    "updates in place": (lambda: (InPlaceUpdate(), X, T), "b1", Cause.MUTATED_INPUT),
    "updates by another array": (lambda: (ReboundUpdate(), X, T), "W1", Cause.MUTATED_INPUT),
    "updates a number": (lambda: (ScalarUpdate(), X, T), "gain", Cause.MUTATED_INPUT),
    "clips in forward": (lambda: layered(Clips(5, 5)), "layers[1].W", Cause.MUTATED_INPUT),
    "an old cache": (lambda: (OldCache(), X, T), "W1", Cause.STALE_CACHE),
    "no forward pass": (lambda: (NoForward(), X, T), None, Cause.STALE_CACHE),
    "constant statistics": (
        lambda: (Sequential(Dense(4, 5), NoMeanTerm(5), Tanh(), Dense(5, 3)), X, T),
        "layers[0].W",
        None,
    ),
    "transposed": (
        lambda: layered(TransposedSquare(5, 5)), "layers[1].W", Cause.TRANSPOSE
    ),
    "no sum": (lambda: layered(Summed(5, 5)), "layers[1].b", Cause.MISSING_REDUCTION),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found_where_they_are(fault):
    """The parameter and the cause are named."""
    make, path, cause = FAULTS[fault]
    report = check(*make())
    assert report.verdict is Verdict.FAIL
    if cause is not None:
        assert report.findings[0].cause is cause
    if path is not None:
        assert report.findings[0].leaf == path
        assert report.leaves[path].verdict is Verdict.FAIL


def test_a_loss_that_moves_with_every_call_is_not_judged():
    """The running mean moves, so differences mean nothing."""
    net = Sequential(Dense(4, 5), RunningInTraining(5), Dense(5, 3))
    report = check(net, X, T)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause is Cause.HIDDEN_STATE


def test_the_call_that_changes_a_parameter_is_named():
    """And what to do, here, where no function has an input."""
    message = check(InPlaceUpdate(), X, T).findings[0].message
    assert message.startswith("backward() changes the parameter b1 itself, ")
    assert "if it is no parameter" in message
    net = Sequential(Clips(4, 3))
    message = check(net, X, T, params=["layers[0].W"]).findings[0].message
    assert message.startswith("loss(x, t) changes the parameter layers[0].W itself, ")
    assert "params=" not in message


def test_what_is_wrong_elsewhere_only_is_found():
    """Not by a cache: a branch that the parameters as given do not take."""

    class Branching(Attributes):
        def backward(self):
            super().backward()
            if self.gain != 1.3 and np.all(self.W1 != Attributes().W1):
                self.db1 = 1.01 * self.db1

    report = check(Branching(), X, T)
    assert report.leaves["b1"].verdict is Verdict.FAIL
    assert report.findings[0].cause is Cause.SCALE
    assert report.findings[0].message.startswith("at other parameters, not as given: ")


def test_a_network_that_can_be_nowhere_else_passes():
    """Where it raises at other parameters, nothing has been shown."""

    class Fragile(Attributes):
        def backward(self):
            if np.abs(self.W1 - Attributes().W1).max() > 0.01:
                raise ValueError("too far")
            super().backward()

    report = check(Fragile(), X, T)
    assert report.ok
    assert (
        "could not be told: the derivative raised ValueError: too far at x, where f itself can be "
        "evaluated (test_adapter_stateful.py, line "
    ) in report.findings[0].message


def test_a_budget_holds_for_both_looks():
    """The second look has what the first left."""
    plan = Plan.auto(seed=1, budget=13)
    report = stateful.check(Attributes(), X, T, plan=plan)
    assert report.evaluations <= 13


# --- everything is as it was ------------------------------------------------------------------


class Interrupted(BaseException):
    """As KeyboardInterrupt, which the test runner would take for its own."""


class Rich(Attributes):
    """Holds one of each."""

    shared = {}  # noqa: RUF012 - the point of it
    total = 0

    def __init__(self, until=10**9, error=ValueError):
        super().__init__()
        self.until, self.raises = until, error
        self.calls, self.log, self.seen = 0, [], set()
        self.counts, self.order = Counter(), OrderedDict(a=1)
        self.recent = deque(maxlen=2)
        self.rng = np.random.default_rng(5)
        self.objects = np.array([[1], "a"], dtype=object)
        self.nested = SimpleNamespace(layer=Dense(2, 2), pair=(np.zeros(2), [1]))
        self.locked = np.arange(3.0)
        self.locked.flags.writeable = False
        self.grown = np.zeros(3)

    def loss(self, X, T):
        """Change all of it."""
        self.calls += 1
        Rich.total += 1
        self.shared[self.calls] = X
        self.log.append(self.hidden if self.calls > 1 else None)
        self.seen.add(self.calls)
        self.counts["loss"] += 1
        self.order.move_to_end("a")
        self.order[self.calls] = 0
        self.recent.append(self.calls)
        self.rng.random()
        self.objects[0] = self.calls
        self.nested.layer.W *= 2
        self.nested.pair[0][:] += 1
        self.nested.pair[1].clear()
        self.nested.layer.extra = self
        self.locked.flags.writeable = True
        self.grown = np.append(self.grown, 1.0)
        del X
        if self.calls > self.until:
            raise self.raises("in the middle")
        return super().loss(globals()["X"], T)


ENDS = [(10**9, ValueError), (4, ValueError), (9, KeyboardInterrupt), (1, Interrupted)]


@pytest.mark.parametrize(("until", "error"), ENDS)
def test_all_is_put_back(until, error):
    """After a pass, after an exception and after Ctrl-C; objects are the same ones."""
    net = Rich(until, error)
    held = net.W1, net.b1, net.nested.layer.W, net.grown, net.log
    before = [array.tobytes() for array in held[:4]]
    if error is ValueError:
        report = check(net, X, T, params=["W1", "b1"])
        assert report.ok is (until > 100)
    else:
        with pytest.raises(error):
            check(net, X, T, params=["W1", "b1"])
    assert net.W1 is held[0]
    assert net.b1 is held[1]
    assert net.nested.layer.W is held[2]
    assert net.grown is held[3]
    assert net.log is held[4]
    assert [array.tobytes() for array in held[:4]] == before
    assert (Rich.total, Rich.shared, net.counts, net.seen) == (0, {}, Counter(), set())
    assert not net.locked.flags.writeable
    assert net.W1.base is net.b1.base


def test_an_object_that_refuses_leaves_the_others_restored():
    """What it raises is raised, after all else has been put back."""

    class Stubborn(dict):
        def update(self, *args):
            raise RuntimeError("not again")

    net = Attributes()
    net.cache = Stubborn(a=1)
    net.loss = lambda X, T: (net.cache.clear(), Attributes.loss(net, X, T))[1]
    before = net.W1.tobytes(), net.gain
    with pytest.raises(RuntimeError, match="not again"):
        stateful.check(net, X, T)
    assert (net.W1.tobytes(), net.gain) == before
    assert not hasattr(net, "dW1")


def test_views_stay_views_while_it_runs():
    """Whoever holds the vector behind the parameters sees them move."""
    seen = []

    class Watched(Attributes):
        def loss(self, X, T):
            seen.append(np.array_equal(self.flat[:12].reshape(4, 3), self.W1))
            return super().loss(X, T)

    net = Watched()
    assert check(net, X, T).ok
    assert all(seen)
    assert np.shares_memory(net.W1, net.flat)


def test_properties_that_make_views_are_parameters_too():
    """W is a new array at each access, in the memory of flat."""

    class Flat:
        def __init__(self):
            self.flat = weights(12)

        W = property(lambda self: self.flat.reshape(4, 3))

        def loss(self, X, T):
            self.X, self.error = X, X @ self.W - T
            return np.sum(self.error**2)

        def backward(self):
            self.dW = 2 * self.X.T @ self.error

    assert check(Flat(), X, T, params="W").ok


def test_data_that_a_network_changes_are_put_back():
    """They are no parameter, but the user's."""

    class Centring(Attributes):
        def loss(self, X, T):
            X -= X.mean(axis=0)
            return super().loss(X, T)

    data = X.copy()
    check(Centring(), data, T)
    assert np.array_equal(data, X)


def test_slots_and_private_names_are_put_back():
    """Objects without a dict."""

    class Slotted:
        __slots__ = ("W", "__hidden", "_calls", "dW")

        def __init__(self):
            self.W, self._calls, self.__hidden = weights(3), 0, 1

        def loss(self):
            self._calls += 1
            self.__hidden = self._calls
            return np.sum(np.sin(self.W))

        def backward(self):
            self.dW = np.cos(self.W)

        def state(self):
            return self._calls, self.__hidden, hasattr(self, "dW")

    net = Slotted()
    assert stateful.check(net, plan=PLAN).ok
    assert net.state() == (0, 1, False)


def test_classes_of_a_notebook_or_of_a_file_with_an_unlucky_name_are_looked_into():
    """Code that is executed has no module, and a user's may be called as one of Python's own."""
    source = "class Net(Base):\n    pass\n"
    for module in ({}, {"__name__": "code"}):
        space = {**module, "Base": Attributes}
        exec(source, space)
        assert check(space["Net"](), X, T).ok


def test_cycles_and_random_sources_of_others_are_no_trouble():
    """A layer that knows its network; a generator named and not held by it."""
    net = Sequential(Dense(4, 5), Dense(5, 3))
    net.layers[0].net = net
    rng = np.random.default_rng(4)
    state = rng.bit_generator.state
    report = stateful.check(
        net,
        loss=lambda n: n.loss(X + 0.1 * rng.standard_normal(X.shape), T),
        backward=lambda n: n.backward(),
        random=rng,
        plan=PLAN,
    )
    assert report.ok
    assert rng.bit_generator.state == state


# --- bad input --------------------------------------------------------------------------------


def broken(**attributes):
    """Make a network with something wrong in it."""
    net = Attributes()
    for name, value in attributes.items():
        setattr(net, name, value)
    return net


class Unset(Attributes):
    """Forgets db1."""

    def backward(self):
        """Plant it."""
        super().backward()
        self.db1 = None


class Scores(Attributes):
    """Returns an array."""

    def loss(self, X, T):
        """Plant it."""
        return super().loss(X, T) * np.ones(3)


class NeedsUpstream(Attributes):
    """Must be told what to go back from."""

    def backward(self, dout):
        """Plant it."""
        super().backward()


class Copying(Attributes):
    """Hands out copies of its parameters."""

    W = property(lambda self: self.W1.copy())


BAD = {
    "unknown attribute": (Attributes, {"params": ["W3"]}, r"has no 'W3'; it has flat, W1, b1"),
    "unknown layer": (Sequential, {"params": ["layers[9].W"]}, r"has no 9; it has 3 items"),
    "no path": (Attributes, {"params": ["W1 + b1"]}, r"'W1 \+ b1' is no path"),
    "no parameters": (Tanh, {"loss": lambda net, X, T: 1.0, "backward": lambda *a: None},
                      r"no parameters were found in a Tanh"),
    "not a path": (Attributes, {"params": [weights(3)]}, r"takes paths, such as"),
    "none at all": (Attributes, {"params": []}, r"an empty list"),
    "a layer": (Sequential, {"params": ["layers[0]"]}, r"is a Dense, but .*layers\[0\]\.W"),
    "integers": (lambda: broken(W1=np.ones((4, 3), int)), {}, r"'W1' holds integers \(int64\)"),
    "an integer": (lambda: broken(gain=1), {"params": "gain"}, r"such as 1\.0"),
    "read-only": (lambda: broken(W1=np.broadcast_to(1.0, (4, 3))), {}, r"read-only"),
    "a copy at each access": (lambda: Copying(), {"params": "W"}, r"another array at each access"),
    "a number in a tuple": (lambda: broken(pair=(1.0, 2.0)), {"params": "pair"}, r"in a tuple"),
    "an empty list": (lambda: broken(many=[]), {"params": "many"}, r"'many' is an empty list"),
    "shared": (Attributes, {"params": ["flat", "W1"]}, r"'flat' and 'W1' share memory"),
    "no gradient": (Unset, {}, r"no gradient of b1 \(shape \(3,\)\).*looked for db1, grad_b1"),
    "no gradient of a number": (lambda: broken(b=0.5), {}, r"no gradient of b \(shape \(\)\)"),
    "no such gradient": (Attributes, {"params": "W1", "grads": "grads"}, r"gradient of W1 .*grads"),
    "lists of other lengths": (Attributes, {"params": ["W1", "b1"], "grads": ["dW1"]}, r"lists 1"),
    "grads of another kind": (Attributes, {"grads": 3}, r"grads is 3, but it takes a path"),
    "no number": (Scores, {}, r"returned an array of shape \(3,\).*one real number"),
    "no loss": (Dense, {}, r"no method loss or compute_loss"),
    "no such method": (Attributes, {"loss": "energy"}, r"no method energy"),
    "no backward": (lambda: SimpleNamespace(W=weights(3), loss=lambda X, T: 1.0), {},
                    r"no method backward or"),
    "an argument too many": (NeedsUpstream, {}, r"backward\(dout\) needs dout"),
    "an option of check_grad": (Attributes, {"reference": 3}, r"reference=3 is not an option"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    """What is wrong, where, and what to do."""
    make, options, message = BAD[case]
    net = make() if case not in ("no loss",) else Dense(4, 3)
    before = portrait(net)
    with pytest.raises(UsageError, match=message):
        stateful.check(net, X, T, **options)
    assert portrait(net) == before


def test_a_loss_that_takes_other_arguments_is_not_guessed_at():
    """Its signature is shown."""
    with pytest.raises(UsageError, match=r"loss\(X, T\) cannot be called with the 1 arguments"):
        stateful.check(Attributes(), X)


def test_what_the_network_raises_is_in_the_report():
    """As anywhere: of f inconclusive, of the derivative a failure, with its traceback."""

    class Raising(Attributes):
        def backward(self):
            raise IndexError("out of the batch")

    report = check(Raising(), X, T)
    assert report.verdict is Verdict.FAIL
    assert "IndexError: out of the batch" in report.findings[0].message
    report = check(Rich(until=0), X, T)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "ValueError: in the middle" in report.findings[0].message


def test_what_might_be_a_parameter_and_has_no_gradient_is_listed():
    """Nothing is left out in silence: neither a setting of that name nor an array of any name."""
    net = broken(beta=0.9, slopes=weights(3), mean=0.3)
    net.loss(X, T)
    net.backward()
    report = check(net, X, T)
    assert report.ok
    left = report.findings[-1].message.partition("; left out, without a gradient: ")[2]
    assert left == "beta, slopes."
