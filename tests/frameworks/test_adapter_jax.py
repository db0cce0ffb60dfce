"""Rules of JAX, right and wrong: verdicts, causes, and what is asked beyond the differences."""

from functools import partial

import numpy as np
import pytest

from gradcheck import Cause, Plan, UsageError, Verdict

jax = pytest.importorskip("jax")
eqx = pytest.importorskip("equinox")
check = pytest.importorskip("gradcheck.adapters.jax").check
jnp = jax.numpy
linear_call = pytest.importorskip("jax.custom_derivatives").linear_call

X = np.random.default_rng(3).standard_normal(4)
W = np.random.default_rng(4).standard_normal((3, 4))
B = np.random.default_rng(5).standard_normal(3)
Z = X[:2] + 1j * X[2:]
PLAN = Plan.auto(seed=1)


@pytest.fixture(params=[False, True], ids=["float32", "float64"])
def x64(request):
    """Set JAX's precision, and put it back."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", request.param)
    yield request.param
    jax.config.update("jax_enable_x64", before)


def with_vjp(function, forward, backward, **options):
    """Give a function a rule for the reverse mode."""
    ruled = jax.custom_vjp(function, **options)
    ruled.defvjp(forward, backward)
    return ruled


def with_jvp(function, rule):
    """Give a function a rule for the forward mode."""
    ruled = jax.custom_jvp(function)
    ruled.defjvp(rule)
    return ruled


def dense(p, x):
    """Multiply, and add a bias."""
    return p["W"] @ x + p["b"]


def dense_with(backward):
    """Make a layer whose residuals are p and x."""
    return with_vjp(dense, lambda p, x: (dense(p, x), (p, x)), backward)


def dense_backward(kept, dout):
    """Go back through the layer."""
    p, x = kept
    return {"W": jnp.outer(dout, x), "b": dout}, p["W"].T @ dout


def cube_with(backward, forward=lambda x: (x**3, x)):
    """Make x**3."""
    return with_vjp(lambda x: x**3, forward, backward)


def noisy(x, key):
    """Drop out half of the entries, and take the sine of what is left."""
    return jnp.sin(x) * jax.random.bernoulli(key, shape=x.shape)


def taken(x, indices):
    """Take entries, some of them twice."""
    return x[indices]


def scattered(kept, dout):
    """Add up what was taken twice; there is no derivative of an index."""
    shape, indices = kept
    return jnp.zeros(shape, dout.dtype).at[indices].add(dout), None


def hypot(x, y):
    """Return the length of (x, y)."""
    return jnp.sqrt(x**2 + y**2)


def hypot_rule(primals, tangents):
    """Push tangents through it."""
    (x, y), (dx, dy) = primals, tangents
    r = hypot(x, y)
    return r, (x * dx + y * dy) / r


RIGHT = {
    "dense": (dense_with(dense_backward), ({"W": W, "b": B}, X)),
    "custom-jvp": (with_jvp(hypot, hypot_rule), (X, X + 1)),
    "jit": (jax.jit(cube_with(lambda x, dout: (3 * x**2 * dout,))), (X,)),
    "vmap": (jax.vmap(dense_with(dense_backward), (None, 0)), ({"W": W, "b": B}, W)),
    "complex": (
        with_vjp(lambda z: z**2, lambda z: (z**2, z), lambda z, d: (2 * z * d,)),
        (Z,),
    ),
    "complex-not-holomorphic": (lambda z: {"a": z**2 * jnp.conj(z), "b": jnp.abs(z)}, (Z,)),
    "key": (noisy, (X, jax.random.key(0))),
    "integers": (
        with_vjp(taken, lambda x, i: (x[i], (x.shape, i)), scattered),
        (X, np.array([1, 0, 1, 3])),
    ),
    "others": (
        lambda x, n, flag, nothing: x**n if flag and nothing is None else x,
        (X, 3, True, None),
    ),
    "nondiff": (
        with_vjp(
            lambda g, x, n: g(x) ** n,
            lambda g, x, n: (g(x) ** n, x),
            lambda g, n, x, d: (n * g(x) ** (n - 1) * jax.vjp(g, x)[1](d)[0],),
            nondiff_argnums=(0, 2),
        ),
        (jnp.tanh, X, 2.0),
    ),
    "equinox": (lambda m, x: m(x), (eqx.nn.Linear(4, 3, key=jax.random.key(0)), X)),
    "scalar": (lambda a, x: jnp.sum(a * jnp.exp(x)), (0.5, X)),
    "integer-output": (lambda x: (jnp.argmax(x), jnp.sort(x), x.sum()), (X,)),
    "relu": (jax.nn.relu, (X,)),
    "where": (lambda x: jnp.where(x > 0, x, 0.0) + jnp.sin(x), (X + 2,)),
    "branch-of-python": (lambda x: x**2 if x[0] > 0 else x**3, (X,)),
    "cancels": (lambda x: (x + 1e3) ** 2 - x**2 - 1e6, (X,)),
    "saturated": (lambda x: jax.nn.softmax(50 * x), (X,)),
    "solve": (lambda a, b: jnp.linalg.solve(a.T @ a, b), (W[:, :3], B)),
    "half-on-the-way": (
        lambda x: (x.astype(jnp.float16) * 3).astype(x.dtype) * 0 + jnp.sin(x),
        (X,),
    ),
}


@pytest.mark.parametrize(("fn", "args"), RIGHT.values(), ids=RIGHT)
def test_right_derivatives_pass(fn, args, x64):
    """In float32 and float64, and JAX's precision stays as it is set."""
    report = check(fn, *args, plan=PLAN)
    assert report.ok, str(report)
    assert bool(jax.config.jax_enable_x64) is x64
    assert jnp.sin(X).dtype == (np.float64 if x64 else np.float32)


