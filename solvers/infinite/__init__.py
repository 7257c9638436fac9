"""One and two particles on infinite lattices: variational spaces grown around the charges, at a total wave vector."""
