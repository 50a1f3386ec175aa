# SPDX-License-Identifier: Apache-2.0
"""The bill of materials: what SPDX 2.3 requires, what is inside, and the same text each time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.package.artifact.sbom import sbom
from falcokit.package.dependencies.distributions import Distribution
from falcokit.package.link.system_packages import SystemPackage

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "ab" * 32
IDENTIFIER = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
REQUIRED = {
    "spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def text(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "name": "load-watch",
        "version": "0.1.0",
        "contact": "Ada (she) <ada@example.com>\n",
        "license": "apache-2.0",
        "artifact": "load-watch-0.1.0-linux-x86_64.tar.gz",
        "sha256": DIGEST,
        "python_version": "3.13.0",
        "falcokit_version": "0.1.0",
        "distributions": [
            Distribution(name="numpy", version="2.1.0", license="BSD-3-Clause AND (MIT OR 0BSD)"),
            Distribution(name="Typing_Extensions", version="4.1", sha256="cd" * 32),
            Distribution(name="odd", version="1.0+local.1", license="BSD"),
            Distribution(name="own", version="1", license="LicenseRef-Proprietary"),
        ],
        "libraries": [
            ("libssl.so.3", SystemPackage(name="libssl3", version="3.0.1+x")),
            ("lib_x.so.1", SystemPackage()),
            ("lib+x.so.1", SystemPackage()),
        ],
    }
    return sbom(**{**arguments, **changes})


def document(**changes: Any) -> dict[str, Any]:
    found = json.loads(text(**changes))
    assert isinstance(found, dict)
    return found


def packages(**changes: Any) -> dict[str, dict[str, Any]]:
    return {p["name"]: p for p in document(**changes)["packages"]}


def purls(package: dict[str, Any]) -> list[str]:
    return [
        reference["referenceLocator"]
        for reference in package.get("externalRefs", ())
        if reference["referenceType"] == "purl"
    ]


def test_the_document_has_what_the_specification_requires() -> None:
    found = document()
    assert set(found) >= REQUIRED
    assert found["spdxVersion"] == "SPDX-2.3"
    assert found["dataLicense"] == "CC0-1.0"
    assert found["SPDXID"] == "SPDXRef-DOCUMENT"
    assert re.fullmatch(r"https://[^#\s]+", found["documentNamespace"])
    assert DIGEST in found["documentNamespace"]
    assert found["creationInfo"]["creators"] == ["Tool: falcokit-0.1.0"]
    assert found["creationInfo"]["created"] == "2020-01-01T00:00:00Z"


def test_every_package_has_what_the_specification_requires() -> None:
    found = document()["packages"]
    for package in found:
        assert IDENTIFIER.fullmatch(package["SPDXID"]), package
        assert package["name"]
        assert package["downloadLocation"] == "NOASSERTION"
        assert package["filesAnalyzed"] is False, "or a verification code would be needed"
        assert package["licenseDeclared"]
        for reference in package.get("externalRefs", ()):
            assert reference["referenceCategory"] in {"PACKAGE-MANAGER", "SECURITY"}
            assert not re.search(r"\s", reference["referenceLocator"])
    assert len({p["SPDXID"] for p in found}) == len(found)


def test_relations_connect_what_is_there() -> None:
    found = document()
    known = {p["SPDXID"] for p in found["packages"]} | {"SPDXRef-DOCUMENT"}
    relations = [
        (r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"])
        for r in found["relationships"]
    ]
    assert {end for one, _, other in relations for end in (one, other)} == known
    assert [r for r in relations if r[1] == "DESCRIBES"] == [
        ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Plugin")
    ]
    contained = {other for one, kind, other in relations if kind == "CONTAINS"}
    assert contained == known - {"SPDXRef-DOCUMENT", "SPDXRef-Plugin"}
    needed = {other for _, kind, other in relations if kind == "DEPENDS_ON"}
    assert needed == {i for i in contained if not i.startswith("SPDXRef-File-")}


def test_the_artifact_is_described_by_name_and_digest() -> None:
    plugin = packages()["load-watch"]
    assert plugin["packageFileName"] == "load-watch-0.1.0-linux-x86_64.tar.gz"
    assert plugin["checksums"] == [{"algorithm": "SHA256", "checksumValue": DIGEST}]
    assert plugin["versionInfo"] == "0.1.0"
    assert plugin["supplier"] == "Person: Ada she ada@example.com"
    assert plugin["licenseDeclared"] == "Apache-2.0"


def test_distributions_have_a_package_url() -> None:
    found = packages()
    assert purls(found["numpy"]) == ["pkg:pypi/numpy@2.1.0"]
    assert purls(found["Typing_Extensions"]) == ["pkg:pypi/typing-extensions@4.1"]
    assert purls(found["odd"]) == ["pkg:pypi/odd@1.0%2Blocal.1"]
    assert found["Typing_Extensions"]["checksums"][0]["checksumValue"] == "cd" * 32
    assert "checksums" not in found["numpy"]


def test_python_and_falcokit_are_inside_too() -> None:
    found = packages()
    assert purls(found["CPython"]) == ["pkg:generic/cpython@3.13.0"]
    cpes = [r["referenceLocator"] for r in found["CPython"]["externalRefs"]]
    assert "cpe:2.3:a:python:python:3.13.0:*:*:*:*:*:*:*" in cpes
    assert found["falcokit"]["licenseDeclared"] == "Apache-2.0"


def test_falcokit_is_not_listed_twice() -> None:
    listed = [Distribution(name="Falcokit", version="0.1.0")]
    names = [p["name"].lower() for p in document(distributions=listed)["packages"]]
    assert names.count("falcokit") == 1


@pytest.mark.parametrize(
    ("declared", "expression", "comment"),
    [
        ("mit", "MIT", None),
        ("MIT OR Apache-2.0 WITH LLVM-exception", "MIT OR Apache-2.0 WITH LLVM-exception", None),
        ("BSD", "NOASSERTION", "declared as: BSD"),
        ("LicenseRef-Own AND MIT", "NOASSERTION", "declared as: LicenseRef-Own AND MIT"),
        ("Copyright (c)\nall of it", "NOASSERTION", "declared as: Copyright (c)\nall of it"),
        ("", "NOASSERTION", None),
        (None, "NOASSERTION", None),
    ],
)
def test_a_licence_is_an_expression_or_a_comment(
    declared: str | None, expression: str, comment: str | None
) -> None:
    plugin = packages(license=declared)["load-watch"]
    assert plugin["licenseDeclared"] == expression
    assert plugin["licenseConcluded"] == "NOASSERTION"
    assert plugin.get("licenseComments") == comment


def test_system_libraries_tell_their_package_where_it_is_known() -> None:
    found = packages()
    assert found["libssl3"]["packageFileName"] == "libssl.so.3"
    assert purls(found["libssl3"]) == ["pkg:generic/libssl3@3.0.1%2Bx"]
    assert "versionInfo" not in found["lib_x.so.1"]
    assert purls(found["lib_x.so.1"]) == []


@pytest.mark.parametrize("contact", [None, "", " () \n"])
def test_no_contact_is_no_assertion(contact: str | None) -> None:
    assert packages(contact=contact)["load-watch"]["supplier"] == "NOASSERTION"


def test_the_same_data_in_any_order_gives_the_same_text() -> None:
    listed = [
        Distribution(name="b", version="1"),
        Distribution(name="a", version="2"),
        Distribution(name="a", version="2", license="MIT"),
    ]
    assert text(distributions=listed) == text(distributions=listed[::-1])
    assert text() == text()


def test_the_time_is_that_of_source_date_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert document()["creationInfo"]["created"] == "2023-11-14T22:13:20Z"


def test_the_reference_validator_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("spdx_tools.spdx")
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    file = tmp_path / "a.spdx.json"
    file.write_text(text())
    assert validate_full_spdx_document(parse_file(str(file))) == []
