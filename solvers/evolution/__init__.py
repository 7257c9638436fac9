"""Motion: states that follow the Schroedinger equation, each with a bound on its distance from the exact one."""
