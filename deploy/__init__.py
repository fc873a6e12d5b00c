"""How the shop is run: the embedded stack, the demo, the simulated provider, the load generator."""
