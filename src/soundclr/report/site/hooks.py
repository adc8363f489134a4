"""A hook of MkDocs: roles of reStructuredText in docstrings, as in ``:func:`x```, become plain code."""

import re
from typing import Any


def on_page_content(html: str, **_: Any) -> str:
    """The page without the roles' names."""
    return re.sub(r":(?:func|class|meth|data|attr|mod):(?=<code)", "", html)
