"""Running studies: points, folders, processes, progress."""
