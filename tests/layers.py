# SPDX-License-Identifier: Apache-2.0
"""The layers of falcokit, the lowest first: a file may use what stands in a line above its own.

ARCHITECTURE.md draws them, test_layers.py compares them with every import and every C symbol.
"""

from falcokit.native import ROOMS

__all__ = ["GLUE", "PYTHON", "RUNNER"]

#: Rooms of one line do not know each other.
PYTHON = """
errors native runtime.base
record
runtime.event runtime.json runtime.tables runtime.extract
runtime.async_event runtime.parse
runtime.source runtime.listen
runtime.host
sources
project toolchain
filter
capture.format
capture.file capture.lists
capture.events
capture.encode capture.render capture.native capture.reader
capture.filter capture.state capture.summary capture.writer
rules
runner
build dev
testing
package.safe_tarfile package.deploy package.link
package.python
package.dependencies
package.artifact
package.registry
cli
__main__
"""

#: Of falcokit/native/src: the glue library, whose rooms know those before them.
GLUE = ROOMS

#: The runner, which has the glue's JSON and store of tables; and falcokit.testing's host, which has
#: the runner's rooms but for what it puts in the place of the reports and of the watch.
RUNNER = (
    *("json", "tables", "runner/report", "runner/host", "runner/extract", "runner/capture"),
    *("runner", "testing"),
)
