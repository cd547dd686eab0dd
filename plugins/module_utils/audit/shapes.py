# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kinds that the audit reads, and the form of what it reads of each. See shape.py for how a shape is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Map:
    """A mapping whose keys are the user's own."""

    of: Any


@dataclass(frozen=True)
class Kind:
    """``versions`` are the API versions in which the audit asks a cluster for it; a file may say another one.

    ``listed`` is whether all objects of the cluster are read. ``optional`` kinds may be unknown to a cluster.
    """

    versions: tuple[str, ...]
    shape: dict[str, Any]
    namespaced: bool = True
    listed: bool = True


_METADATA = {
    "name!": "name",
    "namespace": "text",
    "labels+": Map("scalar"),
    "annotations+": Map("scalar"),
    "deletionTimestamp": "any",
    "ownerReferences": [{"kind!": "text", "name!": "text", "controller": "bool"}],
}
_EXPRESSIONS = [{"key!": "text", "operator!": "text", "values": ["scalar"]}]
_SELECTOR = {"matchLabels": Map("scalar"), "matchExpressions": _EXPRESSIONS}
_PROBE = {
    "initialDelaySeconds": "int",
    "periodSeconds": "int",
    "timeoutSeconds": "int",
    "failureThreshold": "int",
    "httpGet": {"path": "text", "port": "port"},
}
_SECURITY = {
    "runAsNonRoot": "bool",
    "runAsUser": "int",
    "privileged": "bool",
    "allowPrivilegeEscalation": "bool",
    "readOnlyRootFilesystem": "bool",
    "capabilities": {"add": ["text"], "drop": ["text"]},
}
_CONTAINER = {
    "name+": "text",
    "image+": "text",
    "command+": ["scalar"],
    "args+": ["scalar"],
    "env": [
        {
            "name!": "text",
            "value": "scalar",
            "valueFrom": {"secretKeyRef": {"name": "text"}, "configMapKeyRef": {"name": "text", "key": "text"}},
        }
    ],
    "envFrom": [{"configMapRef": {"name": "text"}, "secretRef": {"name": "text"}}],
    "ports": [{"name": "text", "containerPort!": "int", "hostPort": "int", "protocol": "text"}],
    "readinessProbe": _PROBE,
    "livenessProbe": _PROBE,
    "startupProbe": _PROBE,
    "lifecycle": {"preStop": {"sleep": {"seconds": "int"}, "exec": {"command": ["scalar"]}}},
    "resources+": {"requests": Map("scalar"), "limits": Map("scalar")},
    "securityContext": _SECURITY,
    "volumeMounts": [{"name!": "text", "mountPath!": "text", "subPath": "text"}],
}
_ITEMS = [{"key!": "text", "path!": "text"}]
_AFFINITY_TERM = {"topologyKey": "text", "labelSelector": _SELECTOR}
_POD = {
    "containers+": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [
        {
            "name!": "text",
            "configMap": {"name": "text", "items": _ITEMS},
            "secret": {"secretName": "text"},
            "emptyDir": {},
            "persistentVolumeClaim": {"claimName": "text"},
            "hostPath": {"path": "text"},
        }
    ],
    "nodeName": "text",
    "nodeSelector": Map("scalar"),
    "hostNetwork": "bool",
    "priority": "int",
    "priorityClassName": "text",
    "terminationGracePeriodSeconds": "int",
    "securityContext": _SECURITY,
    "tolerations": [{"key": "text", "operator": "text", "value": "scalar", "effect": "text"}],
    "topologySpreadConstraints": [
        {"topologyKey": "text", "whenUnsatisfiable": "text", "maxSkew": "int", "labelSelector": _SELECTOR}
    ],
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [_AFFINITY_TERM],
            "preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": _AFFINITY_TERM}],
        },
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": _EXPRESSIONS}]
            }
        },
    },
}
_CONDITIONS = [{"type!": "text", "status!": "text", "message": "text"}]
_ROLLING = {"type": "text", "rollingUpdate": {"maxUnavailable": "port", "maxSurge": "port"}}
_WORKLOAD = {
    "metadata!": _METADATA,
    "spec+": {
        "replicas": "int",
        "minReadySeconds": "int",
        "selector": _SELECTOR,
        "strategy": _ROLLING,
        "updateStrategy": _ROLLING,
        "template+": {"metadata+": {"labels+": Map("scalar"), "annotations+": Map("scalar")}, "spec+": _POD},
    },
    "status": {
        "readyReplicas": "int",
        "availableReplicas": "int",
        "desiredNumberScheduled": "int",
        "numberAvailable": "int",
    },
}
_REFERENCES = [{"name": "text", "namespace": "text"}]
_SERVICES = [
    {
        "kind": "text",
        "name": "text",
        "namespace": "text",
        "port": "port",
        "serversTransport": "text",
        "middlewares": _REFERENCES,
    }
]
_TLS = {
    "secretName": "text",
    "certResolver": "text",
    "options": {"name": "text", "namespace": "text"},
    "store": {"name": "text", "namespace": "text"},
}
_ROUTE = {
    "metadata!": _METADATA,
    "spec+": {
        "ingressClassName": "text",
        "entryPoints": ["text"],
        "routes": [
            {
                "match": "text",
                "kind": "text",
                "syntax": "text",
                "priority": "int",
                "middlewares": _REFERENCES,
                "services": _SERVICES,
            }
        ],
        "tls": _TLS,
        "parentRefs": _REFERENCES,
    },
}
_AUTH_TLS = {"caSecret": "text", "certSecret": "text", "insecureSkipVerify": "bool"}
_STRATEGY = {"depth": "int", "excludedIPs": ["text"]}
_MIDDLEWARE = {
    "metadata!": _METADATA,
    "spec+": {
        "forwardAuth": {
            "address": "text",
            "trustForwardHeader": "bool",
            "authResponseHeaders": ["text"],
            "authResponseHeadersRegex": "text",
            "authRequestHeaders": ["text"],
            "forwardBody": "bool",
            "maxBodySize": "int",
            "maxResponseBodySize": "int",
            "tls": _AUTH_TLS,
        },
        "chain": {"middlewares": _REFERENCES},
        "retry": {
            "attempts": "int",
            "initialInterval": "port",
            "status": ["scalar"],
            "retryNonIdempotentMethod": "bool",
        },
        "basicAuth": {"secret": "text", "removeHeader": "bool", "headerField": "text"},
        "digestAuth": {"secret": "text", "removeHeader": "bool", "headerField": "text"},
        "ipAllowList": {"sourceRange": ["text"], "ipStrategy": _STRATEGY},
        "ipWhiteList": {"sourceRange": ["text"], "ipStrategy": _STRATEGY},
        "redirectScheme": {"scheme": "text", "permanent": "bool"},
        "headers": {
            "accessControlAllowOriginList": ["text"],
            "accessControlAllowOriginListRegex": ["text"],
            "accessControlAllowCredentials": "bool",
        },
        "errors": {"service": _SERVICES[0]},
        "rateLimit": {"redis": {"secret": "text", "tls": _AUTH_TLS}},
        "plugin": Map("any"),
    },
}
_BACKEND = {"service": {"name": "text", "port": {"number": "int", "name": "text"}}, "resource": {"kind": "text"}}
_INGRESS = {
    "metadata!": _METADATA,
    "spec+": {
        "ingressClassName": "text",
        "defaultBackend": _BACKEND,
        "tls": [{"hosts": ["text"], "secretName": "text"}],
        "rules": [{"host": "text", "http": {"paths": [{"path": "text", "pathType": "text", "backend": _BACKEND}]}}],
    },
}
_SERVICE = {
    "metadata!": _METADATA,
    "spec+": {
        "type": "text",
        "clusterIP": "text",
        "clusterIPs": ["text"],
        "externalName": "text",
        "externalTrafficPolicy": "text",
        "loadBalancerIP": "text",
        "loadBalancerClass": "text",
        "externalIPs": ["text"],
        "selector": Map("scalar"),
        "ports": [{"name": "text", "port!": "int", "targetPort": "port", "nodePort": "int", "protocol": "text"}],
    },
    "status": {"loadBalancer": {"ingress": [{"ip": "text", "hostname": "text"}]}},
}
_TRANSPORT = {
    "metadata!": _METADATA,
    "spec+": {
        "insecureSkipVerify": "bool",
        "forwardingTimeouts": {"dialTimeout": "port", "responseHeaderTimeout": "port", "idleConnTimeout": "port"},
        "rootCAsSecrets": ["text"],
        "certificatesSecrets": ["text"],
        "rootCAs": [{"secret": "text", "configMap": "text"}],
        "tls": {"insecureSkipVerify": "bool"},
    },
}
_TRAEFIK_SERVICE = {
    "metadata!": _METADATA,
    "spec+": {
        "weighted": {"services": _SERVICES},
        "highestRandomWeight": {"services": _SERVICES},
        "mirroring": _SERVICES[0] | {"mirrors": _SERVICES},
        "failover": {"service": _SERVICES[0], "fallback": _SERVICES[0]},
    },
}
_BUDGET = {
    "metadata!": _METADATA,
    "spec+": {"minAvailable": "port", "maxUnavailable": "port", "selector": _SELECTOR},
    "status": {"disruptionsAllowed": "int", "expectedPods": "int", "currentHealthy": "int"},
}
_NODE = {
    "metadata!": _METADATA,
    "spec+": {
        "unschedulable": "bool",
        "taints": [{"key!": "text", "effect!": "text", "value": "scalar"}],
    },
    "status": {"conditions": _CONDITIONS},
}
_RULE_TAKER = {
    "metadata!": _METADATA,
    "spec+": {"ruleSelector": _SELECTOR, "ruleNamespaceSelector": _SELECTOR, "selectAllByDefault": "bool"},
}
_RULES = {
    "metadata!": _METADATA,
    "spec+": {"groups": [{"name": "text", "rules": [{"alert": "text", "record": "text", "expr": "port"}]}]},
}
_TRAEFIK = "traefik.io/v1alpha1"
_OLD = "traefik.containo.us/v1alpha1"
_SCRAPE = {
    "metadata!": _METADATA,
    "spec+": {"selector": _SELECTOR, "namespaceSelector": {"any": "bool", "matchNames": ["text"]}},
}
_PLAIN: dict[str, Any] = {"metadata!": _METADATA}