def wrong_order(kept, dout):
    """Mistake the order of the arguments, which are of one shape."""
    x, y = kept
    return x * dout, y * dout


def leaks(x, dout):
    """Be right where nothing is traced."""
    slope = 3 * x**2
    return (slope * dout if not isinstance(x, jax.core.Tracer) else 2 * slope * dout,)


def averaged(x):
    """Divide by the mean on the host, of all that it is given."""
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return jax.pure_callback(
        lambda a: np.asarray(a / a.mean()), shape, x, vmap_method="expand_dims"
    )


def averaged_backward(x, dout):
    """Go back through it."""
    mean = x.mean()
    return (dout / mean - (dout @ x) / mean**2 / x.size,)


def halved_value(primals, tangents):
    """Return the derivative of sin, and half of its value."""
    (x,), (dx,) = primals, tangents
    return jnp.sin(x) / 2, jnp.cos(x) * dx


DENSE = ({"W": W, "b": B}, X)
SQUARE = np.random.default_rng(6).standard_normal((4, 4))
WRONG = {
    "factor": (cube_with(lambda x, d: (2 * x**2 * d,)), (X,), Cause.SCALE),
    "sign": (cube_with(lambda x, d: (-3 * x**2 * d,)), (X,), Cause.SIGN),
    "transpose": (
        with_vjp(
            lambda w, x: w @ x,
            lambda w, x: (w @ x, (w, x)),
            lambda k, d: (jnp.outer(k[1], d), k[0].T @ d),
        ),
        (SQUARE, X),
        Cause.TRANSPOSE,
    ),
    "matrix-not-transposed": (
        with_vjp(
            lambda w, x: w @ x,
            lambda w, x: (w @ x, (w, x)),
            lambda k, d: (jnp.outer(d, k[1]), k[0] @ d),
        ),
        (SQUARE, X),
        None,
    ),
    "missing-broadcast-sum": (
        with_vjp(lambda x, b: x + b, lambda x, b: (x + b, None), lambda _, d: (d, d)),
        (W, X),
        Cause.RAISED,  # by JAX, which compares the shapes
    ),
    "mean-for-a-broadcast-sum": (
        with_vjp(lambda x, b: x + b, lambda x, b: (x + b, None), lambda _, d: (d, d.mean(0))),
        (W, X),
        Cause.SCALE,
    ),
    "wrong-residual": (
        cube_with(lambda y, d: (3 * y**2 * d,), lambda x: (x**3, x**3)),
        (X,),
        None,
    ),
    "value-of-forward": (
        cube_with(lambda x, d: (3 * x**2 * d,), lambda x: (x**3 + 1, x)),
        (X,),
        Cause.VALUE,
    ),
    "value-of-a-jvp": (with_jvp(jnp.sin, halved_value), (X,), Cause.VALUE),
    "stop-gradient": (
        lambda x, y: jnp.tanh(x) * jax.lax.stop_gradient(jnp.exp(y)),
        (X, X),
        Cause.DETACHED,
    ),
    "order-of-the-arguments": (
        with_vjp(lambda x, y: x * y, lambda x, y: (x * y, (x, y)), wrong_order),
        (X, X + 2),
        None,
    ),
    "nondiff-mistaken": (
        with_vjp(
            lambda n, x: x**n,
            lambda n, x: (x**n, x),
            lambda n, x, d: (n * x**n * d,),
            nondiff_argnums=(0,),
        ),
        (3, X),
        None,
    ),
    "nondiff-in-the-order-of-the-function": (
        with_vjp(
            lambda x, n: x**n,
            lambda x, n: (x**n, x),
            lambda x, n, d: (n * x ** (n - 1) * d,),  # n comes first
            nondiff_argnums=(1,),
        ),
        (X, 3),
        None,
    ),
    "not-linear": (cube_with(lambda x, d: (3 * x**2 * jnp.abs(d),)), (X,), None),
    "transposed-rule": (
        lambda x: linear_call(lambda r, x: r * x, lambda r, t: 2 * r * t, 3.0, jnp.sin(x)),
        (X,),
        Cause.MODES_DISAGREE,
    ),
    "under-jit": (cube_with(leaks), (X,), Cause.TRANSFORMED),
    "under-vmap": (
        with_vjp(averaged, lambda x: (averaged(x), x), averaged_backward),
        (X + 3,),
        Cause.TRANSFORMED,
    ),
    "complex-conjugated": (
        with_vjp(lambda z: z**2, lambda z: (z**2, z), lambda z, d: (2 * jnp.conj(z) * d,)),
        (Z,),
        None,
    ),
}


