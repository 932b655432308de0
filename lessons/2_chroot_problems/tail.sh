#!/bin/bash
# In root_a: follows the secret. tail keeps the file open, as file descriptor 3, until Ctrl-C.
exec tail -f /secret.txt
