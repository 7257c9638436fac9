"""Model files and records: schema, reading, checking, writing."""
