"""The source `registry` against a registry on loopback: the node image's own layout, served read-only over HTTP."""

from __future__ import annotations

import http.server
import io
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab import source_registry
from lab.cache import Store
from lab.engine import answers
from lab.node_image import node_image_artefact
from lab.progress import Progress
from lab.settings import Settings, from_environment
from lab.versions import KUBERNETES_VERSION

pytestmark = pytest.mark.alone

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry(http.server.BaseHTTPRequestHandler):
    """The reading half of the distribution protocol, for one image."""

    layout: Path

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: pytest shows what matters."""

    def _answer(self, *, body: bool) -> None:
        digest = self._digest()
        if self.path == "/v2/":
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if digest is None or not (blob := self.layout / "blobs" / digest.replace(":", "/")).exists():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", MANIFEST if "/manifests/" in self.path else "application/octet-stream")
        self.send_header("Content-Length", str(blob.stat().st_size))
        self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if body:
            with blob.open("rb") as content:
                while chunk := content.read(1 << 20):
                    self.wfile.write(chunk)

    def _digest(self) -> str | None:
        name, _, reference = self.path.rpartition("/")
        if not name.startswith("/v2/node/"):
            return None
        if reference != KUBERNETES_VERSION:
            return reference
        index = json.loads((self.layout / "index.json").read_text())
        return str(index["manifests"][0]["digest"])


@pytest.fixture(scope="module")
def layout() -> Path:
    """The node image as the source `build` made it."""
    store, artefact = Store(from_environment().cache), node_image_artefact()
    if not store.has(artefact) or not answers("podman"):
        pytest.skip("this lab was not built here: there is no node image to serve")
    return store.path(artefact)


@pytest.fixture(scope="module")
def registry(layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry that has the node image, trusted by Podman for the time of the test."""
    handler = type("NodeImageRegistry", (Registry,), {"layout": layout})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        trusted = tmp_path_factory.mktemp("registries") / "registries.conf"
        trusted.write_text(f'[[registry]]\nlocation = "{address}"\ninsecure = true\n')
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CONTAINERS_REGISTRIES_CONF", str(trusted))
            yield address
        server.shutdown()


@pytest.fixture
def settings(registry: str, tmp_path: Path) -> Iterator[Settings]:
    """A lab whose node image is in that registry; the image's name is gone afterwards."""
    image = f"{registry}/node:{KUBERNETES_VERSION}"
    yield replace(from_environment({**os.environ, "LAB_NAME": "from-registry"}), node_image=image)
    subprocess.run(["podman", "image", "untag", image, image], check=False, capture_output=True, timeout=60)


def test_an_image_that_the_registry_lacks_is_not_in_reach(settings: Settings) -> None:
    missing = replace(settings, node_image=settings.node_image.replace(KUBERNETES_VERSION, "v0.0.0"))
    assert source_registry.engine_in_reach(missing) is None


def test_a_registry_that_does_not_answer_is_not_in_reach(settings: Settings) -> None:
    # Port 9 is the discard service's, and nobody runs it.
    nowhere = replace(settings, node_image=f"127.0.0.1:9/node:{KUBERNETES_VERSION}")
    assert source_registry.engine_in_reach(nowhere) is None


@pytest.mark.slow
@pytest.mark.variation("the lab out of an image registry")
def test_the_node_image_is_pulled(settings: Settings) -> None:
    said = io.StringIO()
    kit = source_registry.prepare(settings, Store(settings.cache), Progress(out=said))
    assert "pull the node image" in said.getvalue()
    assert (kit.source, kit.node_image) == ("registry", settings.node_image)
    assert kit.engine.has_image(settings.node_image)
    version = subprocess.run([kit.tools["kubectl"], "version", "--client"], capture_output=True, text=True, check=True)
    assert KUBERNETES_VERSION.rsplit(".", 1)[0] in version.stdout
