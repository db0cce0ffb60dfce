"""The frame that pages share: style, script, and a policy that lets nothing else in.

Another page extends `html/layout.html`, fills its blocks `title`, `heading` and `main`, and is
written by `fill`. Its tables sort if they are of class `sortable`, and are filtered by the controls
of the macro `filters` in `html/macros.html`.
Part of `render.html`.
"""

from __future__ import annotations

import base64
import hashlib

from ..figures import make_figure
from ..pages import fill as fill_template
from ..pages import read_part, require_pages


def fill(template: str, **values: object) -> str:
    """Fill a template of this folder. Every value is escaped, whatever is in it.

    Raises
    ------
    ImportError
        With the command that installs what is missing.
    """
    script = read_part("html/page.js")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    ours = {"style": read_part("html/page.css"), "script": script, "script_hash": allowed}
    return fill_template(f"html/{template}", {**values, **ours})


def require_extra() -> None:
    """Look whether pages can be written, pictures included.

    Raises
    ------
    ImportError
        With the command that installs what is missing.
    """
    require_pages()
    make_figure(1, 1)