@pytest.mark.parametrize(("fn", "args", "cause"), WRONG.values(), ids=WRONG)
def test_wrong_rules_fail_by_their_cause(fn, args, cause, x64):
    """One of the findings names it."""
    report = check(fn, *args, plan=PLAN)
    assert report.verdict is Verdict.FAIL, str(report)
    assert report.findings
    assert cause is None or cause in [finding.cause for finding in report.findings], str(report)


def test_value_fault_is_not_one_of_the_leaves():
    """The derivative is right, and so is its leaf."""
    fn, args, _ = WRONG["value-of-forward"]
    report = check(fn, *args, plan=PLAN)
    assert report.leaves["[0]"].verdict is Verdict.PASS
    assert report.findings[0].cause is Cause.VALUE
    assert "another value while it is differentiated" in report.findings[0].message
    assert Cause.TRANSFORMED not in [finding.cause for finding in report.findings]


def test_transformed_says_under_what_and_where():
    """And a fault under vmap alone is none under jit."""
    fn, args, _ = WRONG["under-vmap"]
    messages = [f.message for f in check(fn, *args, plan=PLAN).findings]
    assert any(m.startswith("under jax.vmap the value is another: ") for m in messages)
    assert not any("jax.jit" in m for m in messages)


def test_a_right_and_a_wrong_leaf_are_told_apart():
    """By JAX's paths."""
    fn = dense_with(
        lambda kept, d: ({**dense_backward(kept, d)[0], "b": 2 * d}, kept[0]["W"].T @ d)
    )
    report = check(fn, *DENSE, plan=PLAN)
    verdicts = {path: leaf.verdict for path, leaf in report.leaves.items()}
    assert verdicts == {"[0]['W']": "pass", "[0]['b']": "fail", "[1]": "pass"}


