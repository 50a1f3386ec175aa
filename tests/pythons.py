# SPDX-License-Identifier: Apache-2.0
"""Lists the Pythons of this machine that falcokit can embed: CPython >= 3.11, shared libpython.

PYTHON alone if that is set, else the `python3` on the path, then all others, those of
tests/hosts/get-pythons.sh among them; one for each release.

    python3 tests/pythons.py            their paths, one a line, the one to work with first
    python3 tests/pythons.py --check    the first; without one, or without a C compiler, one
                                        sentence on stderr that says what mends it
    python3 tests/pythons.py --suite    what `make test` runs, one line "PART VERSION PATH" for each
                                        Python: "whole", the whole suite, on the oldest; "python",
                                        all that hangs on the Python, on the newest; "smoke" on the
                                        newest release of each minor version between
    python3 tests/pythons.py --suite-all    the whole suite on every release
"""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: The minor versions that falcokit supports: its classifiers and its documentation name the same.
SUPPORTED = [(3, 11), (3, 12), (3, 13), (3, 14), (3, 15)]
MINIMUM = SUPPORTED[0]
EXIT_TOOL_MISSING = 5

QUESTION = """
import json, os, sys, sysconfig
get = sysconfig.get_config_var
name = get("INSTSONAME") or ""
folders = [get("LIBDIR") or "", "/usr/lib/" + (get("MULTIARCH") or ""), "/usr/lib64"]
try:
    import ensurepip, venv
    has_venv = True
except ImportError:
    has_venv = False
print(json.dumps({
    "path": sys.executable,
    "version": sys.version_info[:3],
    "cpython": sys.implementation.name == "cpython",
    "shared": bool(get("Py_ENABLE_SHARED")),
    "headers": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
        and any(os.path.exists(os.path.join(folder, name)) for folder in folders),
    "venv": has_venv,
}))
"""


def launchers():
    """Give what tests/hosts/get-pythons.sh made: it starts a Python in a system of its own."""
    folder = os.environ.get("FALCOKIT_PYTHONS_DIR") or Path.home() / ".cache" / "falcokit-pythons"
    return map(str, sorted(Path(folder).glob("python3.[0-9]*[0-9]")))


def candidates():
    """Give the paths worth asking, and whether each is its own name for what it starts."""
    chosen = os.environ.get("PYTHON")
    if chosen:
        yield shutil.which(chosen) or chosen, False
        return
    for name in ["python3"] + [f"python3.{minor}" for minor in range(MINIMUM[1], 30)]:
        found = shutil.which(name)
        if found:
            yield found, False
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    paths = sorted(root.glob("versions/*/bin/python3"))
    for folder in ("/usr/bin", "/usr/local/bin"):
        paths += sorted(Path(folder).glob("python3.[0-9]*[0-9]"))
    for path in paths:
        yield str(path), False
    for path in launchers():
        yield path, True


def ask(path, launcher):
    """Return what an interpreter says about itself, None if it does not run."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [path, "-c", QUESTION],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            check=True,
            timeout=30,
        )
        info = json.loads(done.stdout.decode())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    info["launcher"] = launcher
    if launcher:
        info["path"] = path
    return info


def problem(info):
    """Say why falcokit cannot use this one and what mends it, None if it can."""
    version = ".".join(map(str, info["version"]))
    short = ".".join(map(str, info["version"][:2]))
    who = f"Python {version} ({info['path']})"
    if not info["cpython"]:
        return f"{who} is not CPython; choose one with PYTHON=/path/to/python3"
    if tuple(info["version"][:2]) < MINIMUM:
        return f"{who} is older than 3.11; choose a newer one with PYTHON=/path/to/python3"
    if not info["shared"]:
        return (
            f"{who} has no shared libpython; build one that has with"
            f" PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {version}"
        )
    if not info["headers"]:
        return f"{who} lacks what C needs; install it: sudo apt-get install python{short}-dev"
    if not info["venv"]:
        return f"{who} has no venv; install it: sudo apt-get install python{short}-venv"
    return None


@functools.cache
def search(launched=True, first=False):
    """Return the usable interpreters, one for each release, and the problems of the others.

    Each that is asked takes a tenth of a second: those in systems of their own only if `launched`,
    and with `first` those up to the first that is usable.
    """
    usable, problems, seen = [], [], set()
    for path, launcher in candidates():
        if first and usable:
            break
        if launcher and not launched:
            continue
        info = ask(path, launcher)
        if info is None:
            if os.environ.get("PYTHON"):
                problems.append(f"PYTHON={path} does not run")
            continue
        if os.path.realpath(info["path"]) in seen:
            continue
        seen.add(os.path.realpath(info["path"]))
        why = problem(info)
        if why:
            problems.append(why)
        elif all(info["version"] != other["version"] for other in usable):
            usable.append(info)
    return usable, problems


def own():
    """Return the usable interpreters that need no system of their own."""
    return search(launched=False)[0]


def suite(usable):
    """Return which part of the suite runs on which of them."""
    by_release = sorted(usable, key=lambda info: info["version"])
    oldest, newest = by_release[0], by_release[-1]
    parts = [("whole", oldest)]
    if newest["version"][:2] != oldest["version"][:2]:
        parts.append(("python", newest))
    minors = {tuple(info["version"][:2]): info for info in by_release}
    return parts + [("smoke", minors[minor]) for minor in sorted(minors)[1:-1]]


def compiler_problem():
    """Say what mends a missing C compiler, None if there is one."""
    asked = os.environ.get("CC")
    if asked and not shutil.which(asked.split()[0]):
        return f"CC={asked} is no program; unset CC or install it: sudo apt-get install gcc"
    if asked or any(shutil.which(name) for name in ("cc", "gcc", "clang")):
        return None
    return "there is no C compiler; install one: sudo apt-get install gcc libc6-dev"


def fail(sentence):
    """End with one sentence."""
    sys.stderr.write(f"error: {sentence}\n")
    sys.exit(EXIT_TOOL_MISSING)


def main():
    """Print what was found."""
    check = "--check" in sys.argv
    why = compiler_problem() if check else None
    if why:
        fail(why)
    usable, problems = search(first=check)
    if not usable:
        # The first is the one a person would have used.
        fail(problems[0] if problems else "there is no Python >= 3.11 on this machine")
    if "--suite" in sys.argv or "--suite-all" in sys.argv:
        everything = [("whole", info) for info in usable]
        for part, info in everything if "--suite-all" in sys.argv else suite(usable):
            print(part, ".".join(map(str, info["version"])), info["path"])
        return
    for info in usable[:1] if check else usable:
        print(info["path"])


if __name__ == "__main__":
    main()
