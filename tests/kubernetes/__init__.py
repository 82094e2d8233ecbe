"""The manifests before a real API server. Opt-in (`make test-kubernetes`): it wants kube-apiserver and etcd."""
