"""What a process tells of itself while it works: traces, logs, and errors to whoever wants to be told."""
