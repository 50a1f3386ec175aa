# SPDX-License-Identifier: Apache-2.0
"""The plugin container-metadata: which container an event comes from, and what is known of it.

Producers notice containers and emit the async event `container` for each. All state is kept by
`parse_event`, which gets these events live and in a replay alike: there is one way into the table.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, MutableMapping
from typing import Annotated, Any

import msgspec
from cgroups import container_of, running_containers
from engines import Container, Containerd, Docker, Engine

from falcokit import (
    AsyncEvent,
    AsyncEventHandler,
    AsyncEvents,
    Capture,
    CaptureListening,
    Event,
    EventParsing,
    FieldExtraction,
    Metric,
    Plugin,
    Table,
    TableEntry,
    added,
    async_event,
    export_table,
    field,
    i64,
    import_table,
    u64,
)

_MOST = 10_000  # containers
_LOOKS = 3  # how often an engine is asked for a container that it does not know yet


class Config(msgspec.Struct):
    """What falco.yaml may set under init_config."""

    docker: str = "/var/run/docker.sock"
    containerd: str = "/run/containerd/containerd.sock"
    namespaces: Annotated[
        tuple[str, ...], msgspec.Meta(description="Those of containerd that are looked into.")
    ] = ("k8s.io", "default")
    cgroups: str = "/sys/fs/cgroup"
    every_s: Annotated[float, msgspec.Meta(gt=0)] = 2.0


class Label(TableEntry):
    """A label of a container."""

    value: str


class Known(TableEntry):
    """A container, for other plugins too."""

    name: str
    image: str
    engine: str
    labels: MutableMapping[str, Label]


class Cgroup(TableEntry):
    """An entry of the list of a thread's cgroups: subsystem and path."""

    second: str


class Thread(TableEntry):
    """A thread of Falco's table, and what this plugin adds to it."""

    cgroups: Table[u64, Cgroup]
    container_id: str = added()


def is_there(engine: Engine) -> bool:
    return os.path.exists(engine.socket)


class ContainerMetadata(Plugin, AsyncEvents, EventParsing, FieldExtraction, CaptureListening):
    """Keeps the table `container_metadata` of containers, and the id of one in each thread."""

    config: Config
    async_events = ("container", "container_removed")
    parse_event_types = (
        "asyncevent",
        "<clone",
        "<clone3",
        "<fork",
        "<vfork",
        "<execve",
        "<execveat",
    )
    parse_event_sources = extract_event_sources = ("syscall",)
    extract_event_types = ()  # all
    containers = export_table("container_metadata", str, Known)
    threads = import_table("threads", i64, Thread)

    # ---- producers, on the event loop: what appears and vanishes ----

    def start_async(self, handler: AsyncEventHandler) -> None:
        """Nothing is told yet in this capture."""
        self.told: dict[str, int] = {}  # by id, how often an engine may still be asked
        self.changed = asyncio.Event()
        self.docker = Docker(self.config.docker)
        self.containerd = Containerd(self.config.containerd, self.config.namespaces)

    @async_event("container")
    async def watch(self) -> AsyncIterator[Container | AsyncEvent]:
        """Tell what has changed since the last look: when an engine says so, or after a time."""
        while True:
            now = await asyncio.to_thread(running_containers, self.config.cgroups, most=_MOST)
            for gone in self.told.keys() - now:
                del self.told[gone]
                yield AsyncEvent("container_removed", {"id": gone[:12]})
            for identity in now:
                looks = self.told.setdefault(identity, _LOOKS)
                if not looks:
                    continue
                found = await self.describe(identity)
                self.told[identity] = 0 if found else looks - 1
                if found or looks == _LOOKS:
                    yield found or Container(id=identity[:12])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), self.config.every_s)
            self.changed.clear()

    @async_event("container", restart="always")
    async def follow_docker(self) -> None:
        """Look at once when Docker says that something has changed."""
        await self.follow(self.docker)

    @async_event("container", restart="always")
    async def follow_containerd(self) -> None:
        """The same for containerd."""
        await self.follow(self.containerd)

    async def follow(self, engine: Engine) -> None:
        """Wait for the engine's changes, and before that for its socket."""
        while not is_there(engine):  # noqa: ASYNC110 - nobody tells that it appears
            await asyncio.sleep(self.config.every_s)
        async for _ in engine.changes():
            self.changed.set()

    async def describe(self, identity: str) -> Container | None:
        """Ask the engines that are there; one that does not answer does not hide the other."""
        for engine in (self.docker, self.containerd):
            try:
                if is_there(engine) and (found := await engine.describe(identity)):
                    return found
            except Exception:
                self.log.exception("%s does not tell of %s", engine.socket, identity[:12])
        return None

    # ---- state, on Falco's thread: the same live and in a replay ----

    def parse_event(self, event: Event) -> None:
        """Keep the table by the async events, and the threads by what starts them."""
        if event.name is None:
            if event.tid is not None and (thread := self.threads.get(event.tid)):
                self.place(thread)
        elif event.name == "container":
            told = msgspec.convert(event.json, Container)
            labels = {name: {"value": value} for name, value in told.labels.items()}
            if told.id in self.containers or len(self.containers) < _MOST:
                self.containers[told.id] = {
                    "name": told.name, "image": told.image, "engine": told.engine, "labels": labels
                }  # fmt: skip
        elif event.name == "container_removed":
            self.containers.pop(event.json["id"], None)

    def capture_open(self, capture: Capture) -> None:
        """The threads that are there already."""
        for thread in self.threads:
            self.place(thread)

    def place(self, thread: Thread) -> None:
        """Note in which container a thread is, by its cgroups."""
        for cgroup in thread.cgroups:
            if identity := container_of(cgroup.second):
                thread.container_id = identity[:12]
                return

    def dump_state(self, handler: AsyncEventHandler) -> None:
        """Let a capture begin with all containers, so that a replay knows them too."""
        for identity, known in list(self.containers.items()):
            labels = {name: label.value for name, label in known.labels.items()}
            told = Container(identity, known.engine, known.name, known.image, labels)
            handler.emit("container", msgspec.to_builtins(told))

    # ---- fields, on Falco's thread ----

    @field("ctr.id", desc="The id of the container, 12 digits", output=True)
    def identity(self, event: Event) -> str | None:
        """Of the thread, or of what the async event tells of."""
        if event.name in self.async_events:
            found: Any = event.json["id"]
            return str(found)
        thread = self.threads.get(event.tid) if event.tid is not None else None
        return (thread.container_id or None) if thread else None

    @field("ctr.name", desc="Its name; in Kubernetes that in the pod", output=True)
    def name_of(self, event: Event) -> str | None:
        known = self.known(event)
        return (known.name or None) if known else None

    @field("ctr.image", desc="Its image, as it was named when it was started", output=True)
    def image(self, event: Event) -> str | None:
        known = self.known(event)
        return (known.image or None) if known else None

    @field("ctr.engine", desc="docker or containerd")
    def engine(self, event: Event) -> str | None:
        known = self.known(event)
        return (known.engine or None) if known else None

    @field("ctr.label", desc="The label that the argument names")
    def label(self, event: Event, key: str) -> str | None:
        known = self.known(event)
        label = known.labels.get(key) if known else None
        return label.value if label else None

    def known(self, event: Event) -> Known | None:
        """What is known of the container of an event."""
        identity = self.identity(event)
        return self.containers.get(identity) if identity else None

    def get_metrics(self) -> list[Metric]:
        """How many containers are known."""
        return [Metric("containers", len(self.containers))]
