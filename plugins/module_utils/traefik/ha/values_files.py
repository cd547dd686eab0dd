# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of a chart as a file, for releases that Argo CD, Flux or somebody's pipeline upgrade."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.resilient.traefik.plugins.module_utils.kube.errors import BadArgument
from ansible_collections.resilient.traefik.plugins.module_utils.kube.yaml_text import yaml_text
from ansible_collections.resilient.traefik.plugins.module_utils.task import Task
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.delivery import HELM
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.hiding import shown_values
from ansible_collections.resilient.traefik.plugins.module_utils.traefik.ha.values_plan import ValuesPlan


def write(task: Task, plan: ValuesPlan, kind: str) -> None:
    """Writes ``values/NAMESPACE-RELEASE.yaml`` for Helm: what is wished, its lists merged with those of the release.

    Nothing for k3s, whose HelmChartConfig is an object. Raises BadArgument when the file cannot be written.
    """
    if kind != HELM:
        return
    if plan.stored is None:
        task.warnings.append(
            f"{plan.subject} keeps no values in the cluster: the lists in the rendered values hold only what is new, "
            "merge them with your own"
        )
    if shown_values(plan.overlay) != plan.overlay:
        task.warnings.append(f"the rendered values of {plan.subject} hold what looks like a secret: see to it")
    name = plan.subject.rpartition(" ")[2].replace("/", "-")
    path = Path(task.params["render_to"]) / "values" / f"{name}.yaml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\n{yaml_text(plan.overlay, sort_keys=False)}")
    except OSError as error:
        raise BadArgument(f"render_to: {path} cannot be written: {error.strerror}") from None
