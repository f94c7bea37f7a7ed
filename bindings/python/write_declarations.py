"""Writes src/sellercloud_output/_declarations.py from the C header.

What ctypes must be told of every function, structure and constant is in the header
already; typed by hand it would differ one day.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEADER = HERE.parents[1] / "include" / "sellercloud_output.h"
DECLARATIONS = HERE / "src" / "sellercloud_output" / "_declarations.py"

VALUES = {
    "double": "c_double",
    "int32_t": "c_int32",
    "int64_t": "c_int64",
    "sco_status": "c_int32",
    "size_t": "c_size_t",
    "uint32_t": "c_uint32",
    "uint64_t": "c_uint64",
}

HEAD = '''"""The C interface as ctypes has it. Written by write_declarations.py: do not edit."""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any
'''


def python_type(c_type: str, structures: set[str], callbacks: set[str]) -> str:
    """The ctypes type for a C type."""
    c_type = c_type.replace("const ", "").strip()
    if c_type in VALUES:
        return VALUES[c_type]
    if c_type in callbacks:
        return c_type
    if c_type == "void":
        return "None"
    if c_type == "char *":
        return "c_char_p"
    target = c_type.removesuffix("*").strip()
    if target.endswith("*"):
        return "POINTER(c_void_p)"
    if target in structures:
        return f"POINTER({target})"
    if target in VALUES and target != "uint8_t":
        return f"POINTER({VALUES[target]})"
    # An opaque handle, or bytes.
    return "c_void_p"


def split(declaration: str) -> tuple[str, str]:
    """The type and the name of a parameter or member."""
    match = re.fullmatch(r"(.*?)(\w+)", declaration.strip(), re.DOTALL)
    assert match, declaration
    return match[1].strip(), match[2]


def declarations(header: str) -> str:
    comments = re.compile(r"/\*.*?\*/", re.DOTALL)
    directives = re.compile(r"^#.*$", re.MULTILINE)
    code = " ".join(directives.sub("", comments.sub("", header)).split())
    structures: set[str] = set()
    callbacks: set[str] = set()
    lines = [HEAD]

    def types(parameters: str) -> list[str]:
        if parameters.strip() == "void":
            return []
        return [
            python_type(split(parameter)[0], structures, callbacks)
            for parameter in parameters.split(",")
        ]

    for name, value in re.findall(r"#define (SCO_\w+) (-?\d+)", header):
        lines.append(f"{name} = {value}")
    parts = re.findall(
        r"typedef struct \{(?P<members>[^}]*)\} (?P<structure>\w+);"
        r"|typedef (?P<result>[\w ]+?) ?\(\*(?P<callback>\w+)\)\((?P<arguments>[^)]*)\);",
        code,
    )
    for members, structure, result, callback, arguments in parts:
        if structure:
            structures.add(structure)
            lines.append(f"\n\nclass {structure}(Structure):\n    _fields_ = [")
            for member in members.strip().rstrip(";").split(";"):
                c_type, name = split(member)
                lines.append(f'        ("{name}", {python_type(c_type, structures, callbacks)}),')
            lines.append("    ]\n")
        else:
            result = python_type(result, structures, callbacks)
            callbacks.add(callback)
            lines.append(f"{callback} = CFUNCTYPE({', '.join([result, *types(arguments)])})")
    lines.append("\nFUNCTIONS: dict[str, tuple[Any, list[Any]]] = {")
    functions = re.findall(r"([\w ]+?[ *]+)(sco_\w+)\(([^()]*)\);", code)
    for result, name, parameters in functions:
        restype = python_type(result, structures, callbacks)
        lines.append(f'    "{name}": ({restype}, [{", ".join(types(parameters))}]),')
    lines.append("}\n")
    lines.append(
        '''
def declare(library: ctypes.CDLL) -> None:
    """Tells ctypes the types of all functions."""
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
'''
    )
    return "\n".join(lines)


def main() -> None:
    text = declarations(HEADER.read_text(encoding="utf-8"))
    if sys.argv[1:] == ["--check"]:
        if DECLARATIONS.read_text(encoding="utf-8") != text:
            sys.exit(f"{DECLARATIONS.name} lags behind the header: run write_declarations.py")
    else:
        DECLARATIONS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
