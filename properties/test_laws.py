"""Every law, on the reference network, in drawn circumstances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck import Verdict, laws
from gradcheck.embedded import LOSS_OF, ReferenceSubject
from gradcheck.reference import ACTIVATIONS

from .settings import law_settings

SUBJECTS = st.builds(
    ReferenceSubject, st.sampled_from(sorted(ACTIVATIONS)), st.sampled_from(sorted(LOSS_OF))
)


@pytest.mark.parametrize("law", laws.LAWS, ids=lambda law: law.name)
@given(subject=SUBJECTS, setting=law_settings())
def test_law_holds(law, subject, setting):
    """Never broken. Statistical laws: false-alarm probability 1e-9 a trial."""
    if law.missing(subject):
        subject = ReferenceSubject("relu", "bce")
    outcome = laws.try_once(law, subject, setting)
    assert outcome.verdict is not Verdict.FAIL, outcome.message
    assert "raised" not in outcome.message
