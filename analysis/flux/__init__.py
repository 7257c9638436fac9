"""Response of a level to a magnetic flux."""
