"""Laws: statements that any correct network obeys, checkable on any implementation.

A derivative check cannot see an error that is in forward and backward alike; a law can.

    class MyNetwork:                       # offer what you have, see `Subject`
        activation, loss = "relu", "bce"
        def cost_and_gradient(self, params, inputs, targets, weight_decay): ...

    report = gradcheck.laws.check(MyNetwork())

In pytest, one test a law:

    @gradcheck.laws.parametrize(MyNetwork(), expected_failures={"cost-stays-finite": "clipped"})
    def test_laws(subject, law):
        law(subject)

Tenth layer: uses `records`; Hypothesis is not used in here.
"""

from .parametrized import LawCheck, parametrize
from .protocol import Law, Outcome, Setting, draw_setting
from .subject import BatchNorm, NotOffered, Subject
from .suite import LAWS, check, try_once

__all__ = [
    "LAWS",
    "BatchNorm",
    "Law",
    "LawCheck",
    "NotOffered",
    "Outcome",
    "Setting",
    "Subject",
    "check",
    "draw_setting",
    "parametrize",
    "try_once",
]
