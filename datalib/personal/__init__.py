"""Personal data in the bytes of a library: what detectors find, beside what the manifest declares."""
