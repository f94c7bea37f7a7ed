#!/usr/bin/env python3
"""Checks the C names of the documentation against the C header.

Each name on a page must exist in the header. Each option and each accessor of an error in the
header must be listed on its reference page.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "include" / "sellercloud_output.h"
REFERENCE = ROOT / "docs" / "reference"
# A setting of a test, and not a name of the header.
EXCEPTIONS = {"SCO_WRITE_HEADER", "SCO_LIBRARIES"}


def names_of(text: str) -> set[str]:
    """Returns the C names in a text. One that ends in an underscore is a prefix.

    The version of the symbols, such as SCO_0.1, is no name.
    """
    return set(re.findall(r"\b(?:sco|SCO)_[A-Za-z]\w*", text))


def main() -> int:
    """Prints what is missing on either side; returns the exit code."""
    names = names_of(HEADER.read_text(encoding="utf-8"))
    pages = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    problems = []
    count = 0
    for page in pages:
        found = names_of(page.read_text(encoding="utf-8")) - EXCEPTIONS
        count += len(found)
        problems += [
            f"{page.relative_to(ROOT)}: the header has no {name}"
            for name in sorted(found)
            if not (name in names or name.endswith("_") and any(n.startswith(name) for n in names))
        ]
    options = (REFERENCE / "options.md").read_text(encoding="utf-8")
    errors = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    for name in sorted(names):
        option = re.fullmatch(r"sco_(?:client|call)_options_((?:set|add)_\w+)", name)
        if option and f"`{option[1]}`" not in options:
            problems.append(f"options.md does not list {name}")
        accessor = re.fullmatch(r"sco_error_(\w+)", name)
        if accessor and accessor[1] != "free" and f"`{accessor[1]}`" not in errors:
            problems.append(f"errors.md does not list {name}")
        if name.startswith("SCO_ERROR_") and f"`{name}`" not in errors:
            problems.append(f"errors.md does not list {name}")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{count} C names on {len(pages)} pages, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
