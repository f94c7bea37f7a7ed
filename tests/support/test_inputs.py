"""Tests of inputs.py."""

import unittest

import inputs

PAGE = """Text.

```c
int main(void)
{
}
```

```sh
ls
```

```c no_run
int other;
```

```sh
ls
```
"""


class ProgramTests(unittest.TestCase):
    def test_program_is_the_block_without_other_words(self) -> None:
        self.assertEqual(inputs.program(PAGE, "c"), "int main(void)\n{\n}\n")

    def test_program_absent_or_repeated_fails(self) -> None:
        for language, count in [("cpp", 0), ("sh", 2)]:
            with self.assertRaisesRegex(ValueError, f"are {count} code blocks .*{language}"):
                inputs.program(PAGE, language)


class CallsTests(unittest.TestCase):
    def test_calls_have_values_and_no_comments(self) -> None:
        text = "# {UNSET}\ncase: #\n\nserver: {A_SERVER}/x\n> message: {A_SERVER:host}, {B:host}\n"
        variables = {"A_SERVER": "http://localhost:80/api", "B": "https://[::1]:81"}
        self.assertEqual(
            inputs.calls(text, variables),
            "case: #\n\nserver: http://localhost:80/api/x\n> message: localhost:80, [::1]:81\n",
        )

    def test_calls_variable_not_set_fails(self) -> None:
        with self.assertRaisesRegex(ValueError, "variable A_SERVER is not set"):
            inputs.calls("server: {A_SERVER}\n", {})


if __name__ == "__main__":
    unittest.main()
