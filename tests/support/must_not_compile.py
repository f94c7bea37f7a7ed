#!/usr/bin/env python3
"""Checks that programs do not compile, for the reason that each names.

    must_not_compile.py DIRECTORY SUFFIX COMPILER [OPTION...]

Compiles every program in DIRECTORY whose name ends with SUFFIX twice: without the macro WRONG it
must compile, with it it must not. All errors must be in one line of the program. One of them must
match the regular expression in the program's comment `/* error: EXPRESSION */` or
`// error: EXPRESSION`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


class Failure(Exception):
    """A program that does not do what it must."""


def reason(source: str) -> str:
    """Returns the regular expression that a program names.

    Raises:
        Failure: The program does not name exactly one.
    """
    found = re.findall(r"/\* error: (.*) \*/|// error: (.*)", source)
    if len(found) != 1:
        raise Failure(f"{len(found)} comments name an error, not 1")
    return "".join(found[0])


def check_errors(program: str, expression: str, output: str) -> str:
    """Checks a compiler's output, and returns the first error that matches the expression.

    Raises:
        Failure: There is no such error, or there are errors in several lines of the program.
    """
    errors = re.findall(rf"^({re.escape(program)}:(\d+):.*?error: (.*))$", output, re.MULTILINE)
    matching = [line for line, _, message in errors if re.search(expression, message)]
    if not matching:
        raise Failure(f"no error matches {expression!r}:\n{output}")
    numbers = {number for _, number, _ in errors}
    if len(numbers) != 1:
        raise Failure(f"{len(numbers)} lines have errors, not 1:\n{output}")
    return str(matching[0])


def check(program: str, command: list[str]) -> str:
    """Compiles a program without and with WRONG, and returns the error.

    Raises:
        Failure: The program does not do what it must.
    """
    expression = reason(Path(program).read_text(encoding="utf-8"))

    def compile_with(*options: str) -> subprocess.CompletedProcess[str]:
        # The expressions match the messages in English.
        return subprocess.run([*command, *options, program], env={**os.environ, "LC_ALL": "C"},
                              stderr=subprocess.PIPE, encoding="utf-8", errors="replace")

    # Then WRONG is the only reason to fail.
    right = compile_with()
    if right.returncode != 0:
        raise Failure(f"it does not compile without WRONG:\n{right.stderr}")
    wrong = compile_with("-DWRONG")
    if wrong.returncode == 0:
        raise Failure("it compiles with WRONG")
    return check_errors(program, expression, wrong.stderr)


def main(arguments: list[str]) -> int:
    """Runs the script. Returns its exit code."""
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    directory, suffix, *command = arguments
    programs = sorted(Path(directory).glob(f"*{suffix}"))
    if not programs:
        print(f"FAILED: {directory} has no program *{suffix}", file=sys.stderr)
        return 1
    failures = 0
    for program in programs:
        try:
            print(check(str(program), command))
        except Failure as failure:
            failures += 1
            print(f"FAILED: {program}, with {command[0]}: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
