#!/usr/bin/env python3
"""Prints the inputs that the tests of several languages share. servers.sh calls this script.

    inputs.py program LANGUAGE   Prints the program of the README in a language: the code block whose
                                 first line is ```LANGUAGE.
    inputs.py calls              Prints tests/conformance/calls with the values of the environment
                                 variables that it names. tests/conformance/README.md describes the
                                 format.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))

import markdown  # noqa: E402

CALLS = "tests/conformance/calls"


def program(page: str, language: str) -> str:
    """Returns the only code block of a page that has a language and no other words.

    Raises:
        ValueError: There is no such block, or more than one.
    """
    found = [block.text for block in markdown.blocks(page)
             if block.language == language and not block.info]
    if len(found) != 1:
        raise ValueError(f"there are {len(found)} code blocks that begin with ```{language}, not 1")
    return found[0]


def calls(text: str, variables: Mapping[str, str]) -> str:
    """Returns a list of calls without its comments and with the values of the variables.

    `{NAME}` stands for the value of a variable, `{NAME:host}` for the host and port of the URL
    that is its value.

    Raises:
        ValueError: A variable is not set.
    """
    def value(match: re.Match[str]) -> str:
        name, is_host = match[1], match[2]
        if name not in variables:
            raise ValueError(f"the variable {name} is not set")
        if is_host:
            return re.sub(r"^[a-z]+://|/.*$", "", variables[name])
        return variables[name]

    lines = (line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    return re.sub(r"\{([A-Z_]+)(:host)?\}", value, "".join(lines))


def main(arguments: list[str]) -> int:
    """Runs the script. Returns its exit code."""
    try:
        if len(arguments) == 2 and arguments[0] == "program":
            place = "README.md"
            text = program(markdown.read(place), arguments[1])
        elif arguments == ["calls"]:
            place = CALLS
            text = calls(markdown.read(place), os.environ)
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except ValueError as error:
        print(f"FAILED: {place}: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
