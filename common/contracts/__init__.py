"""The words the services exchange, one file per speaker. Nothing here does I/O."""
