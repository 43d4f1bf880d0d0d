"""The process of the embedded broker: `python -m infrastructure.embedded.broker_process FILE`, with
a configuration of rumqttd. It ends when its standard input does, so it never outlives its parent.
"""

import logging
import os
import resource
import sys
import threading

from iotcore import IotCoreBroker


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    # rumqttd reports each message that it routes within a span of level ERROR.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    IotCoreBroker(config_path=sys.argv[1]).run_forever()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
