"""The software bill of materials (CycloneDX 1.6): what the artefact bundles, and what it stands on as it was tested."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.addresses import Addresses
from release.artefact import ROOT, version
from release.errors import ReleaseError

VENDORED = "plugins/plugin_utils/*/vendor/provenance.json"


def sbom(artefact: Path, addresses: Addresses) -> str:
    """The document as JSON. Raises ReleaseError where it does not fit CycloneDX's own schema."""
    bom = Bom()
    root = _collection(artefact, addresses)
    bom.metadata.component = root
    bundled = [_bundled(path) for path in sorted(ROOT.glob(VENDORED))]
    bom.components.update(bundled)
    packages = _packages()
    needed = [_package_of(found, bom) for found in packages.values()]
    by_name = dict(zip(packages, needed, strict=True))
    direct = [by_name[name] for name in _names(_requirements())]
    bom.register_dependency(root, [*bundled, *direct])
    for name, found in packages.items():
        bom.register_dependency(by_name[name], [by_name[each] for each in _needs(found) if each in by_name])
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ReleaseError(f"The bill of materials does not fit CycloneDX 1.6: {problem}")
    return text + "\n"


def _collection(artefact: Path, addresses: Addresses) -> Component:
    digest = hashlib.sha256(artefact.read_bytes()).hexdigest()
    return Component(
        name="resilient.traefik",
        version=version(),
        type=ComponentType.APPLICATION,
        bom_ref=f"resilient.traefik@{version()}",
        licenses=[LicenseFactory().make_from_string("GPL-3.0-or-later")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        external_references=[
            ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(addresses.repository)),
            ExternalReference(type=ExternalReferenceType.ISSUE_TRACKER, url=XsUri(addresses.issues)),
            ExternalReference(type=ExternalReferenceType.DOCUMENTATION, url=XsUri(addresses.documentation)),
        ],
    )


def _bundled(provenance: Path) -> Component:
    """What lies in the artefact and is somebody else's."""
    about = json.loads(provenance.read_text())
    namespace, _, name = about["package"].rpartition("/")
    url = PackageURL(about["registry"], namespace or None, name, about["version"])
    return Component(
        name=name,
        group=namespace or None,
        version=about["version"],
        type=ComponentType.LIBRARY,
        scope=ComponentScope.REQUIRED,
        purl=url,
        bom_ref=url.to_string(),
        licenses=[LicenseFactory().make_from_string(about["license"])],
    )


def _package_of(found: Distribution, bom: Bom) -> Component:
    url = PackageURL("pypi", None, canonicalize_name(found.name), found.version)
    text = next(iter(found.metadata.get_all("License-Expression") or []), "")
    component = Component(
        name=found.name,
        version=found.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=BomRef(url.to_string()),
        licenses=[LicenseFactory().make_from_string(text)] if text else [],
    )
    bom.components.add(component)
    return component


def _packages() -> dict[str, Distribution]:
    """All that requirements.txt needs, directly or not, by name, as it is installed from the lock."""
    found: dict[str, Distribution] = {}
    waiting = list(_names(_requirements()))
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise ReleaseError(f"{name} is needed and not installed here. Run: make setup") from None
        waiting += _needs(found[name])
    return dict(sorted(found.items()))


def _requirements() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _needs(found: Distribution) -> list[str]:
    return _names(found.requires or [])


def _names(lines: Iterable[str]) -> list[str]:
    """Names of the requirements that hold here, without those of extras."""
    wanted = [Requirement(re.sub(r"#.*", "", line)) for line in lines]
    return [
        canonicalize_name(each.name) for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})
    ]
