"""Builds the native library, with cargo, into the wheel; packs the crate into the sdist.

A library that is built already is taken from the folder that SCO_LIBRARIES names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
# An sdist has the crate in it.
CRATE = HERE / "crate" if (HERE / "crate").exists() else HERE.parents[1]
PACKAGE = "sellercloud_output"


def version() -> str:
    """The crate's version."""
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--locked"]
    metadata = subprocess.run(command, cwd=CRATE, check=True, stdout=subprocess.PIPE).stdout
    (package,) = json.loads(metadata)["packages"]
    return str(package["version"])


def build_library() -> Path:
    """Builds the native library, where there is none yet; gives its path."""
    if "SCO_LIBRARIES" in os.environ:
        files = list(Path(os.environ["SCO_LIBRARIES"]).iterdir())
    else:
        command = ["cargo", "rustc", "--release", "--locked", "--lib"]
        command += ["--crate-type", "cdylib,staticlib", "--message-format=json-render-diagnostics"]
        output = subprocess.run(command, cwd=CRATE, check=True, stdout=subprocess.PIPE).stdout
        messages = [json.loads(line) for line in output.splitlines()]
        files = [
            Path(file)
            for message in messages
            if message["reason"] == "compiler-artifact" and message["target"]["name"] == PACKAGE
            for file in message["filenames"]
        ]
    return next(file for file in files if file.suffix in {".so", ".dylib", ".dll"})


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        root = HERE / "src" if self.editable_mode else Path(self.build_lib)
        shutil.copy2(build_library(), root / PACKAGE)


class SourceWithCrate(sdist):
    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        # What the crate's own package holds. Of what cargo lists it makes some itself.
        command = ["cargo", "package", "--list", "--locked", "--allow-dirty"]
        listed = subprocess.run(command, cwd=CRATE, check=True, stdout=subprocess.PIPE).stdout
        for name in listed.decode().splitlines():
            if (CRATE / name).exists():
                file = Path(base_dir, "crate", name)
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CRATE / name, file)


class Wheel(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        # For any Python, but for one system: ctypes needs no ABI of Python's.
        return "py3", "none", super().get_tag()[2]


class WithLibrary(Distribution):
    def has_ext_modules(self) -> bool:
        return True


if __name__ == "__main__":
    # Setuptools packs licences that are beside this file only.
    for licence in CRATE.glob("LICENSE-*"):
        shutil.copy2(licence, HERE)
    setup(
        version=version(),
        distclass=WithLibrary,
        cmdclass={"build_py": BuildWithLibrary, "sdist": SourceWithCrate, "bdist_wheel": Wheel},
        package_dir={"": "src"},
        packages=[PACKAGE],
        package_data={PACKAGE: ["py.typed"]},
    )
