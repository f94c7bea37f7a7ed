"""Tests of must_not_compile.py."""

import sys
import tempfile
import unittest
from pathlib import Path

import must_not_compile
from must_not_compile import Failure

ONE_LINE = """a/x.c: In function 'f':
a/x.c:5:9: error: other [-Werror]
a/x.c:5:12: error: bad conversion [-Werror=enum-conversion]
a/x.c:2:1: note: declared here
include/y.h:9:1: error: conversion
"""
# Acts as a compiler: reports an error in line 3 if its arguments contain the first word of the
# program, and fails.
COMPILER = """
import sys
program = sys.argv[-1]
if open(program).readline().strip() in sys.argv:
    sys.exit(f"{program}:3:1: error: no conversion")
"""


class ReasonTests(unittest.TestCase):
    def test_reason_is_read_from_both_kinds_of_comments(self) -> None:
        for source in ["f(); /* error: a (b|c) */\n", "int x; // x\nf(); // error: a (b|c)\n"]:
            self.assertEqual(must_not_compile.reason(source), "a (b|c)")

    def test_reason_absent_or_repeated_fails(self) -> None:
        for source, count in [("f();", 0), ("// error: a\n/* error: b */\n", 2)]:
            with self.assertRaisesRegex(Failure, f"^{count} comments"):
                must_not_compile.reason(source)


class ErrorsTests(unittest.TestCase):
    def test_errors_in_one_line_return_the_matching_error(self) -> None:
        error = must_not_compile.check_errors("a/x.c", "bad .*conv", ONE_LINE)
        self.assertEqual(error, ONE_LINE.splitlines()[2])

    def test_errors_without_the_reason_fail(self) -> None:
        for program, expression in [("a/x.c", "declared"), ("a/x.c", "x.c"), ("a/z.c", "other")]:
            with self.assertRaisesRegex(Failure, "no error matches"):
                must_not_compile.check_errors(program, expression, ONE_LINE)

    def test_errors_in_two_lines_fail(self) -> None:
        output = ONE_LINE + "a/x.c:6:1: error: another\n"
        with self.assertRaisesRegex(Failure, "2 lines have errors"):
            must_not_compile.check_errors("a/x.c", "conversion", output)


class CheckTests(unittest.TestCase):
    def check(self, first_line: str) -> str:
        """Checks a program, with a compiler that fails if its arguments contain the first line."""
        with tempfile.TemporaryDirectory() as directory:
            program = Path(directory, "x.c")
            program.write_text(f"{first_line}\n\nf(); // error: conversion\n", encoding="utf-8")
            command = [sys.executable, "-c", COMPILER, "-Wall"]
            return must_not_compile.check(str(program), command)

    def test_check_error_with_wrong_only_passes(self) -> None:
        self.assertRegex(self.check("-DWRONG"), "x.c:3:1: error: no conversion$")

    def test_check_error_without_wrong_fails(self) -> None:
        with self.assertRaisesRegex(Failure, "does not compile without WRONG"):
            self.check("-Wall")

    def test_check_no_error_fails(self) -> None:
        with self.assertRaisesRegex(Failure, "compiles with WRONG"):
            self.check("-absent")


if __name__ == "__main__":
    unittest.main()
