# SPDX-License-Identifier: Apache-2.0
"""Plugin: the base of every plugin class; its metadata and the hooks of its life.

Authors subclass it together with the capabilities (`AsyncEvents`, `EventParsing`, ...). Falco makes
one state per event source, so a class may have several instances in one process at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from falcokit.runtime.base.logs import plugin_logger

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from falcokit.runtime.base.metrics import Metric
    from falcokit.runtime.tables.tables import Tables

__all__ = ["Plugin"]


class Plugin:
    """A Falco plugin.

    Two more class attributes are computed where the class leaves them out, as it should:
    `required_api_version` is the oldest plugin API that its features work with, and so decides how
    old a Falco loads it; `required_event_schema_version` ("4.0.0") is compared with that of the
    kernel driver when the plugin asks for other events than its own.

    Attributes:
        name: Its name in Falco; `[project]` of pyproject.toml gives what the class leaves out.
        version: x.y.z; rules files ask for it.
        description: One line.
        contact: Where to reach the author.
        config: Annotate it with a msgspec.Struct or a dataclass, and the init config is JSON that
            Falco checks by the schema of that type; with str it is passed as it is. It is set
            before `init` is called.
        tables: The tables of Falco and of other plugins, to list and import in `init`; those known
            beforehand are declared with `import_table`.
        log: A standard logger whose records reach Falco's log under the plugin's name, with all
            its severities: TRACE 5, DEBUG, INFO, NOTICE 25, WARNING, ERROR, CRITICAL, FATAL 60.

    """

    name: ClassVar[str]
    version: ClassVar[str]
    description: ClassVar[str]
    contact: ClassVar[str]
    config: Any
    tables: Tables

    @property
    def log(self) -> logging.Logger:
        """The plugin's own logger."""
        return plugin_logger(type(self).name)

    def init(self) -> None:
        """Prepare the plugin; `self.config` is there.

        Required: no. Called: once per state, before everything else, within 30 s.
        Raise: anything; Falco then refuses to start and shows the text.
        """

    def destroy(self) -> None:
        """Let go of what `init` took.

        Required: no. Called: once, after the last capture has closed, within 5 s.
        """

    def set_config(self, config: Any) -> None:
        """Accept another config, or raise to reject it; `self.config` changes after it returns.

        Required: no, and without it Falco is told so. Called: between any two other hooks.
        """

    def get_metrics(self) -> Iterable[Metric]:
        """Return the plugin's metrics; those of async delivery are added by falcokit.

        Required: no. Called: on Falco's event loop or from threads of its web server, also while
        other hooks run; after 5 s HookTimeoutError is raised in it. Raise: falcokit logs the first
        of a kind each minute; the metrics of falcokit's own are there all the same.
        """
        return ()
