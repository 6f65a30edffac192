"""Provenance of AI training data: signed manifests, hand-overs, opt-outs, and a gate for training jobs."""

__version__ = "0.1.0"
