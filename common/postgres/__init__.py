"""Postgres: pools, transactions, the tables every service has, migrations."""
