#!/usr/bin/env python3
"""Checks that the files and the tests that the documentation names exist.

In backticks, a path that begins with a directory of the root, such as `tests/it/save.rs`, must
exist; it may be a glob pattern, or a command with arguments. After a path, the names in
parentheses, as in `tests/it/save.rs` (`save_that_fails_leaves_nothing`), must be functions or test
cases of that file. Each name after "fuzz target" must be one. In SECURITY.md, each promise must
name a test, and each test must have its file before it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import markdown

PAGES = [*markdown.OTHER_PAGES, *markdown.docs_pages()]
PROMISES = "SECURITY.md"
# The directories of the root that git tracks.
PATH = re.compile(
    r"(?:\.ci|\.github|benches|bindings|docs|examples|fuzz|include|packaging|src|tests|xtask)/[^ ]+")
SPAN = re.compile(r"`([^`\n]+)`")
# A path, and the names in parentheses after it.
TESTS = re.compile(r"`([^` ]+)` \((`\w+`(?:, `\w+`)*)\)")
FUZZ_TARGETS = re.compile(r"fuzz targets? ((?:`\w+`(?:, | and )?)+)")
DEFINITION = r"(?:\bfn |\bdef |\bvoid |\bTask |TEST_CASE\(\"){}\b"


def exists(root: Path, path: str) -> bool:
    """Returns whether a path, or a file that matches a pattern, exists below the root."""
    return any(root.glob(path.rstrip("/")))


def has_test(root: Path, path: str, name: str) -> bool:
    """Returns whether a file defines a function or test case."""
    file = root / path
    if not file.is_file():
        return False
    return bool(re.search(DEFINITION.format(name), file.read_text(encoding="utf-8")))


def problems(root: Path, page: str, text: str) -> tuple[int, list[str]]:
    """Returns the number of references that were checked, and what is wrong."""
    count, found = 0, []
    prose = "\n".join(markdown.prose(text))
    for span in SPAN.findall(prose):
        path = PATH.match(span)
        if path:
            count += 1
            if not exists(root, path[0]):
                found.append(f"{page}: {path[0]}: no such file")
    for path, names in TESTS.findall(prose):
        for name in SPAN.findall(names):
            count += 1
            if not has_test(root, path, name):
                found.append(f"{page}: {path} has no {name}")
    for names in FUZZ_TARGETS.findall(prose):
        for name in SPAN.findall(names):
            count += 1
            if not exists(root, f"fuzz/fuzz_targets/{name}.rs"):
                found.append(f"{page}: there is no fuzz target {name}")
    return count, found


def unproven(root: Path, text: str) -> list[str]:
    """Returns what is wrong with the tables that have a column "shown by"."""
    found = []
    in_table = False
    for line in markdown.prose(text):
        if not line.startswith("|"):
            in_table = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[-1] == "shown by":
            in_table = True
        elif in_table and not re.fullmatch("-+", cells[-1]):
            paths = [span for span in SPAN.findall(cells[-1]) if PATH.match(span)]
            if not any(exists(root, path) for path in paths):
                found.append(f"{PROMISES}: no test shows: {cells[0]}")
            rest = FUZZ_TARGETS.sub("", TESTS.sub("", cells[-1]))
            found += [f"{PROMISES}: no file of the test is named: {span}"
                      for span in SPAN.findall(rest) if not PATH.match(span)]
    return found


def main() -> int:
    """Prints what does not exist and returns the exit code."""
    count, broken = 0, []
    for page in PAGES:
        checked, found = problems(markdown.ROOT, page, markdown.read(page))
        count += checked
        broken += found
    broken += unproven(markdown.ROOT, markdown.read(PROMISES))
    if count == 0:
        broken.append("no references were found")
    for problem in broken:
        print(f"FAILED: {problem}", file=sys.stderr)
    print(f"{count} files and tests on {len(PAGES)} pages, {len(broken)} problems")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
