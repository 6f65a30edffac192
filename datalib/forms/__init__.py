"""Forms for authorities and partners, filled from manifests: Order 196/НҚ, the EU summary, the D&TA record."""
