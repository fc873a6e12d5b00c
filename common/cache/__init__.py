"""Answers that need no database: kept in the process and in Redis, forgotten by the service's own words."""
