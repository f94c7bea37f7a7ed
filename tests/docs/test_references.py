"""Tests of references.py."""

import tempfile
import unittest
from pathlib import Path

import references


class ReferenceTests(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        for path, text in [("tests/it/save.rs", "fn save_fails() {}"),
                           ("tests/python/test_save.py", "def test_save() -> None:"),
                           ("tests/cpp/test.cpp", 'TEST_CASE("save_fails")'),
                           ("fuzz/fuzz_targets/file_name.rs", "")]:
            (self.root / path).parent.mkdir(parents=True)
            (self.root / path).write_text(text, encoding="utf-8")

    def problems(self, text: str) -> list:
        return references.problems(self.root, "P.md", text)[1]

    def unproven(self, cell: str) -> list:
        return references.unproven(self.root, f"| promise | shown by |\n|---|---|\n| P | {cell} |")

    def test_existing_files_and_tests_have_no_problems(self) -> None:
        for text in ["`tests/it/save.rs` (`save_fails`)", "`tests/python/test_save.py` (`test_save`)",
                     "`tests/cpp/test.cpp` (`save_fails`)", "`tests/it`, `tests/*/*.rs`, `tests/it 60`",
                     "fuzz target `file_name`"]:
            self.assertEqual(self.problems(text), [], text)

    def test_missing_file_is_a_problem(self) -> None:
        for text in ["`tests/process`", "`tests/it/load.rs`", "`src/*.rs`"]:
            self.assertEqual(len(self.problems(text)), 1, text)

    def test_missing_test_is_a_problem(self) -> None:
        self.assertEqual(self.problems("`tests/it/save.rs` (`save_fails`, `save_works`)"),
                         ["P.md: tests/it/save.rs has no save_works"])

    def test_prefix_of_a_test_is_a_problem(self) -> None:
        self.assertEqual(self.problems("`tests/it/save.rs` (`save`)"),
                         ["P.md: tests/it/save.rs has no save"])

    def test_missing_fuzz_target_is_a_problem(self) -> None:
        self.assertEqual(self.problems("fuzz targets `file_name` and `redact`"),
                         ["P.md: there is no fuzz target redact"])

    def test_promise_with_a_test_has_no_problems(self) -> None:
        self.assertEqual(self.unproven("`tests/it/save.rs` (`save_fails`), fuzz target `file_name`"), [])

    def test_promise_without_a_test_is_a_problem(self) -> None:
        self.assertEqual(self.unproven("the tests"), ["SECURITY.md: no test shows: P"])

    def test_test_without_its_file_is_a_problem(self) -> None:
        self.assertEqual(self.unproven("`tests/it`, `save.rs`, `save_fails`"),
                         ["SECURITY.md: no file of the test is named: save.rs",
                          "SECURITY.md: no file of the test is named: save_fails"])


if __name__ == "__main__":
    unittest.main()
