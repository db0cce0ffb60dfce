"""Every law, on the reference network and on those of other libraries, in drawn circumstances.

What is not installed is skipped; laws that a library is known to break are expected failures.
"""

import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck import Verdict, laws
from gradcheck.embedded import LOSS_OF, ReferenceSubject
from gradcheck.reference import ACTIVATIONS

from .settings import law_settings

# There are many laws, and some draw until a bias of 1 % would have been seen.
EXAMPLES = max(min(25, settings().max_examples), settings().max_examples // 5)

SUBJECTS = st.builds(
    ReferenceSubject, st.sampled_from(sorted(ACTIVATIONS)), st.sampled_from(sorted(LOSS_OF))
)


# Between them they suit every law, as far as the reference offers what it needs.
PLAIN = [ReferenceSubject("relu", "bce"), ReferenceSubject("tanh", "softmax")]
OFFERED = [law for law in laws.LAWS if not all(map(law.missing, PLAIN))]

EXPECTED_FAILURES = {
    "sklearn_mlp": {"cost-stays-finite": "its cost clips probabilities at float64's epsilon"},
}


def holds(law, subject, setting):
    """Assert that a law is not broken. Statistical ones: false-alarm probability 1e-9 a trial."""
    outcome = laws.try_once(law, subject, setting)
    assert outcome.verdict is not Verdict.FAIL, outcome.message
    assert "raised" not in outcome.message


@pytest.mark.parametrize("law", OFFERED, ids=lambda law: law.name)
@given(subject=SUBJECTS, setting=law_settings())
@settings(max_examples=EXAMPLES)
def test_law_holds(law, subject, setting):
    """On the reference."""
    if law.missing(subject):
        subject = next(plain for plain in PLAIN if not law.missing(plain))
    holds(law, subject, setting)


def foreign(*modules):
    """List (subjects that a law suits, law) of some modules of `gradcheck.subjects`."""
    listed = []
    for name in modules:
        try:
            plain = importlib.import_module(f"gradcheck.subjects.{name}").subjects()
        except ImportError as error:
            skipped = pytest.mark.skip(reason=str(error))
            listed.append(pytest.param((), None, marks=skipped, id=name))
            continue
        for law in laws.LAWS:
            suited = [subject for subject in plain if not law.missing(subject)]
            reason = EXPECTED_FAILURES.get(name, {}).get(law.name)
            marks = pytest.mark.xfail(reason=reason, raises=AssertionError) if reason else ()
            if suited:
                listed.append(pytest.param(suited, law, marks=marks, id=f"{name}-{law.name}"))
    return listed


@pytest.mark.parametrize(("suited", "law"), foreign("torch_nn", "sklearn_mlp"))
@given(number=st.integers(0, 1), setting=law_settings())
@settings(max_examples=max(1, EXAMPLES // 2))
def test_law_holds_elsewhere(suited, law, number, setting):
    """On libraries that run at once."""
    holds(law, suited[number % len(suited)], setting)


@pytest.mark.parametrize(("suited", "law"), foreign("equinox_nn"))
@given(number=st.integers(0, 1), setting=law_settings())
# jax compiles anew for each size
@settings(max_examples=max(1, EXAMPLES // 8))
def test_law_holds_on_compiled_networks(suited, law, number, setting):
    """On libraries that stand upon jax."""
    holds(law, suited[number % len(suited)], setting)
