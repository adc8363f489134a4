"""Markdown files of the repository as pages: each link leads to a page, to the repository, or becomes text."""

import posixpath
import re
from collections.abc import Container
from pathlib import PurePosixPath

FRONT = {"README.md": "index.md"}
"""Pages that replace a file."""

LINK = re.compile(r"(!?)\[((?:\\.|!\[[^\]]*\]\([^)]*\)|[^\]\\])*)\]\(([^)\s]+)\)")
OUTSIDE = re.compile(r"[a-z]+:|#")


def as_page(text: str, place: str, pages: Container[str], repository: str) -> str:
    """A file's text with each link to no page of ``pages`` turned to ``repository``; without one, to plain text.

    ``place`` is the file's own path, from the repository's root as those of the pages. What GitHub renders within
    ``<details>`` is rendered here too.
    """

    def replaced(found: re.Match[str]) -> str:
        mark, words, target = found.groups()
        if OUTSIDE.match(target):
            return found[0]
        path, _, anchor = target.partition("#")
        full = posixpath.normpath((PurePosixPath(place).parent / path).as_posix())
        if full in FRONT:
            return f"[{words}]({posixpath.relpath(FRONT[full], PurePosixPath(place).parent.as_posix())})"
        if full in pages:
            return found[0]
        return f"[{words}]({repository}/{full}{'#' if anchor else ''}{anchor})" if repository and not mark else words

    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [LINK.sub(replaced, part).replace("<details>", "<details markdown>") for part in parts[::2]]
    return "".join(parts)


def heading_of(text: str) -> str:
    """A page's first heading, without marks of code."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return re.sub(r"[`\\]", "", found[1]) if found else ""
