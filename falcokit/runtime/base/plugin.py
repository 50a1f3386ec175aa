# SPDX-License-Identifier: Apache-2.0
"""Plugin: the base of every plugin class; its metadata and the hooks of its life.

Authors subclass it together with the capabilities (`AsyncEvents`, `EventParsing`, ...). Falco makes
one state per event source, so a class may have several instances in one process at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from falcokit.runtime.base.closing import ClosingAttribute, pause
from falcokit.runtime.base.logs import plugin_logger

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Iterable

    from falcokit.runtime.base.metrics import Metric
    from falcokit.runtime.tables.tables import Tables

__all__ = ["Plugin"]


class Plugin:
    """A Falco plugin.

    Two more class attributes are computed unless the class sets them, which is rarely needed:
    `required_api_version` is the oldest plugin API that supports its features, and so decides which
    versions of Falco load it; `required_event_schema_version` ("4.0.0") is compared with that of
    the kernel driver when the plugin asks for events other than its own.

    Attributes:
        name: Its name in Falco. Name, version, description and contact come from `[project]` in
            pyproject.toml if the class does not set them.
        version: x.y.z; rules files can require it.
        description: One line.
        contact: How to reach the author.
        config: Annotate it with a msgspec.Struct or a dataclass: the init config is then JSON that
            Falco checks against the schema of that type; with str it is passed unchanged. It is set
            before `init` is called.
        tables: The tables of Falco and of other plugins, to list and import in `init`; declare
            those that are known in advance with `import_table`.
        log: A standard logger whose records reach Falco's log under the plugin's name, with all
            its severities: TRACE 5, DEBUG, INFO, NOTICE 25, WARNING, ERROR, CRITICAL, FATAL 60.
        closing: Set when the capture closes: `closing.wait(seconds)` and `closing.is_set()` in a
            thread, `await closing` in a coroutine.

    """

    name: ClassVar[str]
    version: ClassVar[str]
    description: ClassVar[str]
    contact: ClassVar[str]
    config: Any
    tables: Tables
    closing = ClosingAttribute()

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait; the wait ends when the capture, or the event source it runs for, closes.

        In a thread `self.sleep(5)`, in a coroutine `await self.sleep(5)`. At the close the work
        ends there: an exception is raised that `except Exception` does not catch, and that ends a
        producer, a source or a thread without an error; `finally` blocks run.
        """
        return pause(self, seconds)

    @property
    def log(self) -> logging.Logger:
        """The plugin's own logger."""
        return plugin_logger(type(self).name)

    def init(self) -> None:
        """Prepare the plugin; `self.config` is already set.

        Required: no. Called: once per state, before everything else, within 30 s.
        Raise: anything; Falco then refuses to start and shows the text.
        """

    def destroy(self) -> None:
        """Release what `init` acquired.

        Required: no. Called: once, after the last capture has closed, within 5 s.
        """

    def set_config(self, config: Any) -> None:
        """Accept a new config, or raise to reject it; `self.config` changes after it returns.

        Required: no; without it Falco gets "not supported". Called: between any two other hooks.
        """

    def get_metrics(self) -> Iterable[Metric]:
        """Return the plugin's metrics; falcokit adds those of async delivery.

        Required: no. Called: on Falco's event loop or from threads of its web server, also while
        other hooks run; after 5 s HookTimeoutError is raised in it. Raise: falcokit logs the first
        of a kind each minute; falcokit's own metrics are still reported.
        """
        return ()
