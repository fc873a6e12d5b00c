"""What looks at a running shop from outside: Prometheus, its alerts, dashboards, and `./just top`."""
