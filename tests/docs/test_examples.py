"""Tests of examples.py."""

import unittest

import examples

EXAMPLE = """
    /// Returns the size.
    ///
    /// # Examples
    ///
    /// ```
    /// size();
    /// ```
"""


class ExampleTests(unittest.TestCase):
    def problems(self, source: str) -> list:
        count, problems = examples.check("a.rs", source)
        self.assertEqual(count, 1, source)
        return problems

    def test_item_with_example_has_no_problem(self) -> None:
        for item in ["pub fn size() {", "pub const fn size() {", "#[must_use]\npub struct Size(u64);",
                     "#[must_use = \"a reason\\\n on two lines\"]\npub enum Size {"]:
            self.assertEqual(self.problems(EXAMPLE + item), [], item)

    def test_item_without_example_is_a_problem(self) -> None:
        for doc in ["", "/// Returns the size.\n", "/// # Examples\n///\n/// `size()`\n",
                    EXAMPLE.replace("# Examples", "# Errors")]:
            for item in ["pub fn size() {", "pub async unsafe fn size() {", "pub struct Size(u64);",
                         "pub enum Size {", "pub trait Size {", "pub type Size = u64;"]:
                self.assertEqual(len(self.problems(doc + item)), 1, doc + item)

    def test_example_of_another_item_does_not_count(self) -> None:
        for other in ["fn private() {}", "pub(crate) fn private() {}", "field: u64,"]:
            problems = self.problems(EXAMPLE + other + "\npub fn size() {")
            self.assertEqual(len(problems), 1, other)
            self.assertIn("a.rs:10: fn size", problems[0])

    def test_item_that_is_not_public_does_not_count(self) -> None:
        for item in ["fn size() {", "pub(crate) fn size() {", "pub(super) struct Size;", "pub mod size;",
                     "pub use size::Size;", "pub size: u64,", "// pub fn size() {"]:
            self.assertEqual(examples.check("a.rs", item), (0, []), item)


if __name__ == "__main__":
    unittest.main()
