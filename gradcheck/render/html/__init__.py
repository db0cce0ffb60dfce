"""Self-contained pages: one file, no network, complete without JavaScript.

Reading order: `layout` (the frame that every page of gradcheck shares: style, script, escaping),
`view` (what of a report is shown, as text), `page` (reports as a page, or as part of a notebook).
Templates, style and script lie beside them. Part of `render`.
"""

from .layout import fill, require_extra
from .page import fragment, page, write_page

__all__ = ["fill", "fragment", "page", "require_extra", "write_page"]
