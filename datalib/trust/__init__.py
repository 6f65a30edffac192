"""Whom we believe, and since when: parties, keys, policy, log, state."""
