"""A server that counts what it gets and says so at the end. usage: python -m tests.lab.tcp_sink ADDRESS PORT"""

import socket
import sys


def serve(address: str, port: int) -> None:
    with socket.create_server((address, port)) as server:
        print("ready", flush=True)
        while True:
            peer, _ = server.accept()
            with peer:
                total = 0
                while data := peer.recv(1 << 16):
                    total += len(data)
                peer.sendall(str(total).encode())


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
