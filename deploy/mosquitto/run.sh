#!/bin/sh
# Starts Mosquitto once the platform has put there what it needs to know whom to trust, and has it
# read that anew whenever it changes: a certificate was revoked, or the broker's own renewed.
#   run.sh [CONFIGURATION [TRUST]]
set -eu
configuration=${1:-/mosquitto/config/mosquitto.conf}
trust=${2:-/mosquitto/trust}
files="$trust/devices-ca.pem $trust/platform-ca.pem $trust/broker.pem $trust/revoked.pem"

until cat $files >/dev/null 2>&1; do
    echo "waiting for $trust to be filled by the platform"
    sleep 1
done
seen=$(cat $files | cksum)
mosquitto -c "$configuration" &
broker=$!
trap 'kill -TERM "$broker" 2>/dev/null' TERM INT
while kill -0 "$broker" 2>/dev/null; do
    now=$(cat $files | cksum)
    if [ "$now" != "$seen" ]; then
        seen=$now
        kill -HUP "$broker"
    fi
    sleep 1 &
    wait $! || true
done
wait "$broker"
