# SPDX-License-Identifier: Apache-2.0
"""`tarfile` with extraction filters (PEP 706), which came to CPython 3.11 with its release 3.11.4.

Debian 12 has 3.11.2; there the backport of the same module stands in. Imported by whatever unpacks
an archive, so that `filter="data"` is always in force.
"""

import sys

if sys.version_info >= (3, 11, 4):
    import tarfile
else:
    from backports import tarfile  # type: ignore[no-redef, unused-ignore]

__all__ = ["tarfile"]
