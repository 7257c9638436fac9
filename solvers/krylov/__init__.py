"""Krylov methods: the three-term recursion, eigenpairs, resolvents and random sampling."""