SHAPES: dict[str, Kind] = {
    "Namespace": Kind(("v1",), _PLAIN, namespaced=False),
    "Node": Kind(("v1",), _NODE, namespaced=False),
    "Service": Kind(("v1",), _SERVICE),
    "Pod": Kind(
        ("v1",),
        {
            "metadata!": _METADATA,
            "spec+": _POD,
            "status": {"phase": "text", "podIP": "text", "conditions": _CONDITIONS},
        },
    ),
    "ConfigMap": Kind(("v1",), {"metadata!": _METADATA, "data+": Map("text")}, listed=False),
    "Deployment": Kind(("apps/v1",), _WORKLOAD),
    "StatefulSet": Kind(("apps/v1",), _WORKLOAD),
    "DaemonSet": Kind(("apps/v1",), _WORKLOAD),
    "EndpointSlice": Kind(
        ("discovery.k8s.io/v1",),
        {
            "metadata!": _METADATA,
            "endpoints": [{"conditions": {"ready": "bool", "serving": "bool"}, "nodeName": "text"}],
            "ports": [{"name": "text", "port": "int"}],
        },
    ),
    "Ingress": Kind(("networking.k8s.io/v1",), _INGRESS),
    "IngressClass": Kind(
        ("networking.k8s.io/v1",), {"metadata!": _METADATA, "spec+": {"controller": "text"}}, namespaced=False
    ),
    "PodDisruptionBudget": Kind(("policy/v1",), _BUDGET),
    "PriorityClass": Kind(
        ("scheduling.k8s.io/v1",), {"metadata!": _METADATA, "value": "int", "globalDefault": "bool"}, namespaced=False
    ),
    "HorizontalPodAutoscaler": Kind(
        ("autoscaling/v2",),
        {
            "metadata!": _METADATA,
            "spec+": {"minReplicas": "int", "maxReplicas": "int", "scaleTargetRef": {"kind": "text", "name": "text"}},
        },
    ),
    "IngressRoute": Kind((_TRAEFIK, _OLD), _ROUTE),
    "IngressRouteTCP": Kind((_TRAEFIK,), _ROUTE),
    "IngressRouteUDP": Kind((_TRAEFIK,), _ROUTE),
    "Middleware": Kind((_TRAEFIK, _OLD), _MIDDLEWARE),
    "MiddlewareTCP": Kind((_TRAEFIK,), _PLAIN),
    "ServersTransport": Kind((_TRAEFIK,), _TRANSPORT),
    "ServersTransportTCP": Kind((_TRAEFIK,), _TRANSPORT),
    "TLSOption": Kind(
        (_TRAEFIK,),
        {
            "metadata!": _METADATA,
            "spec+": {
                "minVersion": "text",
                "cipherSuites": ["text"],
                "clientAuth": {"secretNames": ["text"], "clientAuthType": "text"},
            },
        },
    ),
    "TLSStore": Kind(
        (_TRAEFIK,),
        {
            "metadata!": _METADATA,
            "spec+": {"defaultCertificate": {"secretName": "text"}, "certificates": [{"secretName": "text"}]},
        },
    ),
    "TraefikService": Kind((_TRAEFIK,), _TRAEFIK_SERVICE),
    "Prometheus": Kind(("monitoring.coreos.com/v1",), _RULE_TAKER),
    "PrometheusRule": Kind(("monitoring.coreos.com/v1",), _RULES),
    "ServiceMonitor": Kind(("monitoring.coreos.com/v1",), _SCRAPE),
    "PodMonitor": Kind(("monitoring.coreos.com/v1",), _SCRAPE),
    "VMAlert": Kind(("operator.victoriametrics.com/v1beta1",), _RULE_TAKER),
    "VMRule": Kind(("operator.victoriametrics.com/v1beta1",), _RULES),
    "VMServiceScrape": Kind(("operator.victoriametrics.com/v1beta1",), _SCRAPE),
    "VMPodScrape": Kind(("operator.victoriametrics.com/v1beta1",), _SCRAPE),
}
