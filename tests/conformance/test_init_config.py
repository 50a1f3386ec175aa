# SPDX-License-Identifier: Apache-2.0
"""The init config: checked by the host's schema, then by the type, then by the author."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from author import plugin
from drivers import RunnerDrive

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Drive, Plughost

CONFIGURED = """
class Inner(msgspec.Struct):
    names: list[str] = msgspec.field(default_factory=list)

class Config(msgspec.Struct):
    {required}
    ratio: float = 0.5
    inner: Inner = msgspec.field(default_factory=Inner)

class P(Plugin, AsyncEvents):
    async_events = ("one",)
    config: Config
    def init(self):
        if self.config.count == 13:
            raise ValueError("13 is unlucky")
    def start_async(self, handler):
        handler.emit("one", {"count": self.config.count, "ratio": self.config.ratio,
                             "names": self.config.inner.names})
"""
OPTIONAL = CONFIGURED.replace("{required}", "count: Annotated[int, msgspec.Meta(ge=1)] = 7")
REQUIRED = CONFIGURED.replace("{required}", "count: Annotated[int, msgspec.Meta(ge=1)]")
TEXT = """
class P(Plugin, AsyncEvents):
    async_events = ("one",)
    {annotation}
    def start_async(self, handler):
        handler.emit("one", repr(self.config))
"""
SETTING = plugin("config_setting")


@pytest.mark.parametrize("config", [None, "", "null"])  # null: of `init_config: {}` in falco.yaml
def test_an_empty_config_takes_the_defaults(
    drive: Drive, write_plugin: WritePlugin, config: str | None
) -> None:
    """B3"""
    out = drive(write_plugin(OPTIONAL), config)
    assert not out.error
    assert out.data == [b'{"count":7,"ratio":0.5,"names":[]}']


def test_a_config_of_the_schema_reaches_the_plugin(drive: Drive, write_plugin: WritePlugin) -> None:
    """B3"""
    out = drive(write_plugin(REQUIRED), {"count": 3, "ratio": 2, "inner": {"names": ["a", "b"]}})
    assert out.data == [b'{"count":3,"ratio":2.0,"names":["a","b"]}']


@pytest.mark.parametrize(
    "config", [None, "null", '{"count":0}', '{"count":1,"inner":[]}', "{count: 3}"]
)
def test_a_config_that_is_not_of_the_schema_is_refused(
    drive: Drive, write_plugin: WritePlugin, config: str | None
) -> None:
    """B3"""
    out = drive(write_plugin(REQUIRED), config)
    assert out.error
    assert not out.events


@pytest.mark.parametrize(
    ("config", "key"), [({"cuont": 3}, "cuont"), ({"inner": {"nams": []}}, "nams")]
)
def test_a_key_that_is_not_of_the_schema_is_refused_with_its_name(
    drive: Drive, write_plugin: WritePlugin, config: dict[str, Any], key: str
) -> None:
    """B3"""
    out = drive(write_plugin(OPTIONAL), config)
    assert not out.events
    assert key in out.error


def test_the_plugin_itself_may_reject_a_config(drive: Drive, write_plugin: WritePlugin) -> None:
    """B3"""
    out = drive(write_plugin(OPTIONAL), {"count": 13})
    assert "ValueError: 13 is unlucky" in out.error


@pytest.mark.drivers("in_process", "runner", "plughost")
@pytest.mark.parametrize(
    ("annotation", "config", "shown"),
    [
        ("config: str", "any text: 1", "'any text: 1'"),
        ("config: str", None, "''"),
        ("pass", "ignored", "None"),
    ],
)
def test_without_a_schema_the_text_is_passed_as_it_is(
    drive: Drive, write_plugin: WritePlugin, annotation: str, config: str | None, shown: str
) -> None:
    """B3"""
    if drive.name == "in_process" and config is None:
        config = ""
    out = drive(write_plugin(TEXT.replace("{annotation}", annotation)), config)
    assert out.data == [shown.encode()]


@pytest.mark.drivers("in_process", "runner", "plughost")
@pytest.mark.parametrize(("config", "told"), [("{}", 0), ("", 0), ('{"level": 1}', 1)])
def test_a_config_that_nobody_reads_is_told(
    drive: Drive, write_plugin: WritePlugin, config: str, told: int
) -> None:
    """B3"""
    out = drive(write_plugin(TEXT.replace("{annotation}", "pass")), config)
    assert not out.error
    assert len(out.said("init_config is ignored, since this plugin declares none")) == told


def test_a_new_config_is_accepted_or_rejected_by_the_runner(write_plugin: WritePlugin) -> None:
    """B4"""
    author = write_plugin(SETTING)
    good = RunnerDrive()(author, set_config='{"level":5}')
    assert good.data == [b"5"]
    assert good.said("from 1 to 5")
    assert good.metrics["level"] == 5
    assert "13 is unlucky" in RunnerDrive()(author, set_config='{"level":13}').error
    assert "level" in RunnerDrive()(author, set_config='{"level":"x"}').error


@pytest.mark.host
@pytest.mark.parametrize(
    ("config", "ok", "level"), [('{"level":5}', True, 5), ('{"level":13}', False, 1)]
)
def test_a_new_config_is_accepted_or_rejected_by_libsinsp(
    plughost: Plughost, write_plugin: WritePlugin, config: str, ok: bool, level: int
) -> None:
    """B4"""
    answer: Any = plughost.raw(
        "--plugin", write_plugin(SETTING).library, "--pump", 200, "--secs", 0.2, "--metrics",
        "--set-config", config, "--log",
    )  # fmt: skip
    cycle = answer["cycles"][0]
    assert cycle["set_config"]["conform"]["ok"] is ok
    assert cycle["metrics"]["conform"]["conform.level"] == level


def test_in_process_a_rejected_config_leaves_the_old_one(write_plugin: WritePlugin) -> None:
    """B4"""
    from falcokit.testing import start_plugin

    with start_plugin(write_plugin(SETTING).plugin) as running:
        running.set_config({"level": 5})
        with pytest.raises(ValueError, match="unlucky"):
            running.set_config({"level": 13})
        assert running.metrics()["level"] == 5
        assert running.next_event().data == b"5"
