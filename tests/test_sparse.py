"""Sparse matrices of SciPy in the point and as claims: their stored values are the entries."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, UsageError, Verdict

sparse = pytest.importorskip("scipy.sparse")

RNG = np.random.default_rng(4)
DENSE = np.where(RNG.random((6, 5)) < 0.4, RNG.standard_normal((6, 5)), 0.0)
V, Y = RNG.standard_normal(5), RNG.standard_normal(6)
CLASSES = {
    name: getattr(sparse, name)
    for name in (
        "csr_array", "csr_matrix", "csc_array", "csc_matrix", "coo_array", "coo_matrix",
        "bsr_array", "bsr_matrix",
    )
}  # fmt: skip


def made(name, dense=DENSE, dtype=np.float64):
    """Make a matrix of one of the classes."""
    if name.startswith("bsr"):
        return CLASSES[name](sparse.csr_array(dense.astype(dtype)), blocksize=(3, 5))
    return CLASSES[name](dense.astype(dtype))


def residual(a):
    """Return A v - y."""
    return a @ V - Y


def loss(a):
    """Return half the square of the residual, and refuse what is not as it was given."""
    assert sparse.issparse(a)
    return float(np.sum(residual(a) ** 2) / 2)


def dense_gradient(a):
    """Return the gradient by all entries, stored or not."""
    return np.outer(residual(a), V)


def on_pattern(a, factor=1.0):
    """Return it as a matrix with the places of A."""
    d = a.tocoo(copy=True)
    d.data = factor * dense_gradient(a)[d.row, d.col]
    return d


FORMS = {
    "sparse": on_pattern,
    "same class": lambda a: type(a)(on_pattern(a)),
    "another pattern": lambda a: sparse.csc_array(dense_gradient(a)),
    "dense": dense_gradient,
    "data": lambda a: on_pattern(a).data.reshape(a.data.shape),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CLASSES)
def test_right_gradient_passes_in_every_form(name, form):
    """And what the caller gave comes back, bit for bit; f gets its class, places and dtype."""
    a, seen = made(name), set()
    before = a.copy()

    def f(x):
        seen.add((type(x), x.dtype, x.nnz, x.format))
        assert x is not a
        return loss(x)

    for seed in range(3):
        for plan in (Plan.auto(seed=seed, canary=True), Plan.every(seed=seed)):
            report = gradcheck.check_grad(f, FORMS[form], a, plan=plan)
            assert report.ok, report
            assert report.leaves["x"].shape == a.data.shape
    assert seen == {(type(a), a.dtype, a.nnz, a.format)}
    assert a.data.tobytes() == before.data.tobytes()
    assert (a != before).nnz == 0


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("seed", range(3))
def test_wrong_entry_is_named_by_its_place(name, seed):
    """In `data`, and in the matrix."""
    a = made(name)
    rows, columns = a.tocoo().row, a.tocoo().col
    k = int(np.flatnonzero(a.tocoo().data)[seed])

    def grad(x):
        d = on_pattern(x)
        d.data[k] += 0.5
        return d

    report = gradcheck.check_grad(loss, grad, a, plan=Plan.auto(seed=seed))
    assert np.flatnonzero(report.leaves["x"].wrong).tolist() == [k]
    assert f"is entry [{rows[k]}, {columns[k]}] of it" in report.findings[0].message


@pytest.mark.parametrize("name", CLASSES)
def test_uniform_error_is_named(name):
    """With its cause."""
    report = gradcheck.check_grad(loss, lambda a: on_pattern(a, 2.0), made(name))
    assert report.leaves["x"].cause is Cause.SCALE


def test_what_is_claimed_where_nothing_is_stored_is_said_not_to_be_tested():
    """It may be right or wrong: no direction moves it."""
    a = made("csr_array")
    report = gradcheck.check_grad(loss, dense_gradient, a, plan=Plan.auto(seed=1))
    beyond = 30 - a.nnz
    remark = next(f for f in report.findings if f.evidence.get("beyond"))
    assert remark.evidence["beyond"] == beyond
    assert f"has {beyond} entries that are not 0 where the leaf stores nothing" in remark.message
    clean = gradcheck.check_grad(loss, on_pattern, a, plan=Plan.auto(seed=1))
    assert clean.findings == ()


def test_zeros_that_are_stored_are_entries():
    """As of a pattern that was declared."""
    a = sparse.csr_array(DENSE)
    a.data[3] = 0.0
    report = gradcheck.check_grad(loss, on_pattern, a, plan=Plan.every(seed=1))
    assert report.ok
    assert report.leaves["x"].probes == a.nnz


def test_leaf_beside_others_and_products():
    """A backward and a forward pass; the tangent is sparse too."""
    point = {"A": made("csr_matrix"), "b": Y.copy()}

    def f(p):
        return np.tanh(p["A"] @ V + p["b"])

    def vjp(p, u):
        d = u * (1 - f(p) ** 2)
        out = p["A"].tocoo(copy=True)
        out.data = d[out.row] * V[out.col]
        return {"A": out, "b": d}

    def jvp(p, t):
        assert isinstance(t["A"], sparse.csr_matrix)
        return (1 - f(p) ** 2) * (t["A"] @ V + t["b"])

    assert gradcheck.check_vjp(f, vjp, point).ok
    assert gradcheck.check_jvp(f, jvp, point).ok
    assert not gradcheck.check_vjp(f, lambda p, u: {**vjp(p, u), "A": 1.1 * p["A"]}, point).ok
    assert gradcheck.check_jvp(f, lambda p, t: 1.1 * jvp(p, t), point).verdict is Verdict.FAIL


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_other_dtypes(dtype):
    """float32 is judged in more digits; a complex matrix by the convention of PyTorch."""
    a = made("csr_array", DENSE + (0.5j * DENSE**2 if dtype is np.complex128 else 0), dtype)
    for factor, verdict in ((1.0, Verdict.PASS), (1.05, Verdict.FAIL)):

        def grad(x, factor=factor):
            out = x.copy()
            out.data = (4 * factor * np.abs(x.data) ** 2 * x.data).astype(x.dtype)
            return out

        report = gradcheck.check_grad(lambda x: np.sum(np.abs(x.data) ** 4), grad, a)
        assert report.verdict is verdict


def test_gradient_of_an_array_may_be_sparse():
    """Of a dense leaf it is one like any other."""
    x = RNG.standard_normal((4, 3))
    mask = sparse.csr_array(np.eye(4, 3))
    right = gradcheck.check_grad(lambda x: np.sum(np.diag(x) ** 2), lambda x: 2 * mask * x, x)
    wrong = gradcheck.check_grad(lambda x: np.sum(np.diag(x) ** 2), lambda x: mask * x, x)
    assert right.ok
    assert wrong.verdict is Verdict.FAIL


def test_change_in_place_is_seen_and_undone():
    """Of values and of places."""

    def scaling(x):
        x.data *= 2
        return loss(x)

    def dropping(x):
        x.data[0] = 0
        x.eliminate_zeros()
        return loss(x)

    for f in (scaling, dropping):
        a = made("csr_array")
        before = a.copy()
        report = gradcheck.check_grad(f, on_pattern, a)
        assert report.findings[0].cause is Cause.MUTATED_INPUT
        assert (a != before).nnz == 0
        assert a.nnz == before.nnz


@pytest.mark.parametrize("name", CLASSES)
def test_callers_own_matrix_is_put_back(name):
    """Also where f changes what it closes over, its places included."""
    a = made(name)
    before, data = a.copy(), a.data

    def f(x):
        a.data[...] = 7.0
        return loss(x)

    report = gradcheck.check_grad(f, on_pattern, a)
    assert report.findings[0].cause is Cause.MUTATED_INPUT
    assert a.data is data
    assert a.data.tobytes() == before.data.tobytes()

    def resized(x):
        a.data = np.ones_like(a.data)
        if name.startswith(("csr", "csc")):
            a.data[0] = 0.0
            a.eliminate_zeros()
        return loss(x)

    gradcheck.check_grad(resized, on_pattern, a)
    assert a.data.tobytes() == before.data.tobytes()
    assert (a != before).nnz == 0


def test_callers_own_matrix_has_its_dtype_and_its_arrays_again():
    """Digits would be lost in a shorter dtype; and places may be shared with another matrix."""
    a = made("csr_array")
    before, indices = a.copy(), a.indices

    def shortened(x):
        a.data = a.data.astype(np.float32)
        raise RuntimeError("before it is undone")

    def shuffled(x):
        a.indices[...] = a.indices[::-1].copy()
        return loss(x)

    for f in (shortened, shuffled):
        assert gradcheck.check_grad(f, on_pattern, a).findings[0].message
        assert a.data.dtype == before.data.dtype
        assert a.data.tobytes() == before.data.tobytes()
        assert a.indices is indices
        assert indices.tobytes() == before.indices.tobytes()
        assert a.has_sorted_indices


def test_block_matrix_without_its_blocks_is_put_back():
    """SciPy cannot tell its size then."""
    a = made("bsr_array")
    before = a.copy()

    def f(x):
        a.data = a.data.reshape(-1)
        return loss(x)

    report = gradcheck.check_grad(f, on_pattern, a)
    assert report.findings[0].cause is Cause.MUTATED_INPUT
    assert (a != before).nnz == 0


def test_masks_and_bounds_are_of_the_stored_values():
    """Shaped like `data`."""
    a = abs(made("csr_array"))
    free = np.arange(a.nnz) % 3 > 0
    held = a.data[~free].copy()

    def f(x):
        assert np.array_equal(x.data[~free], held)
        return loss(x)

    report = gradcheck.check_grad(f, on_pattern, a, tangent=free, plan=Plan.every(seed=1))
    assert report.ok
    assert report.leaves["x"].probes == free.sum()

    def positive(x):
        assert x.data.min() >= 0
        return loss(x)

    assert gradcheck.check_grad(positive, on_pattern, a, bounds=(0, None)).ok


def test_derivative_along_a_sparse_direction():
    """Or one like `data`."""
    a = made("csc_array")
    for v in (a, a.toarray(), a.data):
        measured = gradcheck.derivative(loss, a, v)
        true = np.sum(dense_gradient(a) * a.toarray())
        assert abs(measured.value - true) <= measured.error_bar


def twice():
    """Make a matrix that stores an entry twice."""
    return sparse.coo_array((np.ones(3), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))


def unsorted():
    """Make one whose indices are in no order."""
    return sparse.csr_array((np.ones(3), [1, 0, 1], [0, 2, 3]), shape=(2, 2))


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        (twice(), "stores 1 of its 3 entries more than once, .*call leaf.sum_duplicates"),
        (unsorted(), "stores its indices in no order, .*call leaf.sort_indices"),
        (sparse.dia_array(np.eye(3)), "sparse in the format dia, .*such as leaf.tocsr"),
        (sparse.lil_array(np.eye(3)), "sparse in the format lil"),
        (sparse.csr_array(np.eye(3, dtype=int)), "sparse of dtype int64, which has no slopes"),
        (sparse.coo_array((np.ones(1), ([0], [0])), shape=(2**40, 2**30)), "do not number so many"),
        (sparse.csr_array(np.diag([1.0, np.nan])), "leaf x is nan at .1., but a point must be fin"),
    ],
)
def test_leaves_that_cannot_be_tested_say_what_to_do(leaf, message):
    """Before anything is called."""
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(lambda x: x.sum(), lambda x: x, leaf)


def test_claim_of_another_shape_fails():
    """With the shapes that would do."""
    report = gradcheck.check_grad(loss, lambda a: on_pattern(a).T, made("csr_array"))
    assert report.findings[0].cause is Cause.SHAPE
    assert "a matrix of shape (6, 5), sparse or dense, or shaped like its data" in str(
        report.findings[0].message
    )


@pytest.mark.parametrize("f", [sparse.csr_array, lambda x: {"a": sparse.csr_array(x), "b": x}])
def test_sparse_output_is_refused(f):
    """Carried along, it would pass unseen."""
    with pytest.raises(UsageError, match="returned a csr_array, and sparse matrices are read as"):
        gradcheck.check_vjp(f, lambda x, u: x, np.eye(3))


@pytest.mark.parametrize("batched", [True, 4, "auto"])
def test_stacks_of_sparse_matrices_are_refused(batched):
    """There are none."""
    with pytest.raises(UsageError, match="leaf x is sparse, and there are no stacks"):
        gradcheck.check_grad(loss, on_pattern, made("csr_array"), batched=batched)


def test_hessian_by_stored_values_is_refused():
    """There is no form for it."""
    with pytest.raises(UsageError, match="leaf x is sparse, and there is no form"):
        gradcheck.check_hvp(lambda x: x.sum(), lambda x, v: v, made("csr_array"))
