# SPDX-License-Identifier: Apache-2.0
"""The fuzzer finds nothing in a bounded run, under the sanitizers; its corpus is up to date."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from json_fields.native_fields import C_FILES, FLAGS

from tools.json_corpus import CORPUS, corpus

if TYPE_CHECKING:
    from conftest import CompileC

FOLDER = Path(__file__).parent
ROUNDS = 300
SANITIZERS = "-fsanitize=address,undefined"


def test_random_programs_and_payloads_do_no_harm(compile_c: CompileC) -> None:
    harness = [FOLDER / "fuzz_fields.c", FOLDER / "fuzz_main.c"]
    flags = (*FLAGS, "-O0", "-g1", SANITIZERS, "-fno-sanitize-recover=all")
    program = compile_c("fuzz_fields", [*harness, *C_FILES], *flags)
    files = sorted(str(path) for path in CORPUS.iterdir())
    done = subprocess.run(
        [program, str(ROUNDS), *files], check=False, capture_output=True, timeout=250
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]


def test_the_corpus_has_every_operator_in_the_form_of_now() -> None:
    assert {path.name: path.read_bytes() for path in CORPUS.iterdir()} == corpus()
