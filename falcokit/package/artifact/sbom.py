# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of an artifact, as an SPDX 2.3 document in JSON.

Plain data in, text out; the same data gives the same text. An unknown value is NOASSERTION, never a
guess.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

from falcokit.package.artifact.archive import source_date_epoch
from falcokit.package.dependencies.distributions import Distribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from falcokit.package.link.system_packages import SystemPackage

__all__ = ["sbom"]

_UNKNOWN: Final = "NOASSERTION"
_DOCUMENT: Final = "SPDXRef-DOCUMENT"
_PLUGIN: Final = "SPDXRef-Plugin"


def sbom(
    *,
    name: str,
    version: str,
    contact: str | None,
    license: str | None,  # noqa: A002  # SPDX's word
    artifact: str,
    sha256: str,
    python_version: str,
    falcokit_version: str,
    distributions: Sequence[Distribution] = (),
    libraries: Sequence[tuple[str, SystemPackage]] = (),
) -> str:
    """Return the document for the artifact with file name `artifact` and digest `sha256`.

    `libraries` are the shared libraries that came from this machine, each with its package there.
    """
    plugin = _package(_PLUGIN, name, version, license) | {
        "packageFileName": artifact,
        "supplier": _supplier(contact),
        "checksums": _checksums(sha256),
        "primaryPackagePurpose": "LIBRARY",
    }
    shipped = [*distributions]
    if "falcokit" not in {canonicalize_name(d.name) for d in distributions}:
        own = Distribution(name="falcokit", version=falcokit_version, license="Apache-2.0")
        shipped.append(own)
    needed = _numbered([_python(python_version), *map(_distribution, shipped)])
    inside = [*needed, *_numbered(map(_library, libraries))]
    created = dt.datetime.fromtimestamp(source_date_epoch(), dt.UTC)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": artifact,
        "documentNamespace": f"https://spdx.org/spdxdocs/{quote(name)}-{quote(version)}-{sha256}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: falcokit-{falcokit_version}"],
        },
        "packages": [plugin, *inside],
        "relationships": [
            _relation(_DOCUMENT, "DESCRIBES", _PLUGIN),
            *(_relation(_PLUGIN, "CONTAINS", p["SPDXID"]) for p in inside),
            *(_relation(_PLUGIN, "DEPENDS_ON", p["SPDXID"]) for p in needed),
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _package(
    identifier: str, name: str, version: str | None, declared: str | None
) -> dict[str, Any]:
    expression = _expression(declared)
    found: dict[str, Any] = {
        "SPDXID": identifier,
        "name": name,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": expression or _UNKNOWN,
        "copyrightText": _UNKNOWN,
        "supplier": _UNKNOWN,
    }
    if version:
        found["versionInfo"] = version
    if declared and not expression:
        found["licenseComments"] = f"declared as: {declared}"
    return found


def _expression(declared: str | None) -> str | None:
    """Return a valid SPDX expression; LicenseRef- would need a text that is unknown here."""
    if not declared or "licenseref-" in declared.lower():
        return None
    try:
        return canonicalize_license_expression(declared)
    except InvalidLicenseExpression:
        return None


def _python(version: str) -> dict[str, Any]:
    found = _package(_id("Python", version), "CPython", version, "Python-2.0.1")
    found["externalRefs"] = [
        _reference("PACKAGE-MANAGER", "purl", f"pkg:generic/cpython@{quote(version, safe='')}"),
        _reference("SECURITY", "cpe23Type", f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*"),
    ]
    return found


def _distribution(d: Distribution) -> dict[str, Any]:
    name = canonicalize_name(d.name)
    found = _package(_id("PyPI", name, d.version), d.name, d.version, d.license)
    locator = f"pkg:pypi/{name}@{quote(d.version, safe='')}"
    found["externalRefs"] = [_reference("PACKAGE-MANAGER", "purl", locator)]
    if d.sha256:
        found["checksums"] = _checksums(d.sha256)
    return found


def _library(library: tuple[str, SystemPackage]) -> dict[str, Any]:
    file, package = library
    found = _package(_id("File", file), package.name or file, package.version, None)
    found["packageFileName"] = file
    if package.name and package.version:
        locator = f"pkg:generic/{quote(package.name, safe='')}@{quote(package.version, safe='')}"
        found["externalRefs"] = [_reference("PACKAGE-MANAGER", "purl", locator)]
    return found


def _numbered(packages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order the packages, and give each a unique identifier."""
    ordered = sorted(packages, key=lambda package: json.dumps(package, sort_keys=True))
    ordered.sort(key=lambda package: str(package["SPDXID"]))
    seen: dict[str, int] = {}
    for package in ordered:
        identifier = package["SPDXID"]
        seen[identifier] = seen.get(identifier, 0) + 1
        if seen[identifier] > 1:
            package["SPDXID"] = f"{identifier}-.{seen[identifier]}"
    return ordered


def _id(*parts: str) -> str:
    """Return an identifier; SPDX allows letters, digits, dots and dashes."""
    return "SPDXRef-" + "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part) for part in parts)


def _reference(category: str, kind: str, locator: str) -> dict[str, str]:
    return {
        "referenceCategory": category,
        "referenceType": kind,
        "referenceLocator": locator,
    }


def _checksums(sha256: str) -> list[dict[str, str]]:
    return [{"algorithm": "SHA256", "checksumValue": sha256}]


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _supplier(contact: str | None) -> str:
    """Write a contact as SPDX does; parentheses would be read as a mail address."""
    text = " ".join(re.sub(r"[()<>]", " ", contact or "").split())
    return f"Person: {text}" if text else _UNKNOWN
