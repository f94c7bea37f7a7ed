"""Reads links, headings and fenced code blocks of Markdown pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The pages of the documentation, relative to the root. Code blocks are run from DOCS only: the
# tests of each language run the README's programs.
DOCS = "docs"
INDEX = "docs/README.md"
OTHER_PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", *(
    path.relative_to(ROOT).as_posix() for pattern in ("benches/*.md", "examples/*/*.md")
    for path in sorted(ROOT.glob(pattern)))]


@dataclass(frozen=True)
class Block:
    """A fenced code block: its first line is ```LANGUAGE INFO."""

    line: int
    language: str
    info: str
    text: str


def docs_pages() -> list[str]:
    """Returns the pages of the docs directory, relative to the root."""
    return [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / DOCS).rglob("*.md"))]


def read(page: str) -> str:
    """Returns the text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def is_fence(line: str) -> bool:
    """Returns whether a line opens or closes a code block."""
    return line.lstrip(" ").startswith("```")


def prose(text: str) -> list[str]:
    """Returns the lines that are not in a code block."""
    lines = []
    is_inside = False
    for line in text.splitlines():
        if is_fence(line):
            is_inside = not is_inside
        elif not is_inside:
            lines.append(line)
    return lines


def blocks(text: str) -> list[Block]:
    """Returns the code blocks. Raises ValueError for a block that is not closed."""
    found = []
    first, start, content = "", 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if content is None:
            if is_fence(line):
                first, start, content = line.lstrip(" ")[3:], number, []
        elif is_fence(line):
            language, _, info = first.partition(" ")
            found.append(Block(start, language, info.strip(), "".join(content)))
            content = None
        else:
            content.append(line + "\n")
    if content is not None:
        raise ValueError(f"the code block of line {start} is not closed")
    return found


def anchors(text: str) -> set[str]:
    """Returns the anchors that GitHub gives to the headings."""
    found: set[str] = set()
    for line in prose(text):
        heading = re.match(r"#+ +(.*)", line)
        if heading:
            anchor = re.sub(r"[^\w -]", "", heading[1].strip().lower()).replace(" ", "-")
            repeated, count = anchor, 0
            while repeated in found:
                count += 1
                repeated = f"{anchor}-{count}"
            found.add(repeated)
    return found


def links(text: str) -> list[str]:
    """Returns the targets of all links and images."""
    return re.findall(r"\]\(([^) ]+)\)", "\n".join(prose(text)))