def test_paths_are_those_of_jax_also_in_classes_of_its_own():
    """An Equinox module, whose functions are handed on, in both modes."""
    model = eqx.nn.MLP(2, 1, 2, 1, key=jax.random.key(0))
    report = check(lambda m, x: m(x), model, X[:2], plan=PLAN)
    paths = [f"[0].layers[{k}].{name}" for k in (0, 1) for name in ("weight", "bias")] + ["[1]"]
    assert list(report.leaves) == [*paths, *(f"forward: {path}" for path in paths)]
    assert report.ok


def test_forward_mode_is_checked_where_there_is_one():
    """A custom_vjp has none, which is remarked on."""
    both = check(with_jvp(hypot, hypot_rule), X, X + 1, plan=PLAN)
    assert list(both.leaves) == ["[0]", "[1]", "forward: [0]", "forward: [1]"]
    assert not both.findings
    cube = cube_with(lambda x, dout: (3 * x**2 * dout,))
    one = check(cube, X, plan=PLAN)
    assert one.ok
    assert list(one.leaves) == ["[0]"]
    assert "no forward mode to check: a jax.custom_vjp has none" in one.findings[0].message


def test_reverse_mode_may_be_missing_too():
    """As through a loop whose length JAX does not know."""

    def powered(x):
        return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, x))[1]

    report = check(powered, X, plan=PLAN)
    assert report.ok
    assert list(report.leaves) == ["forward: [0]"]
    assert "no reverse mode" in report.findings[0].message


def test_what_cannot_be_compiled_is_remarked_on():
    """A branch of Python's is no fault of a derivative."""
    report = check(RIGHT["branch-of-python"][0], X, plan=PLAN)
    assert report.ok
    assert [f.cause for f in report.findings] == [Cause.TRANSFORMED] * 2
    assert "jax.jit, which raised TracerBoolConversionError" in report.findings[0].message


def test_nondiff_arguments_are_named():
    """They were not looked at, which a reader should know."""
    fn, args = RIGHT["nondiff"]
    report = check(fn, *args, plan=PLAN)
    assert list(report.leaves) == ["[1]"]
    assert any("nondiff_argnums of fn say: [0], [2]" in f.message for f in report.findings)


def normed(x):
    """Normalise rows, and add up to 0."""
    x = x - x.mean(-1, keepdims=True)
    return (x / jnp.sqrt((x**2).mean(-1, keepdims=True))).sum()


@pytest.mark.parametrize("fn", [lambda x: (x - x.mean()).sum(), normed], ids=["mean", "normed"])
def test_rounding_is_no_disagreement(fn, x64):
    """Where nothing but rounding is left of a value, and of a derivative."""
    report = check(fn, W + 100, plan=PLAN)
    faults = {Cause.MODES_DISAGREE, Cause.TRANSFORMED, Cause.VALUE}
    assert not faults & {finding.cause for finding in report.findings}


def test_modes_by_name():
    """Each alone, and as a single word."""
    assert list(check(jnp.sin, X, modes=["forward"], plan=PLAN).leaves) == ["forward: [0]"]
    assert list(check(jnp.sin, X, modes="reverse", plan=PLAN).leaves) == ["[0]"]


def test_options_are_those_of_check_grad():
    """A reference is called as fn is, and the seed replays both modes."""
    coarse = check(lambda x: jnp.sin(x.astype(jnp.bfloat16)), X, plan=PLAN)
    assert coarse.verdict is Verdict.INCONCLUSIVE
    report = check(jnp.sin, X, plan=PLAN, reference=jnp.sin, name="sine")
    assert report.ok
    assert report.name == "sine"
    assert report.plan.seed == 1
    seen = []
    check(jnp.sin, X, plan=PLAN, progress=lambda now: seen.append(now.leaf))
    assert seen == ["[0]", "forward: [0]"]


def test_bfloat16_is_judged_in_more_digits():
    """In both modes, where fn follows its argument; a function that rounds by itself is not."""
    x = X.astype(jnp.bfloat16)
    report = check(jnp.sin, x, plan=PLAN)
    assert report.ok
    assert {leaf.dtype for leaf in report.leaves.values()} == {"bfloat16"}


