"""Response of a level to a parameter: derivatives, perturbation theory, resonances."""
