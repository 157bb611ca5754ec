# The data directory as the tools share it with Kafka and with the processes before them.
load helpers

kafka_directory() {
    cp -r "$MQ_GOLDEN_DIR/plain" data
    chmod -R u+w data
    touch data/.kafka_cleanshutdown
}

@test "what Kafka wrote is read, and appended to; its own files stay in their form" {
    kafka_directory
    before=$(mq-consume plain -e -p 1 -f '%o %k %s\n')
    [[ -n $before ]]
    echo more | mq-produce -q plain -p 1
    same "$(mq-consume plain -e -p 1 -f '%o %k %s\n' | head -n -1)" "$before"
    same "$(mq-consume plain -e -p 1 -o -1:end)" more
    # Enough to be worth a checkpoint.
    seq 1 300000 | mq-produce -q plain -p 1
    end=$(mq-consume plain -p 1 -o -1:end -f %o)
    grep -x "plain 1 $((end + 1))" data/recovery-point-offset-checkpoint
    grep -x "plain 1 $((end + 1))" data/replication-offset-checkpoint
    # What the broker said of other partitions is still there.
    for checkpoint in recovery-point-offset-checkpoint replication-offset-checkpoint; do
        diff <(grep -v -e '^plain 1 ' "$MQ_GOLDEN_DIR/plain/$checkpoint" | tail -n +3 | sort) \
            <(grep -v -e '^plain 1 ' "data/$checkpoint" | tail -n +3 | sort)
        same "$(sed -n 2p "data/$checkpoint")" "$(tail -n +3 "data/$checkpoint" | wc -l)"
    done
}

@test "DIR-6: .kafka_cleanshutdown goes, durably, before the first change; a reader leaves it" {
    kafka_directory
    mq-consume plain -e >/dev/null
    [[ -e data/.kafka_cleanshutdown ]]
    echo x | strace -f -y -e trace=unlink,unlinkat,fsync,pwrite64,write -o trace mq-produce -q plain
    [[ ! -e data/.kafka_cleanshutdown ]]
    removed=$(grep -n 'unlink.*kafka_cleanshutdown.* = 0' trace | head -1 | cut -d: -f1)
    synced=$(awk -v after="$removed" 'NR > after && /fsync\(.*\/data>/ { print NR; exit }' trace)
    written=$(grep -n 'write.*\.log>' trace | head -1 | cut -d: -f1)
    [[ $removed -lt $synced && $synced -lt $written ]]
}

@test "P6: after a clean exit opening reads the last batches only, whatever the size" {
    seq 1 5000000 | mq-produce -q t
    [[ $(stat -c %s data/t-0/00000000000000000000.log) -gt 50000000 ]]
    read_bytes() { grep -E '^[0-9 ]*(pread64|read)\(' trace | grep -oE '= [0-9]+$' | awk '{ sum += $2 } END { print sum + 0 }'; }
    echo last | strace -f -e trace=pread64,read -o trace mq-produce -q t
    [[ $(read_bytes) -lt 5000000 ]]
    strace -f -e trace=pread64,read -o trace mq-consume t -o -1:end >out
    same "$(cat out)" last
    [[ $(read_bytes) -lt 5000000 ]]
}

@test "a partition whose directory is missing is made again; the topic keeps its number" {
    seq 1 9 | mq-produce -q t --create=4 -p 3
    rm -r data/t-1
    echo x | mq-produce -q t -p 1
    same "$(ls -d data/t-*)" $'data/t-0\ndata/t-1\ndata/t-2\ndata/t-3'
    same "$(mq-consume t -e -p 1)" x
}

@test "an empty topic is a topic" {
    mq-produce -q t </dev/null
    same "$(mq-consume t -e)" ''
    status_of 66 mq-consume u -e
}

@test "topics whose names begin alike do not mix" {
    for topic in a a-1 a-1-1 a.b a_b; do echo "$topic" | mq-produce -q "$topic"; done
    for topic in a a-1 a-1-1 a.b a_b; do same "$(mq-consume "$topic" -e)" "$topic"; done
}

@test "a damaged checkpoint is told, with its name" {
    echo x | mq-produce -q t
    echo nonsense >data/recovery-point-offset-checkpoint
    echo x >in
    status_of 65 mq-produce t in
    says 'recovery-point-offset-checkpoint'
}

@test "meta.properties is made once, with a cluster id" {
    echo x | mq-produce -q t
    grep -x 'cluster.id=[A-Za-z0-9_-]\{22\}' data/meta.properties
    grep -x 'version=0' data/meta.properties
    before=$(cat data/meta.properties)
    echo x | mq-produce -q t
    same "$(cat data/meta.properties)" "$before"
}

@test "what is made may be read by its group, and by nobody else" {
    (umask 0 && echo x | mq-produce -q t)
    same "$(stat -c %a data/t-0)" 750
    same "$(stat -c %a data/t-0/00000000000000000000.log)" 640
}

@test "a planted symbolic link is not followed (77)" {
    echo x | mq-produce -q t
    mv data/t-0/00000000000000000000.log elsewhere
    ln -s "$PWD/elsewhere" data/t-0/00000000000000000000.log
    before=$(sha256sum elsewhere)
    echo y >in
    status_of 77 mq-produce t in
    says 'Too many levels of symbolic links'
    same "$(sha256sum elsewhere)" "$before"
}

@test "the default directory: XDG_DATA_HOME, then HOME" {
    let_others_in
    cp "$MQ_BIN_DIR/mq-produce" .
    unset MQ_DATA_DIR
    echo x | as_other env XDG_DATA_HOME="$PWD/xdg" HOME="$PWD/home" ./mq-produce -q t
    [[ -d xdg/mq/t-0 ]]
    echo x | as_other env XDG_DATA_HOME= HOME="$PWD/home" ./mq-produce -q t
    [[ -d home/.local/share/mq/t-0 ]]
    status=0
    as_other env HOME= XDG_DATA_HOME= ./mq-produce -q t </dev/null 2>words || status=$?
    [[ $status -eq 78 ]]
    grep 'HOME is not set' words
}

@test "PUB-8: a command that uses one topic parses no mq-topics.json once the slots know the topic" {
    echo x | mq-produce -q t
    echo y | strace -f -e trace=openat -o trace mq-produce -q t
    if grep mq-topics.json trace; then return 1; fi
    same "$(strace -f -e trace=openat -o trace mq-consume t -e)" $'x\ny'
    if grep mq-topics.json trace; then return 1; fi
    # A setting that was changed is looked up again.
    mq-topics config set t max.message.bytes=100 -q
    status_of 65 mq-produce t <(printf '%0200d\n' 1)
}
