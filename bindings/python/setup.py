"""Builds the native library with cargo into the wheel, and packs the crate into the sdist.

If the environment variable SCO_LIBRARIES names a directory that packaging/build has printed, the
library and its notices are copied from there. Otherwise they are made here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
# An sdist contains the crate, and the notices for all platforms.
IS_SDIST = (HERE / "crate").exists()
CRATE = HERE / "crate" if IS_SDIST else HERE.parents[1]
NOTICES = HERE / "notices"
NAME = "sellercloud-output"
PACKAGE = "sellercloud_output"


def metadata() -> dict[str, Any]:
    """Returns what cargo knows of the crate and its workspace."""
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--locked"]
    output = subprocess.run(command, cwd=CRATE, check=True, stdout=subprocess.PIPE).stdout
    result: dict[str, Any] = json.loads(output)
    return result


def version() -> str:
    """Returns the crate's version."""
    packages = metadata()["packages"]
    return next(str(package["version"]) for package in packages if package["name"] == NAME)


def build_library() -> Path:
    """Builds the native library unless SCO_LIBRARIES is set, and returns its path."""
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


def write_notices() -> None:
    """Writes the notices of what the library contains to this directory."""
    if "SCO_LIBRARIES" in os.environ:
        source = Path(os.environ["SCO_LIBRARIES"], "notices")
        shutil.copytree(source, NOTICES, dirs_exist_ok=True)
    elif not IS_SDIST:
        rustc = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True)
        lines = rustc.stdout.splitlines()
        host = next(line for line in lines if line.startswith("host: ")).split()[1]
        xtask_notices(NOTICES, host)


def xtask_notices(directory: Path, *targets: str) -> None:
    """Writes the notices for the targets, or without any for all platforms, to a directory."""
    command = ["cargo", "xtask", "notices", str(directory), *targets]
    subprocess.run(command, cwd=CRATE, check=True)


class BuildWithLibrary(build_py):
    """A build_py that adds the native library."""

    def run(self) -> None:
        """Copies the package and the library."""
        super().run()
        root = HERE / "src" if self.editable_mode else Path(self.build_lib)
        shutil.copy2(build_library(), root / PACKAGE)


class SourceWithCrate(sdist):
    """An sdist that adds the crate."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Copies the package, the notices and the files of the crate's own package."""
        super().make_release_tree(base_dir, files)
        notices = Path(base_dir, "notices")
        # The copied files may be links to those of this directory.
        shutil.rmtree(notices)
        if IS_SDIST:
            shutil.copytree(NOTICES, notices)
        else:
            xtask_notices(notices.resolve())
        # The manifest in cargo's package names no workspace members, which are not packed.
        command = ["cargo", "package", "--no-verify", "--locked", "--allow-dirty", "--quiet"]
        subprocess.run(command, cwd=CRATE, check=True)
        name = f"{NAME}-{version()}"
        package = Path(metadata()["target_directory"], "package", f"{name}.crate")
        with tarfile.open(package) as archive:
            # Pythons that know extraction filters warn unless one is set.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(base_dir)
        crate = Path(base_dir, name).rename(Path(base_dir, "crate"))
        # With these two, cargo would refuse to package the crate again.
        for reserved in (".cargo_vcs_info.json", "Cargo.toml.orig"):
            crate.joinpath(reserved).unlink(missing_ok=True)


class Wheel(bdist_wheel):
    """A wheel for any Python and one platform."""

    def get_tag(self) -> tuple[str, str, str]:
        """Returns the tag. ctypes does not depend on an ABI of Python."""
        return "py3", "none", super().get_tag()[2]

    def egg2dist(self, egginfo_path: str, distinfo_path: str) -> None:
        """Adds the bill of materials to the metadata, where PEP 770 expects it."""
        super().egg2dist(egginfo_path, distinfo_path)
        sboms = Path(distinfo_path, "sboms")
        sboms.mkdir()
        shutil.copy2(NOTICES / f"{NAME}.cdx.json", sboms)


class WithLibrary(Distribution):
    """A distribution with a native library, which makes its wheel platform-specific."""

    def has_ext_modules(self) -> bool:
        """Returns True."""
        return True


if __name__ == "__main__":
    # setuptools packs only license files that are next to this file.
    for license_file in CRATE.glob("LICENSE-*"):
        shutil.copy2(license_file, HERE)
    write_notices()
    setup(
        version=version(),
        distclass=WithLibrary,
        cmdclass={"build_py": BuildWithLibrary, "sdist": SourceWithCrate, "bdist_wheel": Wheel},
        package_dir={"": "src"},
        packages=[PACKAGE],
        package_data={PACKAGE: ["py.typed"]},
    )
