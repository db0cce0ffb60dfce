"""What a check costs beside the fastest loop that one writes by hand, and beside other checkers.

`tox -e bench` measures it and writes docs/benchmarks/performance.md. One module a question; each
gives a `Section`.
"""
