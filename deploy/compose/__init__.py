"""What compose.yaml needs beside the image: the servers' files, and the job that makes the secrets."""
