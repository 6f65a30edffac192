"""Where media files keep metadata: one module per family of containers, each from bytes to packets and texts."""
