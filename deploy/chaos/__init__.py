"""Proof under fire: processes are killed while purchases run, and the books are compared afterwards."""
