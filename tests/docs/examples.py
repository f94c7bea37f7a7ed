#!/usr/bin/env python3
"""Checks that every public type, function and method of the Rust library has an example.

Its documentation must have a block of code below the heading "Examples". The lint
`unreachable_pub` ensures that an item declared `pub` is public.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The C interface is documented in its header. The entry points of the fuzz targets are private.
EXCEPTIONS = {"src/ffi", "src/fuzzing.rs"}
ITEM = re.compile(
    r"\s*pub (?:(?:const|async|unsafe|extern \"C\") )*(struct|enum|union|trait|type|fn) (\w+)")


def has_example(doc: list[str]) -> bool:
    """Returns whether the lines of a doc comment have a block of code below "Examples"."""
    if "# Examples" not in doc:
        return False
    return any(line.startswith("```") for line in doc[doc.index("# Examples"):])


def check(name: str, source: str) -> tuple[int, list[str]]:
    """Returns the number of public items in a source file, and the problems with them."""
    count = 0
    problems = []
    doc: list[str] = []
    in_attribute = False
    for number, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        if in_attribute or text.startswith("#["):
            in_attribute = not text.endswith("]")
        elif text.startswith("///"):
            doc.append(text[3:].strip())
        elif not text.startswith("//"):
            if item := ITEM.match(line):
                count += 1
                if not has_example(doc):
                    problems.append(f"{name}:{number}: {item[1]} {item[2]} has no example: add one "
                                    "to its doc comment, below the heading \"# Examples\"")
            doc = []
    return count, problems


def main() -> int:
    """Prints the items without an example; returns the exit code."""
    count = 0
    problems: list[str] = []
    for path in sorted((ROOT / "src").rglob("*.rs")):
        path = path.relative_to(ROOT)
        if EXCEPTIONS & {part.as_posix() for part in (path, *path.parents)}:
            continue
        found, new_problems = check(path.as_posix(), (ROOT / path).read_text(encoding="utf-8"))
        count += found
        problems += new_problems
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{count} public items of the Rust library, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
