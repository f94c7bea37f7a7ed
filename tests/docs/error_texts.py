#!/usr/bin/env python3
"""Checks that each error text of docs/troubleshooting.md is one of the program's texts.

A heading in backticks is an error text; an ellipsis stands for a part that varies. Every other
part must occur in src or bindings, in code or in a test that expects it, uppercase or lowercase.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
# A shorter part would occur anywhere.
MIN_LENGTH = 4


def joined(path: Path) -> str:
    """Returns a source file without its comments, and with continued literals joined."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    text = re.sub(r'"\s*\+?\s*\n\s*(?:\+ )?[fr$]?"', "", text)
    return text.replace('\\"', '"').lower()


def main() -> int:
    """Prints the texts that occur nowhere; returns the exit code."""
    sources = [
        joined(path)
        for directory, suffix in (("src", ".rs"), ("bindings", ".py"), ("bindings", ".cs"))
        for path in sorted((ROOT / directory).rglob(f"*{suffix}"))
    ]
    headings = re.findall(r"^### `(.*)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    missing = 0
    for heading in headings:
        for part in (part.strip(" :;,()").lower() for part in heading.split("…")):
            if len(part) >= MIN_LENGTH and not any(part in source for source in sources):
                print(f"{PAGE.name}: no source has {part!r}, of `{heading}`", file=sys.stderr)
                missing += 1
    if not headings:
        print(f"{PAGE.name}: no headings were found", file=sys.stderr)
    print(f"{len(headings)} error texts, {missing} parts missing")
    return 1 if missing or not headings else 0


if __name__ == "__main__":
    sys.exit(main())
