#!/usr/bin/env python3
"""Checks that the links between the pages of the documentation lead to files and headings that
exist, and that the index lists all pages."""

from __future__ import annotations

import posixpath
import sys
from pathlib import Path

import markdown


def problems(root: Path, page: str) -> tuple[int, list[str]]:
    """Returns the number of links of a page that were checked, and the broken ones."""
    count, found = 0, []
    text = (root / page).read_text(encoding="utf-8")
    for link in markdown.links(text):
        if link.startswith(("http://", "https://")):
            continue
        count += 1
        path, _, anchor = link.partition("#")
        file = root / page if not path else (root / page).parent / path
        if not file.exists():
            found.append(f"{page}: {link}: no such file")
        elif anchor and anchor not in markdown.anchors(file.read_text(encoding="utf-8")):
            found.append(f"{page}: {link}: no such heading")
    return count, found


def main() -> int:
    """Prints the broken links and returns the exit code."""
    docs = markdown.docs_pages()
    pages = [*markdown.OTHER_PAGES, *docs]
    count, broken = 0, []
    for page in pages:
        checked, found = problems(markdown.ROOT, page)
        count += checked
        broken += found
    directory = posixpath.dirname(markdown.INDEX)
    listed = {link.partition("#")[0] for link in markdown.links(markdown.read(markdown.INDEX))}
    for page in docs:
        if page != markdown.INDEX and posixpath.relpath(page, directory) not in listed:
            broken.append(f"{markdown.INDEX}: does not list {page}")
    if count == 0:
        broken.append("no links were found")
    for problem in broken:
        print(f"FAILED: {problem}", file=sys.stderr)
    print(f"{count} links on {len(pages)} pages, {len(broken)} problems")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
