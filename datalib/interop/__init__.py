"""Foreign formats: one module per format, import and export. Each says what its format has no place for."""
