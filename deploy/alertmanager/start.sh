#!/bin/sh
# Puts the webhooks of the environment into alertmanager.yml beside this script and becomes Alertmanager, which reads no
# environment itself. A webhook that is not set takes its line away.
#   start.sh WRITTEN COMMAND...     WRITTEN is where the finished configuration goes
set -eu
umask 077

written=$1
shift
cp "$(dirname "$0")/alertmanager.yml" "$written"
for name in PIR_PAGE_WEBHOOK PIR_TICKET_WEBHOOK PIR_HEARTBEAT_WEBHOOK; do
    eval "url=\${$name:-}"
    if [ -n "$url" ]; then
        edit="s|\${$name}|$(printf '%s' "$url" | sed 's/[&|\\]/\\&/g')|"
    else
        edit="/\${$name}/d"
    fi
    sed "$edit" "$written" >"$written.new"
    mv "$written.new" "$written"
done
exec "$@" --config.file="$written"
