"""The tasks of a model file: one file a table."""
