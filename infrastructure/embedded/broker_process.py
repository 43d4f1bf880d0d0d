"""The process of the embedded broker: `python -m infrastructure.embedded.broker_process FILE`, with
a configuration of rumqttd. It ends when its standard input does, so it never outlives its parent.
"""

import logging
import os
import resource
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator

from iotcore import IotCoreBroker

LOOK_EVERY = 0.005


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    # rumqttd reports each message that it routes within a span of level ERROR.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=_send_at_once, daemon=True).start()
    IotCoreBroker(config_path=sys.argv[1]).run_forever()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _send_at_once() -> None:
    """rumqttd leaves Nagle's algorithm on, which holds a small message back for some 40 ms while
    the one before is not acknowledged. A connection inherits the option from its listener."""
    listening = False
    while not listening:
        for one in _sockets():
            listening |= _set_without_delay(one)
        time.sleep(LOOK_EVERY)


def _set_without_delay(one: socket.socket) -> bool:
    """Whether it is the listener."""
    with one:
        if one.family != socket.AF_INET or one.type != socket.SOCK_STREAM:
            return False
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


def _sockets() -> Iterator[socket.socket]:
    """This process's own, each under another descriptor."""
    for name in os.listdir("/dev/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                yield socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue  # closed meanwhile


if __name__ == "__main__":
    main()
