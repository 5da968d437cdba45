"""An echo service (RFC 862). usage: python -m tests.lab.udp_echo ADDRESS PORT"""

import socket
import sys


def serve(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
        print("ready", flush=True)
        while True:
            sock.sendto(*sock.recvfrom(65535))


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
