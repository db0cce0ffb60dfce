"""Pages from templates: escaped, and complete.

Owns no page; templates lie beside this file. Part of `render`; the one file that imports jinja2,
and only when a page is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files


def require_pages() -> None:
    """Find out early whether pages can be written.

    Raises
    ------
    ImportError
        Where jinja2 is missing; the message says how to install it.
    """
    try:
        import jinja2  # noqa: F401
    except ImportError as missing:
        raise ImportError(
            "pages need jinja2; install it with: pip install 'gradcheck[report]'"
        ) from missing


def fill(template: str, values: Mapping[str, object]) -> str:
    """Fill a template: whatever a value holds is escaped, and one that is missing is an error.

    Parameters
    ----------
    template : str
        Name of a file beside this one; templates name each other likewise.
    values : dict
        By the names that the template uses.

    Raises
    ------
    ImportError
        Where jinja2 is missing; the message says how to install it.
    """
    require_pages()
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read_part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)


def read_part(name: str) -> str:
    """Read a template, or another part of a page, by its place beside this file."""
    return files("gradcheck.render").joinpath(name).read_text(encoding="utf-8")
