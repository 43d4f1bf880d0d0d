"""What a container's health check runs: `python -m interfaces.probe PORT PATH` ends with 0 when
this machine answers there with 200. It imports nothing but the standard library, to be quick.
"""

import http.client
import sys

SECONDS = 4.0


def answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1]), sys.argv[2]) else 1)
