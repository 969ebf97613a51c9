"""Appends a page and makes it durable every 20 ms: the task that a busy device hurts first."""
import os
import sys
import time

descriptor = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
position = 0
print("ready", flush=True)
while True:
    os.pwrite(descriptor, b"x" * 4096, position % (64 << 20))
    position += 4096
    os.fsync(descriptor)
    time.sleep(0.020)
