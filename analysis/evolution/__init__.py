"""Motion: what is read off a state that moves."""
