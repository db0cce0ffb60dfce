"""Every example in a docstring runs."""

import doctest
import importlib
import pkgutil

import pytest

import gradcheck

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(gradcheck.__path__, "gradcheck.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name):
    """As a user would type them; what needs a library that is not installed is skipped."""
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        assert name.startswith(("gradcheck.adapters.", "gradcheck.compat.", "gradcheck.subjects."))
        pytest.skip(str(error))
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize("name", [n for n in gradcheck.__all__ if n.startswith(("check", "deriv"))])
def test_public_function_has_an_example(name):
    """What users call is shown in use."""
    assert ">>>" in getattr(gradcheck, name).__doc__