def test_random_sources_are_held_and_left_as_they_were():
    """Those of NumPy, where a function draws from them."""
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert check(lambda x: jnp.sin(x) * rng.standard_normal(4), X, random=rng, plan=PLAN)
    assert rng.bit_generator.state == before


def test_arguments_and_configuration_stay_as_they_are_after_an_exception(x64):
    """Where fn raises, also in the middle, and where the call itself is refused."""
    calls = []

    def raises(x, table):
        calls.append(x)
        table += 1
        if len(calls) > 3:
            raise KeyboardInterrupt
        return x * table

    x, table = X.copy(), np.arange(4)
    with pytest.raises(KeyboardInterrupt):
        check(raises, x, table, plan=PLAN)
    assert np.array_equal(x, X)
    assert np.array_equal(table, np.arange(4))
    assert bool(jax.config.jax_enable_x64) is x64
    assert jnp.sin(X).dtype == (np.float64 if x64 else np.float32)
    assert jax.config.jax_default_matmul_precision is None


def test_function_that_raises_is_inconclusive(x64):
    """The report says what it raised; a rule that raises fails."""

    def raises(x):
        raise RuntimeError("not today")

    report = check(raises, X, plan=PLAN)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "not today" in report.findings[0].message
    report = check(cube_with(lambda x, d: raises(x)), X, plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause is Cause.RAISED
    assert bool(jax.config.jax_enable_x64) is x64


def test_float64_arrays_are_taken_where_x64_is_off():
    """Made inside of its context; a NumPy array of float64 is one of float32 for JAX."""
    with jax.enable_x64(True):
        long = jnp.asarray(X)
    assert check(jnp.sin, long, plan=PLAN).leaves["[0]"].dtype == "float64"
    assert check(jnp.sin, X, plan=PLAN).leaves["[0]"].dtype == "float32"
    assert check(jnp.sin, X.astype("f2"), plan=PLAN).leaves["[0]"].dtype == "float16"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(check, 3.0, X), "fn is of type float"),
        (partial(check, jnp.sin), "the arguments are nothing: there is no floating"),
        (partial(check, jnp.sin, np.arange(3)), "the arguments are ndarray: there is no floating"),
        (partial(check, RIGHT["nondiff"][0], jnp.tanh, 2, 2.0), r"the nondiff_argnums \[0, 2\]"),
        (partial(check, jnp.argmax, X), "fn returned no floating or complex array"),
        (partial(check, jnp.sin, X, modes=["back"]), r"modes=\['back'\]"),
        (partial(check, jnp.sin, X, modes=[]), r"modes=\[\]"),
        (
            partial(check, WRONG["sign"][0], X, modes=["forward"]),
            "fn has no forward mode: a jax.custom_vjp",
        ),
        (partial(check, jnp.sin, jnp.ones(3, jnp.float8_e4m3fn)), r"leaf \[0\] has dtype float8"),
        (partial(check, jnp.sin, {"a": np.array([np.nan])}), r"leaf \[0\]\['a'\] is nan"),
        (partial(check, jnp.sin, X, plan=3), "the plan is 3"),
        (partial(check, jnp.sin, X, rtol=1e-3), "rtol=0.001 is not an option"),
        (partial(jax.jit(lambda x: check(jnp.sin, x)), X), r"leaf \[0\] is a tracer"),
    ],
)
def test_senseless_call_is_refused(call, message):
    """With what would make sense."""
    with pytest.raises(UsageError, match=message):
        call()


def test_convention_of_complex_numbers_is_named_as_that_of_jax():
    """Nothing is conjugated, in the sentence as in the claim."""
    z = jnp.array([0.3 + 0.7j, -1.1 + 0.2j])
    report = check(lambda z: jnp.exp(z) * z, z, plan=PLAN)
    assert report.ok
    (named,) = [f for f in report.findings if f.cause == "convention"]
    assert "df = Re sum g dx" in named.message
    assert named.evidence == {"convention": "JAX"}
