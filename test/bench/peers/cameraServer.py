"""A camera over pvAccess: an NTNDArray of 2 megapixels of one byte, 30 times a second.

usage: cameraServer.py PREFIX       serves PREFIXIMAGE; uniqueId counts the frames
"""

import sys
import time

import numpy
from p4p.nt import NTNDArray
from p4p.server import Server, StaticProvider
from p4p.server.thread import SharedPV

RATE = 30
SHAPE = (1000, 2000)

frame = NTNDArray()
pixels = [numpy.full(SHAPE, index, dtype=numpy.uint8) for index in range(16)]
image = SharedPV(initial=frame.wrap(pixels[0]))
provider = StaticProvider("camera")
provider.add(sys.argv[1] + "IMAGE", image)

with Server(providers=[provider]):
    count = 0
    due = time.monotonic()
    while True:
        due += 1 / RATE
        time.sleep(max(0, due - time.monotonic()))
        count += 1
        value = frame.wrap(pixels[count % len(pixels)])
        value["uniqueId"] = count
        image.post(value)
