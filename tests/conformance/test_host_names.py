# SPDX-License-Identifier: Apache-2.0
"""What the build takes for the framework's own names is what the framework has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from falcokit.build.check_extract import HOST_WORDS

if TYPE_CHECKING:
    from drivers import Sysdig


@pytest.mark.host
@pytest.mark.once
def test_every_field_of_the_framework_begins_with_a_word_that_the_build_keeps(
    sysdig: Sysdig,
) -> None:
    """X9"""
    listed, said, status = sysdig.raw("-l")
    assert status == 0, said
    words = set(re.findall(r"^([a-z_0-9]+)\.[a-z_.0-9]+ ", listed, re.MULTILINE))
    assert {"evt", "proc", "fd"} <= words == HOST_WORDS
