# SPDX-License-Identifier: Apache-2.0
"""The plugin file-integrity: tells Falco when a watched file is made, changed or removed."""

import os
from typing import Annotated, Any

import msgspec
from file_state import FileState, files_below, read_state

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    BackgroundTask,
    Event,
    EventParsing,
    FieldExtraction,
    Metric,
    Plugin,
    TableEntry,
    export_table,
    field,
    json_field,
    u64,
)
from falcokit.sources import Watch


class Config(msgspec.Struct):
    """What falco.yaml may set under init_config."""

    paths: Annotated[
        tuple[str, ...],
        msgspec.Meta(title="Paths", description="Files, and folders with all below them."),
    ] = ("/etc",)
    max_bytes: Annotated[
        int,
        msgspec.Meta(title="Largest file", description="Larger ones are told by size.", ge=0),
    ] = 64 << 20


class KnownFile(TableEntry):
    """What is known of a file, for other plugins too."""

    sha256: str
    size: u64
    changes: u64


class FileIntegrity(Plugin, AsyncEvents, EventParsing, FieldExtraction):
    """Emits an event for each change; keeps the table `file_integrity` of what it knows."""

    config: Config
    async_events = ("file_known", "file_created", "file_changed", "file_removed")
    known = export_table("file_integrity", str, KnownFile)

    # Evaluated in C on the data of the async event.
    path = json_field("fim.path", "/path", desc="The file", output=True)
    sha256 = json_field("fim.sha256", "/sha256", desc="Its hash now; none when it is gone")
    previous = json_field("fim.previous", "/previous", desc="Its hash before the change")
    size = json_field("fim.size", "/size", type=int, desc="Its size, in bytes")
    mode = json_field("fim.mode", "/mode", desc="Its permission bits, in octal")
    uid = json_field("fim.uid", "/uid", type=int, desc="The user id of its owner")

    @field("fim.change", desc="known, created, changed or removed", output=True)
    def change(self, event: Event) -> str | None:
        """From the name of the event."""
        name = event.name or ""
        return name.removeprefix("file_") if name.startswith("file_") else None

    @field("fim.known", desc="The known hash of the file that the argument names")
    def known_hash(self, event: Event, key: str) -> str | None:
        """fim.known[/etc/passwd] is also there when another file has changed."""
        entry = self.known.get(key)
        return entry.sha256 if entry else None

    def start_async(self, handler: AsyncEventHandler) -> None:
        """Take stock, then watch: on a thread, for the first look takes its time."""
        self.handler = handler
        self.task = BackgroundTask()
        self.task.start(self.watch, name="file-integrity")

    def stop_async(self) -> None:
        """End the watching."""
        self.task.stop()

    def watch(self) -> None:
        """Watch, and take stock: what changes in between is seen twice rather than never."""
        watch = Watch(self.config.paths)
        for path in self.config.paths:
            self.look_below(watch, os.path.abspath(path), first=True)
        for change in watch:
            self.look_below(watch, change["path"], first=False)

    def look_below(self, watch: Watch, path: str, *, first: bool) -> None:
        """Look at a file, or at what is and what was in a folder."""
        gone = [known for known in list(self.known) if known.startswith(path.rstrip("/") + "/")]
        for file in dict.fromkeys([*files_below(path), *gone]):
            if watch.closed.is_set():
                return
            self.try_look(file, first=first)

    def try_look(self, path: str, *, first: bool) -> None:
        """Look at one file; an error with one does not end the watching of the others."""
        try:
            self.look(path, first=first)
        except Exception:
            self.log.exception("%s cannot be looked at", path)

    def look(self, path: str, *, first: bool) -> None:
        """See what a file is now and tell what has changed; on the watching thread."""
        state = read_state(path, max_bytes=self.config.max_bytes)
        before = self.known.get(path)
        if state is None:
            if before is not None:
                self.handler.emit("file_removed", {"path": path, "previous": before.sha256})
                del self.known[path]
        elif before is None:
            self.remember(state, 0)
            self.handler.emit("file_known" if first else "file_created", describe(state))
        elif (before.sha256, before.size) != (state.sha256, state.size):
            previous = before.sha256
            self.remember(state, before.changes + 1)
            self.handler.emit("file_changed", {**describe(state), "previous": previous})

    def get_metrics(self) -> list[Metric]:
        """How many files are known."""
        return [Metric("known_files", len(self.known))]

    def remember(self, state: FileState, changes: int) -> None:
        """Put a file into the table."""
        self.known[state.path] = KnownFile(sha256=state.sha256, size=state.size, changes=changes)

    def dump_state(self, handler: AsyncEventHandler) -> None:
        """Let a capture begin with what is known, so that a replay knows it too."""
        for path, entry in list(self.known.items()):
            data = {"path": path, "sha256": entry.sha256, "size": entry.size}
            handler.emit("file_known", data)

    def parse_event(self, event: Event) -> None:
        """Keep the table when a capture is replayed; live, `look` has done it already."""
        if hasattr(self, "task") or event.name not in self.async_events:
            return
        data: dict[str, Any] = event.json
        if event.name == "file_removed":
            self.known.pop(data["path"], None)
        else:
            entry = self.known.get(data["path"])
            changes = (entry.changes if entry else 0) + (event.name == "file_changed")
            self.known[data["path"]] = KnownFile(
                sha256=data["sha256"], size=data["size"], changes=changes
            )


def describe(state: FileState) -> dict[str, Any]:
    """What the events say of a file."""
    return {
        "path": state.path,
        "sha256": state.sha256,
        "size": state.size,
        "mode": f"{state.mode:04o}",
        "uid": state.uid,
    }
