"""What a process counts about itself. Knows nothing of what is counted, but for HTTP and the process."""
