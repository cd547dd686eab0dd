"""The lab: a real Kubernetes cluster and its unhardened workloads, brought up and down by one command."""
