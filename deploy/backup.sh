#!/bin/sh
# Backups of PostgreSQL's files, and of every change since (docs/restore.md). Runs in the image of PostgreSQL.
#
#   backup.sh run                            for ever: changes as they come, a whole copy each day
#   backup.sh once                           one whole copy, checked, noted in the database; older ones go
#   backup.sh restore DATA [TIME]            into an empty folder, up to TIME (ISO 8601) or as far as there is
#
# PGHOST, PGUSER, PGPASSWORD: who may copy (replication). PIR_BACKUPS: the folder; PIR_BACKUP_HOURS between copies (24);
# PIR_BACKUP_KEEP copies are kept (7), with all changes since the oldest of them.
set -eu

folder=${PIR_BACKUPS:-/backups}
slot=pir_backup
mkdir -p "$folder/wal"

say() { echo "$(date -u +%FT%TZ) $*"; }

copies() { find "$folder" -mindepth 1 -maxdepth 1 -type d -name 'base-*Z' | sort; }

once() {
    at=$(date -u +%Y%m%dT%H%M%SZ)
    rm -rf "$folder"/base-*.new
    pg_basebackup --pgdata="$folder/base-$at.new" --format=tar --gzip --wal-method=none --checkpoint=fast \
        --no-password --label="pir $at"
    pg_verifybackup --no-parse-wal --quiet "$folder/base-$at.new"
    date -u +%FT%TZ >"$folder/base-$at.new/ended"
    mv "$folder/base-$at.new" "$folder/base-$at"
    sync
    bytes=$(du -sk "$folder/base-$at" | cut -f1)000
    psql --no-psqlrc --quiet --no-password --set=ON_ERROR_STOP=1 \
        --command="INSERT INTO public.pir_backup (ended_at, bytes) VALUES (now(), $bytes)"
    say "copied to base-$at, $bytes bytes"
    forget
}

# Copies but the newest ones, and the changes from before the oldest of those.
forget() {
    copies | head -n "-${PIR_BACKUP_KEEP:-7}" | while read -r old; do rm -rf "$old"; done
    oldest=$(copies | head -n 1)
    first=$(tar -xzOf "$oldest/base.tar.gz" backup_label | sed -n 's/^START WAL LOCATION: .*(file \([0-9A-F]*\))$/\1/p')
    [ -n "$first" ] && pg_archivecleanup "$folder/wal" "$first"
}

run() {
    pg_receivewal --no-password --slot=$slot --create-slot --if-not-exists
    while true; do pg_receivewal --no-password --slot=$slot --directory="$folder/wal" --synchronous || sleep 5; done &
    trap 'trap - TERM; kill 0' TERM INT
    while true; do
        newest=$(copies | tail -n 1)
        if [ -z "$newest" ] || [ -n "$(find "$newest" -maxdepth 0 -mmin +$((${PIR_BACKUP_HOURS:-24} * 60)))" ]; then
            once || say "error: the copy failed; again in a minute"
        fi
        sleep 60 & wait $!
    done
}

restore() {
    data=$1
    until=${2:-}
    [ -z "$(ls -A "$data" 2>/dev/null)" ] || { say "error: $data is not empty"; return 1; }
    base=
    for each in $(copies); do # the newest that had ended by then
        ended=$(cat "$each/ended")
        if [ -z "$until" ] || [ "$(date -u -d "$ended" +%s)" -le "$(date -u -d "$until" +%s)" ]; then base=$each; fi
    done
    [ -n "$base" ] || { say "error: no copy from before $until"; return 1; }
    mkdir -p "$data"
    tar -xzf "$base/base.tar.gz" -C "$data"
    {
        echo "restore_command = 'cp $folder/wal/%f %p || cp $folder/wal/%f.partial %p'"
        [ -z "$until" ] || echo "recovery_target_time = '$until'"
        echo "recovery_target_action = 'promote'"
    } >>"$data/postgresql.auto.conf"
    touch "$data/recovery.signal"
    chmod 700 "$data"
    say "$data is the copy ${base##*/}; started, PostgreSQL goes on to ${until:-the last change there is}"
}

case "${1:-}" in
    run) run ;;
    once) once ;;
    restore) restore "$2" "${3:-}" ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
