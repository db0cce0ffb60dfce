"""How the site is built: `tox -e docs`, which calls sphinx-build from the root of the repository.

The root, not this folder, is where the sources are, so that the links between README, docs and code
are the same on the site as in the repository.
"""

import gradcheck

project = "gradcheck"
author = "The gradcheck authors"
copyright = author
version = release = gradcheck.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
extensions += ["numpydoc", "sphinx_click"]
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**"]
# the other folders are named so that nobody walks through them
exclude_patterns = [".*", "benchmarks", "build", "dist", "examples", "gradcheck", "htmlcov"]
exclude_patterns += ["properties", "tests"]

myst_heading_anchors = 3  # as GitHub names them, for links such as error-bars.md#the-canary

autodoc_member_order = "bysource"
# of `gradcheck.compat` and `gradcheck.adapters`; the site needs none
autodoc_mock_imports = ["autograd", "jax", "keras", "tensorflow", "torch"]
autodoc_preserve_defaults = True  # `LAWS`, not its forty-one values
autodoc_typehints = "none"  # the docstrings say it in words
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

default_role = "code"  # `x` in a docstring
smartquotes = False  # --case is an option, not a dash

html_theme = "furo"
html_title = "gradcheck"
html_static_path = ["_static"]
html_css_files = ["output.css"]
html_extra_path = ["_site"]  # index.html, which leads from the root of the site to the first page
html_show_sphinx = False
html_copy_source = False
