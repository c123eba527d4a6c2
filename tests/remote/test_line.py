"""The line of the remote tests is what it says: bounds that hold however busy the machine is."""

import subprocess
import sys

import lines

# Prints the seconds that a connection, and then all bytes of the other end, take to come.
CLIENT = """
import socket, sys, time
begin = time.monotonic()
peer = socket.create_connection((sys.argv[1], 7000))
connected = time.monotonic() - begin
size = 0
while (data := peer.recv(1 << 16)):
    size += len(data)
print(connected, time.monotonic() - begin, size)
"""
SERVER = """
import socket, sys
listener = socket.create_server(("0.0.0.0", 7000))
print("ready", flush=True)
listener.accept()[0].sendall(bytes(int(sys.argv[1])))
"""


def transfer(line, size):
    """Seconds until the connection stands, and until @size bytes came from the far end."""
    server = subprocess.Popen(line.far(sys.executable, "-c", SERVER, size), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline() == "ready\n"
        output = subprocess.run(line.near(sys.executable, "-c", CLIENT, lines.FAR), check=True, capture_output=True, text=True,
                                timeout=100).stdout.split()
    finally:
        server.kill()
        server.wait()
    assert int(output[2]) == size
    return float(output[0]), float(output[1])


def test_delay_and_rate():
    with lines.line(delay_ms=20, rate_mbit=80) as line:
        connected, received = transfer(line, 1_000_000)
        counts = line.end()
    assert connected >= 0.040
    assert received >= 0.080 + 0.100  # connection and first byte; 1 MB at 10 MB/s
    assert counts["back"]["bytes"] >= 1_000_000
    assert (counts["out"]["lost"], counts["back"]["lost"]) == (0, 0)


def test_loss():
    with lines.line(delay_ms=1, rate_mbit=1000, loss=50, seed=3) as line:
        transfer(line, 2_000_000)
        counts = line.end()["back"]
    assert counts["bytes"] >= 2_000_000
    assert 0.02 < counts["lost"] / (counts["packets"] + counts["lost"]) < 0.1


def test_queue():
    """What does not fit into the queue is dropped, and comes again."""
    with lines.line(delay_ms=5, rate_mbit=20, queue_ms=2) as line:
        transfer(line, 500_000)
        assert line.end()["back"]["dropped"] > 0
