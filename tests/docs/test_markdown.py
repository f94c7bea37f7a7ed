"""Tests of markdown.py and links.py."""

import tempfile
import unittest
from pathlib import Path

import links
import markdown

PAGE = """# A page: `with_code()`

[one](other.md#a-part) ![two](https://host/image.svg)

## A part

  ```sh exits=1 args=a,b
  # [no link](nowhere.md)
  ```

## A part

```rust
fn main() {}
```
"""


class MarkdownTests(unittest.TestCase):
    def test_blocks_have_language_info_and_line(self) -> None:
        shell, rust = markdown.blocks(PAGE)
        self.assertEqual((shell.line, shell.language, shell.info), (7, "sh", "exits=1 args=a,b"))
        self.assertEqual(shell.text, "  # [no link](nowhere.md)\n")
        self.assertEqual((rust.line, rust.language, rust.info), (13, "rust", ""))
        self.assertEqual(rust.text, "fn main() {}\n")

    def test_block_not_closed_raises(self) -> None:
        with self.assertRaisesRegex(ValueError, "line 2"):
            markdown.blocks("text\n```sh\nls\n")

    def test_anchors_of_headings_follow_github(self) -> None:
        self.assertEqual(markdown.anchors(PAGE), {"a-page-with_code", "a-part", "a-part-1"})

    def test_links_in_blocks_are_ignored(self) -> None:
        self.assertEqual(markdown.links(PAGE), ["other.md#a-part", "https://host/image.svg"])


class LinkTests(unittest.TestCase):
    def problems(self, text: str) -> list:
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            (root / "docs").mkdir()
            (root / "docs" / "page.md").write_text(text, encoding="utf-8")
            (root / "README.md").write_text("# Title\n", encoding="utf-8")
            return links.problems(root, "docs/page.md")[1]

    def test_existing_targets_have_no_problems(self) -> None:
        text = "# Here\n[a](#here) [b](../README.md#title) [c](../README.md) [d](https://host/)"
        self.assertEqual(self.problems(text), [])

    def test_missing_file_is_a_problem(self) -> None:
        self.assertEqual(self.problems("[a](b.md)"), ["docs/page.md: b.md: no such file"])

    def test_missing_heading_is_a_problem(self) -> None:
        for link in ["#there", "../README.md#there"]:
            self.assertEqual(self.problems(f"[a]({link})"), [f"docs/page.md: {link}: no such heading"])


if __name__ == "__main__":
    unittest.main()
