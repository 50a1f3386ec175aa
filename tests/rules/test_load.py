# SPDX-License-Identifier: Apache-2.0
"""What loading makes of files, beside the recorded cases: several files, what overrides what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from golden_rules import golden_batch, golden_plugin, load

from falcokit.rules import Engine, LoadedPlugin, RulesFile, load_rules, macros
from falcokit.rules.versions import Version

if TYPE_CHECKING:
    from golden_fields import GoldenFields

    from falcokit.rules import Ruleset


SYSCALL = {"source": "syscall", "output": "o", "warn_evttypes": "false"}
SKIPPING = {"skip-if-unknown-filter": "true"}
TWICE = """\
- required_plugin_versions:
  - {name: a, version: 1.0.0, alternatives: [{name: a, version: 1.0.0}]}
"""


def rule(name: str = "A", condition: str = "g.s=alpha", **more: str) -> str:
    keys = {
        "desc": "d",
        "condition": condition,
        "output": "'%evt.num'",
        "priority": "INFO",
        "source": "goldens",
        **more,
    }
    return f"- rule: {name}\n" + "".join(f"  {key}: {value}\n" for key, value in keys.items())


def fired(golden: GoldenFields, ruleset: Ruleset, matching: str = "all") -> list[tuple[str, int]]:
    assert ruleset.errors == ()
    engine = Engine(ruleset, rule_matching=matching)
    return [(alert.rule, alert.number) for alert in engine.process(golden_batch(golden))]


def codes(ruleset: Ruleset) -> list[str]:
    return [problem.code for problem in (*ruleset.errors, *ruleset.warnings)]


def test_a_later_file_changes_what_an_earlier_defined(golden: GoldenFields) -> None:
    first = "- list: l\n  items: [alpha]\n- macro: m\n  condition: g.s in (l)\n" + rule(
        condition="m"
    )
    second = "- list: l\n  items: [x]\n  override: {items: append}\n"
    third = "- macro: m\n  condition: and g.u=2\n  override: {condition: append}\n"
    fourth = "- rule: A\n  priority: ERROR\n  override: {priority: replace}\n"
    assert fired(golden, load(golden, first)) == [("A", 1)]
    assert fired(golden, load(golden, first, second)) == [("A", 1), ("A", 16)]
    ruleset = load(golden, first, second, third, fourth)
    assert fired(golden, ruleset) == [("A", 16)]
    assert ruleset.rules[0].priority.label == "Error"
    assert [file.name for file in ruleset.files] == ["rules.yaml", "1.yaml", "2.yaml", "3.yaml"]


def test_files_end_at_the_first_that_is_wrong(golden: GoldenFields) -> None:
    ruleset = load(golden, rule(), rule("B", "g.zz=1"), rule("C"))
    assert ruleset.rules == ()
    assert [file.name for file in ruleset.files] == ["rules.yaml", "1.yaml"]
    assert [error.file for error in ruleset.errors] == ["1.yaml"]


def test_a_warning_of_an_earlier_file_is_there_once(golden: GoldenFields) -> None:
    ruleset = load(golden, "- list: l\n  items: []\n", rule(), rule("B"))
    assert [len(file.warnings) for file in ruleset.files[:3]] == [1, 1, 1]
    assert codes(ruleset).count("LOAD_UNUSED_LIST") == 1


def test_rules_stay_where_they_were_defined_first(golden: GoldenFields) -> None:
    ruleset = load(golden, rule("A", "g.u=1"), rule("B", "g.u<3"), rule("A", "g.u<2"))
    assert [each.name for each in ruleset.rules] == ["A", "B"]
    assert fired(golden, ruleset, "first") == [("A", 1), ("A", 4), ("A", 11), ("B", 16)]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("- list: l\n", "LOAD_ERR_YAML_VALIDATE", "'items' is missing"),
        ("- list: l\n  items: a\n", "LOAD_ERR_YAML_VALIDATE", "must be a list"),
        ("- list: l\n  items: [[a]]\n", "LOAD_ERR_YAML_VALIDATE", "must be a text"),
        ("- list: l\n  items: [~]\n", "LOAD_ERR_YAML_VALIDATE", "must be a text"),
        ("- list: l\n  items: []\n  append: maybe\n", "LOAD_ERR_YAML_VALIDATE", "true nor false"),
        ("- list: [l]\n  items: []\n", "LOAD_ERR_YAML_VALIDATE", "must be a text"),
        ("- list: l\n  items: []\n  override: {items: add}\n", "LOAD_ERR_YAML_VALIDATE", "'add'"),
        ("- list: l\n  items: []\n  append: true\n", "LOAD_ERR_VALIDATE", "no earlier list 'l'"),
        ("- macro: m\n  condition:\n", "LOAD_ERR_YAML_VALIDATE", "has no value"),
        ("- macro: m\n  condition: m\n", "LOAD_ERR_VALIDATE", "there is no macro m"),
        ("- a\n", "LOAD_ERR_YAML_VALIDATE", "the item has no keys"),
        ("- rule: A\n  [a]: b\n  enabled: true\n", "LOAD_ERR_VALIDATE", "no earlier rule 'A'"),
        ("- required_engine_version: a\n", "LOAD_ERR_YAML_VALIDATE", "'a' is no version"),
        ("- required_engine_version: 64\n", "LOAD_ERR_VALIDATE", "0.64.0, and this is 0.63.0"),
        ("- required_plugin_versions: a\n", "LOAD_ERR_YAML_VALIDATE", "must be a list"),
        (
            "- required_plugin_versions: [{name: a, version: 1}]\n",
            "LOAD_ERR_VALIDATE",
            "'1' is no version such as",
        ),
        (
            TWICE,
            "LOAD_ERR_VALIDATE",
            "stands twice",
        ),
        (rule() + rule(source="syscall"), "LOAD_ERR_VALIDATE", "exists already, for the source"),
        (rule() + "- rule: A\n  desc: e\n  append: true\n", "LOAD_ERR_VALIDATE", "nothing here"),
        (
            rule() + "- rule: A\n  desc: e\n  override: {output: append}\n",
            "LOAD_ERR_YAML_VALIDATE",
            "append 'output', which is not given",
        ),
        (
            rule() + "- rule: A\n  desc: e\n  tags: [a]\n  override: {tags: append}\n",
            "LOAD_ERR_YAML_VALIDATE",
            "'desc' is given",
        ),
        (rule(output="'5%'", **SKIPPING), "LOAD_ERR_COMPILE_OUTPUT", "the output ends"),
        (
            rule(condition="evt.arg.none=1", **SYSCALL, **SKIPPING),
            "LOAD_ERR_COMPILE_CONDITION",
            "evt.arg.none",
        ),
        (rule(enabled="5"), "LOAD_ERR_YAML_VALIDATE", "true nor false"),
        (rule(capture_duration="-1"), "LOAD_ERR_YAML_VALIDATE", "no whole number"),
        (rule(exceptions="a"), "LOAD_ERR_YAML_VALIDATE", "'exceptions' must be a list"),
        (
            rule(exceptions="[{name: e, fields: [g.s], values: a}]"),
            "LOAD_ERR_YAML_VALIDATE",
            "list",
        ),
        (
            rule(exceptions="[{name: e, fields: g.s, comps: '=', values: [a]}]"),
            "LOAD_ERR_VALIDATE",
            "not '='",
        ),
        (
            rule(exceptions="[{name: e, fields: [g.s], comps: [like], values: [[a]]}]"),
            "LOAD_ERR_VALIDATE",
            "'like' is not a comparison",
        ),
    ],
)
def test_a_file_that_falco_refuses(
    golden: GoldenFields, content: str, code: str, message: str
) -> None:
    (error,) = load(golden, content).errors
    assert error.code == code
    assert message in error.message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- list: a b\n  items: []\n", ["LOAD_INVALID_LIST_NAME", "LOAD_UNUSED_LIST"]),
        ("- macro: a-b\n  condition: g.s=a\n", ["LOAD_INVALID_MACRO_NAME", "LOAD_UNUSED_MACRO"]),
        (
            rule(exceptions="[{name: e, fields: g.s}, {name: e, fields: g.t}]"),
            ["LOAD_EXCEPTION_NAME_NOT_UNIQUE"],
        ),
        (
            rule(exceptions="[{name: e, fields: g.s}]")
            + "- rule: A\n  exceptions: [{name: e}]\n  override: {exceptions: append}\n",
            ["LOAD_APPEND_NO_VALUES"],
        ),
        (rule() + "- list: l\n  items: []\n  x: y\n", ["LOAD_UNKNOWN_KEY", "LOAD_UNUSED_LIST"]),
        (rule(tags="[a]") + "-\n- ~\n", []),
        (rule(output="'%container.info'"), ["LOAD_DEPRECATED_ITEM"]),
        (rule(**{"skip-if-unknown-filter": "true", "output": "'%g.zz'"}), ["LOAD_UNKNOWN_FILTER"]),
        (
            rule(**{"skip-if-unknown-filter": "true", "condition": "evt.type=none", **SYSCALL}),
            ["LOAD_UNKNOWN_FILTER"],
        ),
        (rule(desc="a\n  desc: b"), ["CHECK_DUPLICATE_KEY"]),
        (rule(source="golden"), ["LOAD_UNKNOWN_SOURCE"]),
    ],
)
def test_a_file_that_falco_warns_of(
    golden: GoldenFields, content: str, expected: list[str]
) -> None:
    ruleset = load(golden, content)
    if "%container.info" in content:
        assert [error.code for error in ruleset.errors] == ["LOAD_ERR_COMPILE_OUTPUT"]
        assert codes(ruleset)[1:] == expected
    else:
        assert codes(ruleset) == expected


@pytest.mark.parametrize(
    ("plugins", "message"),
    [
        ([], "not loaded: json (>= 0.7.0) or other (>= 1.0.0)"),
        ([("json", "0.6.9")], "json' has version 0.6.9, and the rules need 0.7.0"),
        ([("json", "1.0.0")], "json' has version 1.0.0"),
        ([("json", "new")], "'new', which is none"),
        ([("other", "0.1.0")], "other' has version 0.1.0"),
        ([("json", "0.7.3")], None),
        ([("other", "1.2.0"), ("more", "1.0.0")], None),
    ],
)
def test_required_plugins(plugins: list[tuple[str, str]], message: str | None) -> None:
    content = (
        "- required_plugin_versions:\n"
        "  - {name: json, version: 0.7.0, alternatives: [{name: other, version: 1.0.0}]}\n"
    )
    loaded = [LoadedPlugin(name=name, version=version) for name, version in plugins]
    ruleset = load_rules([RulesFile(name="r", content=content.encode())], plugins=loaded)
    if message is None:
        assert ruleset.errors == ()
    else:
        (error,) = ruleset.errors
        assert message in error.message
        assert (error.code, error.is_falcos, error.line) == ("CHECK_PLUGIN_REQUIREMENT", True, 2)


def test_a_missing_plugin_is_said_before_its_unknown_fields(golden: GoldenFields) -> None:
    content = "- required_plugin_versions: [{name: x, version: 1.0.0}]\n" + rule(condition="x.y=1")
    (error,) = load(golden, content).errors
    assert error.code == "CHECK_PLUGIN_REQUIREMENT"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", (1, 2, 3)),
        (" 1. 2. 3-rc1", (1, 2, 3)),
        ("1.2", None),
        ("v1.2.3", None),
        ("", None),
        ("1.2.x", None),
    ],
)
def test_versions_are_read_as_falco_reads_them(text: str, version: tuple[int, ...] | None) -> None:
    assert Version.parse(text) == version


def test_the_fields_that_rules_need(golden: GoldenFields) -> None:
    content = rule(condition="g.s=alpha and len(g.key[k])>2", output="'%g.t %toupper(g.idx[0])'")
    content += rule("B", "g.u=1", enabled="false")
    assert load(golden, content).fields("goldens") == ("g.s", "g.key[k]", "g.t", "g.idx[0]")
    assert load(golden, content).fields("syscall") == ()


def test_two_plugins_in_one_falco(golden: GoldenFields) -> None:
    extractor = LoadedPlugin(
        name="other", version="1.0.0", fields=golden_plugin(golden).fields, async_events=("tick",)
    )
    content = rule(condition="evt.type=tick and g.s=a", source="syscall")
    ruleset = load_rules([RulesFile(name="r", content=content.encode())], plugins=[extractor])
    assert codes(ruleset) == []
    assert [each.source for each in ruleset.rules] == ["syscall"]


def test_macros_of_macros_are_bounded(golden: GoldenFields) -> None:
    doubled = "- {macro: m0, condition: g.s=a}\n"
    doubled += "".join(
        f"- {{macro: m{n}, condition: m{n - 1} or m{n - 1}}}\n" for n in range(1, 60)
    )
    (error,) = load(golden, doubled + rule(condition="m59")).errors
    assert (error.code, error.line) == ("LOAD_ERR_VALIDATE", 16)
    assert "with its macros the condition is too large" in error.message
    deep = "- {macro: m0, condition: g.s=alpha}\n"
    deep += "".join(f"- {{macro: m{n}, condition: not m{n - 1}}}\n" for n in range(1, 500))
    (error,) = load(golden, deep).errors
    assert "more than 200 levels" in error.message
    assert fired(golden, load(golden, deep.partition("- {macro: m98")[0] + rule(condition="m96")))


def test_lists_of_lists_are_bounded(golden: GoldenFields) -> None:
    items = ", ".join(["abcdefgh"] * 100)
    content = f"- {{list: l0, items: [{items}]}}\n"
    for n in range(1, 6):
        content += f"- {{list: l{n}, items: [{', '.join([f'l{n - 1}'] * 100)}]}}\n"
    assert not load(golden, content + rule()).errors  # a list in a list in a list is a text
    content += "- {macro: m, condition: 'g.s in (" + ", ".join(["l1"] * 100) + ")'}\n"
    (error,) = load(golden, content + rule()).errors
    assert "characters with its lists written out" in error.message


def test_macros_see_what_was_defined_before_them(golden: GoldenFields) -> None:
    late = "- {macro: a, condition: b}\n- {macro: b, condition: g.u=2}\n"
    (error,) = load(golden, late).errors
    assert error.message == "there is no macro b"
    # Appending moves a macro behind what it then may name.
    appended = late.replace("condition: b", "condition: g.u=1")
    appended += "- {macro: a, condition: or b, override: {condition: append}}\n"
    assert len(fired(golden, load(golden, appended + rule(condition="a")))) == 3
    loop = "- {macro: a, condition: g.u=1}\n- {macro: b, condition: a}\n"
    loop += "- {macro: a, condition: or b, override: {condition: append}}\n"
    (error,) = load(golden, loop).errors
    assert error.message == "the macro b uses itself"


def test_all_rules_together_are_bounded(
    golden: GoldenFields, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(macros, "_MAX_ALL_CHECKS", 20)
    content = "- {macro: m, condition: (g.s=a or g.s=b or g.s=c)}\n" + rule(condition="m and m")
    assert load(golden, content).errors == ()
    content += "".join(rule(f"R{n}", "m and m") for n in range(4))
    (error,) = load(golden, content).errors
    assert "the rules are too large" in error.message


def test_lists_are_written_out_in_their_order(golden: GoldenFields) -> None:
    forward = "- {list: a, items: [b, x]}\n- {list: b, items: [c, alpha]}\n"
    forward += "- {list: c, items: [ABC]}\n"
    found = load(golden, forward + rule(condition="g.s in (a)"))
    assert found.rules[0].condition_text == "g.s in ( ABC , alpha , x )"
    # The name of an earlier list is an item of it, and nothing that has other signs around it.
    backward = "- {list: c, items: [ABC]}\n- {list: a, items: [c, c.d, \"'c'\"]}\n"
    found = load(golden, backward + rule(condition="g.s in (a)"))
    assert found.rules[0].condition_text == "g.s in ( ABC, c.d, 'c' )"


def test_a_list_whose_name_has_a_blank(golden: GoldenFields) -> None:
    content = "- {list: a b, items: [alpha]}\n" + rule(condition="g.s in (a b)")
    found = load(golden, content)
    assert [(each.code) for each in found.warnings] == ["LOAD_INVALID_LIST_NAME"]
    assert fired(golden, found) == [("A", 1)]


def test_a_field_of_an_exception_that_lacks_its_argument(golden: GoldenFields) -> None:
    for field, chain in {"g.key": 1, "g.zz": 3, "toupper(g.key)": 3}.items():
        exceptions = f"[{{name: e, fields: '{field}', values: [a]}}]"
        (error,) = load(golden, rule(exceptions=exceptions)).errors
        assert (error.code, len(error.locations), error.line) == ("LOAD_ERR_VALIDATE", chain, 7)
