"""The workbench for dead letters: `./just dlq`."""
