"""Touches random pages of a mapped file that fits in memory as long as nobody takes the memory away."""
import mmap
import os
import random
import sys
import time

PAGE = 4096
path, size = sys.argv[1], int(sys.argv[2]) << 20
with open(path, "wb") as file:
    for _ in range(size >> 20):
        file.write(os.urandom(1 << 20))
    file.flush()
    os.fsync(file.fileno())
descriptor = os.open(path, os.O_RDONLY)
view = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ)
for page in range(size // PAGE):
    view[page * PAGE]
turn = 0
while True:
    for _ in range(200):
        view[random.randrange(size // PAGE) * PAGE]
    time.sleep(0.005)
    turn += 1
    if turn == 400:  # by now every page has been touched again: the kernel takes them for a working set
        print("ready", flush=True)
