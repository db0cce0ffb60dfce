"""Laws: statements that any correct network obeys, checkable on any implementation.

A derivative check cannot see an error that is in forward and backward alike; a law can.

    class MyNetwork:                       # offer what you have, see `Subject`
        activation, loss = "relu", "bce"
        def cost_and_gradient(self, params, inputs, targets, weight_decay): ...

    report = gradcheck.laws.check(MyNetwork())

Eighth layer: uses `records`; Hypothesis is not used in here.
"""

from .protocol import Law, Outcome, Setting, Subject, draw_setting
from .suite import LAWS, check, try_once

__all__ = ["LAWS", "Law", "Outcome", "Setting", "Subject", "check", "draw_setting", "try_once"]
