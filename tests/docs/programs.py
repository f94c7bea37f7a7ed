#!/usr/bin/env python3
"""Compiles and runs the programs and command lines of the documentation.

tests/docs/run calls this script, starts the mock servers before, and describes the words that may
follow the language in the first line of a code block.

    programs.py OUT PYTHON     OUT: a new directory with the installed library in OUT/installed and
                               the .NET binding in OUT/dotnet; PYTHON: the directory of a virtual
                               environment that has the Python package
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import markdown

FIXTURES = markdown.ROOT / "tests" / "fixtures"
TIMEOUT_SECONDS = 60
LANGUAGES = ["rust", "c", "cpp", "csharp", "python", "sh"]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


class Failure(Exception):
    """A program that does not do what its code block says."""


@dataclass
class Expectations:
    """What the first line of a code block says, see tests/docs/run."""

    no_run: bool = False
    saves: list[str] = field(default_factory=list)
    exits: int = 0
    arguments: list[str] = field(default_factory=list)
    given: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, info: str) -> Expectations:
        """Parses the words after the language."""
        result = cls()
        for word in info.split():
            name, _, value = word.partition("=")
            if word == "no_run":
                result.no_run = True
            elif name == "saves":
                result.saves = value.split(",")
            elif name == "exits":
                result.exits = int(value)
            elif name == "args":
                result.arguments = value.split(",")
            elif name == "given":
                result.given = value
            elif re.fullmatch(r"[A-Za-z_]+=[A-Z_]+", word) and value in os.environ:
                result.settings[name] = os.environ[value]
            else:
                raise Failure(f"unknown word in the first line of the block: {word}")
        return result


class Runner:
    """Compiles and runs code blocks."""

    def __init__(self, out: Path, python: Path) -> None:
        self.out = out
        self.python = python / "bin"
        self.target = Path(os.environ.get("CARGO_TARGET_DIR") or markdown.ROOT / "target").resolve()
        installed = out / "installed"
        self.link = [f"-I{installed}/include", f"-L{installed}/lib", f"-Wl,-rpath,{installed}/lib",
                     "-lsellercloud_output", "-pthread"]
        # Files that a block can have in its directory.
        self.given = out / "given"
        self.given.mkdir()
        certificates = Path(os.environ["MOCK_SERVER_CERTIFICATES"])
        shutil.copy(certificates / "ca.pem", self.given / "company-ca.pem")

    def build(self, name: str, block: markdown.Block) -> list[str]:
        """Compiles a block, if its language needs it, and returns the command that runs it."""
        source, program = self.out / name, self.out / f"{name}.program"
        source.write_text(block.text, encoding="utf-8")
        compiler: list[object] = []
        command: list[object] = [program]
        if block.language == "rust":
            library = self.target / "debug" / "libsellercloud_output.rlib"
            compiler = ["rustc", "--edition", "2024", "-D", "warnings", "--crate-name", name,
                        "--extern", f"sellercloud_output={library}",
                        "-L", f"dependency={self.target / 'debug' / 'deps'}", "-o", program, source]
        elif block.language == "c":
            compiler = ["cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", *WARNINGS, "-x", "c", source,
                        "-x", "none", "-o", program, *self.link]
        elif block.language == "cpp":
            compiler = ["c++", "-std=c++17", *WARNINGS, "-x", "c++", source, "-x", "none",
                        "-o", program, *self.link]
        elif block.language == "csharp":
            directory = self.out / "dotnet"
            compiler = ["tests/dotnet/compile", directory, name, "-r:System.Core.dll", source]
            command = ["mono", "--debug", directory / f"{name}.exe"]
        elif block.language == "python":
            command = [self.python / "python", source]
        else:
            command = ["bash", "-euo", "pipefail", source]
        if compiler and subprocess.run(list(map(str, compiler)), cwd=markdown.ROOT, check=False).returncode:
            raise Failure("the block does not compile")
        return list(map(str, command))

    def run(self, command: list[str], expected: Expectations, settings: dict[str, str]) -> Run:
        """Runs a command in a new directory, with these SELLERCLOUD_ variables and no others."""
        directory = Path(tempfile.mkdtemp(dir=self.out, prefix="directory."))
        if expected.given:
            shutil.copy(self.given / expected.given, directory)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SELLERCLOUD_")},
            "PATH": f"{self.python}:{os.environ['PATH']}",
            **settings,
        }
        try:
            process = subprocess.run(
                [*command, *expected.arguments], cwd=directory, env=environment, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            output = (error.output or b"").decode(errors="replace")
            raise Failure(f"no end after {TIMEOUT_SECONDS} s. Its output:\n{output}") from error
        digests = sorted(digest(path) for path in directory.rglob("*")
                         if path.is_file() and path.name != expected.given)
        return Run(process.returncode, process.stdout.decode(errors="replace"), digests)

    def check(self, name: str, block: markdown.Block) -> bool:
        """Compiles and runs a block. Returns whether it is one to run."""
        expected = Expectations.parse(block.info)
        if expected.no_run:
            return False
        command = self.build(name, block)
        settings = {"SELLERCLOUD_SERVER": os.environ["MOCK_SERVER"],
                    "SELLERCLOUD_TOKEN": os.environ["MOCK_SERVER_TOKEN"]}
        wrong = {"SELLERCLOUD_TOKEN": "wrong"}
        # The command line rejects a token together with a user name.
        if block.language != "sh":
            settings["SELLERCLOUD_USER"] = os.environ["MOCK_SERVER_USER_NAME"]
            settings["SELLERCLOUD_PASSWORD"] = os.environ["MOCK_SERVER_PASSWORD"]
            wrong["SELLERCLOUD_PASSWORD"] = "wrong"
        settings.update(expected.settings)
        run = self.run(command, expected, settings)
        if run.code != expected.exits:
            raise Failure(f"the exit code is {run.code}, not {expected.exits}. Its output:\n{run.output}")
        if not run.output:
            raise Failure("there is no output")
        if run.digests != sorted(digest(FIXTURES / sample) for sample in expected.saves):
            raise Failure(f"it saves {len(run.digests)} files, which are not the expected ones:"
                          f" {expected.saves}. Its output:\n{run.output}")
        if expected.exits == 0:
            run = self.run(command, expected, {**settings, **wrong})
            if run.code == 0:
                raise Failure(f"it succeeds with a wrong token. Its output:\n{run.output}")
            if run.digests:
                raise Failure("it saves files with a wrong token")
        if block.language in ("c", "cpp"):
            # There, getenv returns NULL. A signal that ends the program is a negative code.
            run = self.run(command, expected, {})
            if run.code <= 0:
                raise Failure(f"without the variables, the exit code is {run.code}. Its output:\n{run.output}")
        return True


@dataclass
class Run:
    """The outcome of a run."""

    code: int
    output: str
    # The SHA-256 digests of the saved files, sorted.
    digests: list[str]


def digest(path: Path) -> str:
    """Returns the SHA-256 digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Runs all blocks and returns the exit code."""
    out, python = (Path(argument).resolve() for argument in sys.argv[1:])
    runner = Runner(out, python)
    ran: Counter[str] = Counter()
    not_run: Counter[str] = Counter()
    failures = 0
    for page in markdown.docs_pages():
        for block in markdown.blocks(markdown.read(page)):
            if block.language not in LANGUAGES:
                continue
            where = f"{page}:{block.line}: {block.language}"
            try:
                if runner.check(f"block{sum(ran.values()) + failures}", block):
                    ran[block.language] += 1
                    print(where, flush=True)
                else:
                    not_run[block.language] += 1
                    print(f"{where}, not run", flush=True)
            except Failure as failure:
                failures += 1
                print(f"FAILED: {where}: {failure}", file=sys.stderr, flush=True)
    for language in LANGUAGES:
        print(f"{language}: {ran[language]} ran, {not_run[language]} are marked no_run")
        if not ran[language]:
            failures += 1
            print(f"FAILED: no {language} program ran", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
