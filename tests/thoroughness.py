"""How many seeds a test over many cases tries: few by default, many where they are asked for.

`GRADCHECK_TESTS=thorough pytest` tries them all, as `tox -e properties` does once, on one Python;
the other environments look for what differs between interpreters and versions.
"""

import os

IS_THOROUGH = os.environ.get("GRADCHECK_TESTS") == "thorough"


def seeds(few, many):
    """Choose the seeds of a test over many cases."""
    return many if IS_THOROUGH else few
