"""How often something may be tried: counted in Redis for all replicas, and without it in each process."""
