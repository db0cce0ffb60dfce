"""What gradcheck promises, measured: error bars, verdicts and cost, on functions that are known.

Not part of the wheel and not of the ordinary test run; `tox -e coverage` runs it.
"""
