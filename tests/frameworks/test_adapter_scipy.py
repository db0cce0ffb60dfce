"""SciPy's own test function, with its derivatives and with its own sparse matrices and bounds."""

import numpy as np
import pytest

from gradcheck import Cause, Plan, Verdict, check_hessian, check_jacobian
from gradcheck.adapters.scipy import check_objective

optimize = pytest.importorskip("scipy.optimize")
sparse = pytest.importorskip("scipy.sparse")

X = np.array([0.5, -1.0, 2.0, 0.3])
PLAN = Plan.auto(seed=1)


@pytest.mark.parametrize("bounds", [None, optimize.Bounds(X, np.inf), [(-9, v) for v in X]])
def test_rosenbrock(bounds):
    """Its derivatives are right, also at a corner; half of one entry is not."""
    derivatives = {"hess": optimize.rosen_hess, "hessp": optimize.rosen_hess_prod}
    report = check_objective(optimize.rosen, optimize.rosen_der, X, bounds=bounds, **derivatives)
    assert report.ok, str(report)

    def wrong(x):
        return optimize.rosen_der(x) * [1, 1, 0.5, 1]

    report = check_objective(optimize.rosen, wrong, X, bounds=bounds)
    assert report.verdict is Verdict.FAIL
    assert report.leaves["jac"].wrong.tolist() == [False, False, True, False]


def test_rosenbrock_hessian_in_sparse_formats():
    """From f alone and from its gradient; one triangle is found out."""
    for form in (sparse.csr_array, sparse.coo_array, sparse.csc_matrix):
        for grad in (optimize.rosen_der, None):

            def hess(x, form=form):
                return form(optimize.rosen_hess(x))

            assert check_hessian(optimize.rosen, hess, X, grad=grad, plan=PLAN).ok

            def upper(x, form=form):
                return form(np.triu(optimize.rosen_hess(x)))

            report = check_hessian(optimize.rosen, upper, X, grad=grad, plan=PLAN)
            assert report.findings[0].cause is Cause.ASYMMETRIC


def chain(x):
    """Each output depends on two inputs that stand beside each other."""
    out = x**3
    out[1:] -= x[:-1] * x[1:]
    return out


def chain_jac(x):
    """Its Jacobian, of two diagonals."""
    diagonals = [-x[1:], 3 * x**2 - np.r_[0, x[:-1]]]
    return sparse.diags(diagonals, offsets=[-1, 0]).tocsc()


@pytest.mark.parametrize("form", ["tocsr", "tocsc", "tocoo", "tolil", "todense"])
def test_sparse_jacobian(form):
    """In every format; an entry that has slipped to the next column is named."""
    x = np.random.default_rng(0).standard_normal(30) + 2
    pattern = chain_jac(x) != 0
    right = check_jacobian(
        chain, lambda x: getattr(chain_jac(x), form)(), x, pattern=pattern, plan=PLAN
    )
    assert right.ok

    def slipped(x):
        claimed = chain_jac(x).tolil()
        claimed[7, 5], claimed[7, 6] = claimed[7, 6], 0
        return getattr(claimed, form)()

    report = check_jacobian(chain, slipped, x, plan=PLAN)
    assert report.findings[0].evidence["pairs"] == [[7, 5], [7, 6]]
    report = check_jacobian(chain, slipped, x, pattern=pattern, plan=PLAN)
    assert report.findings[0].evidence["outside"] == [[7, 5]]
