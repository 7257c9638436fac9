"""The ground floor: errors, display, formatting and argument checks, which every room may import."""
