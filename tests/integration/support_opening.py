"""What the tests of traefik_info and of the opened API share."""

from __future__ import annotations

from typing import Any

from ansible_collections.resilient.traefik.plugins.module_utils.kube.client import Client
from ansible_collections.resilient.traefik.plugins.module_utils.kube.objects import Object
from ansible_collections.resilient.traefik.plugins.module_utils.kube.reader import Query, read_found
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.open_api import (
    API_VERSION,
    EXPIRES_LABEL,
    KIND,
)

OPEN = {"namespace": "traefik", "open_api": True}


def info(**arguments: Any) -> dict[str, Any]:
    """A task of the module."""
    return {"resilient.traefik.traefik_info": arguments}


def opening_routes(client: Client, namespace: str) -> list[Object]:
    """The routes that open Traefik's API at this moment."""
    (answer,) = read_found(client, [Query(API_VERSION, KIND, namespace=namespace, label_selector=EXPIRES_LABEL)])
    return answer.items
