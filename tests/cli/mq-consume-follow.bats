# mq-consume beside writers: following, its events, and what ends it. Events are awaited on a fifo, nothing sleeps.
load helpers

# Starts mq-consume in the background: $pid, its output in out, its words in words, its events to be awaited.
begin() {
    rm -f events
    mkfifo events
    # A shell without job control has its background jobs ignore SIGINT.
    env --default-signal=INT "${as[@]}" mq-consume "$@" --events-fd 8 8>events >"${out:-out}" 2>words 3>&- &
    pid=$!
    exec 9<events
}

# The next event of that name; what comes before it is passed over.
await() {
    local event
    while read -r -t 60 event <&9; do
        [[ $event != *"\"event\":\"$1\""* ]] || return 0
    done
    echo "no event $1; $(cat words)" >&2
    return 1
}

ended_with() {
    local got=0
    wait "$pid" || got=$?
    [[ $got -eq $1 ]] || { echo "status $got instead of $1: $(cat words)" >&2; return 1; }
}

append() { mq-produce -q "$@"; }

@test "P3, P4: follows as records come, from several partitions, and ends after --count" {
    seq 1 5 | append t --create=2 -p 0
    begin t -c 8
    await caught_up
    same "$(cat out)" "$(seq 1 5)"
    echo 6 | append t -p 0
    echo 7 | append t -p 1
    echo 8 | append t -p 0
    ended_with 0
    same "$(sort -n out)" "$(seq 1 8)"
    [[ ! -s words ]]
}

@test "--follow wins over --exit, and tells when it has caught up" {
    seq 1 3 | append t
    begin t -e --follow -c 4
    await started
    await caught_up
    echo 4 | append t
    await ended
    ended_with 0
    same "$(cat out)" "$(seq 1 4)"
}

@test "wish 5: -e ends at the end as it was at the start, whatever is appended meanwhile" {
    seq -f %099g 1 20000 | append t
    mkfifo pipe
    out=pipe
    begin t -e
    # The output does not fit into the pipe: it is still at it when this is appended.
    exec 7<pipe
    await started
    echo later | append t
    cat <&7 >read
    ended_with 0
    same "$(wc -l <read)" 20000
    ! grep later read || false
}

@test "wish 5: -e is over at once in a topic of many partitions" {
    for p in 0 3 9; do echo $p | append t --create=10 -p $p; done
    same "$(mq-consume t -e)" "$(printf '0\n3\n9')"
    mq-consume t -e --count-only --json | jq -c '[.partition, .count]' >counts
    same "$(wc -l <counts)" 10
    same "$(grep -c ',1]' counts)" 3
}

@test "an offset that is not there yet is waited for; a range ends where it says" {
    seq 0 4 | append t
    begin t -o 3:8
    await caught_up
    seq 5 20 | append t
    ended_with 0
    same "$(cat out)" "$(seq 3 7)"
}

@test "a topic without a record is followed" {
    echo x | append other
    mq-topics create t
    begin t -c 1
    await caught_up
    echo first | append t
    ended_with 0
    same "$(cat out)" first
}

@test "new partitions are followed from their start, wherever reading began" {
    seq 1 3 | append t
    begin t -o end -c 2
    await caught_up
    mq-topics partitions t --to 2
    await partition_added
    echo new | append t -p 1
    echo old | append t -p 0
    ended_with 0
    same "$(sort out)" "$(printf 'new\nold')"
}

@test "-p: only those partitions, also while following" {
    echo x | append t --create=3 -p 2
    begin t -p 1-2 -c 2
    await caught_up
    echo no | append t -p 0
    echo y | append t -p 1
    ended_with 0
    same "$(cat out)" "$(printf 'x\ny')"
}

@test "-r: topics that come while following are read, ones that go are told of" {
    echo a | append log-a
    echo x | append other
    begin -r 'log-.*' -f '%t %s\n' -c 3
    await caught_up
    echo b | append log-b
    await partition_added
    mq-topics delete log-a -y
    await topic_deleted
    echo c | append log-b
    ended_with 0
    same "$(cat out)" "$(printf 'log-a a\nlog-b b\nlog-b c')"
    grep "warning: topic 'log-a': the topic was deleted" words
}

@test "66: a topic that is deleted while it is followed" {
    seq 1 3 | append t
    begin t
    await caught_up
    mq-topics delete t -y
    ended_with 66
    same "$(cat out)" "$(seq 1 3)"
    grep "topic 't': the topic was deleted" words
}

@test "P7: records that go before they are read are told of, with how many" {
    seq 1 30 | append t
    mq-topics trim t --before 20 -y
    mq-consume t -e -o 15 >out 2>words
    same "$(cat out)" "$(seq 21 30)"
    grep 'offset 15 is gone; the log starts at 20' words
    # Amid reading: the first batch is being printed, the second not read yet.
    seq -f %099g 1 30000 | append u
    mkfifo pipe
    out=pipe
    begin u -e
    exec 7<pipe
    read -r -t 60 line <&7
    mq-topics trim u --before 29990 -y
    cat <&7 >rest
    ended_with 0
    await records_gone
    same "$(tail -n 10 rest)" "$(seq -f %099g 29991 30000)"
    gone=$(grep -oE 'u-0: offsets [0-9]+ to 29989 are gone \([0-9]+ offsets\)' words)
    same "$(grep -oE '[0-9]+' <<<"${gone#u-0}" | tail -n 1)" $((30000 - $(wc -l <rest) - 1))
}

@test "--checkpoint: killed at any moment, the next run leaves nothing out" {
    seq 1 2000 | append t --create=2 -p 0
    for round in 1 2 3 4 5; do
        out=out-$round
        begin t --checkpoint place
        await caught_up
        seq $((round * 1000 + 1001)) $((round * 1000 + 2000)) | append t -p $((round % 2))
        # Every other time after the checkpoint has been written, else wherever it is.
        ((round % 2)) || await checkpoint
        kill -KILL "$pid"
        ended_with 137
    done
    mq-consume t -e --checkpoint place >out-last
    diff <(sort -nu out-*) <(seq 1 7000)
    [[ -z $(mq-consume t -e --checkpoint place) ]]
}

@test "143, 130: a signal: what was read is printed, then it dies of the signal" {
    seq 1 1000 | append t
    for signal in TERM INT; do
        begin t --block-buffered
        await caught_up
        kill -$signal "$pid"
        await ended
        ended_with $([[ $signal == TERM ]] && echo 143 || echo 130)
        same "$(cat out)" "$(seq 1 1000)"
        [[ ! -s words ]]
    done
}

@test "wish 19: a second signal ends it at once, though nobody reads what it prints" {
    seq -f %099g 1 20000 | append t
    mkfifo pipe
    out=pipe
    begin t
    exec 7<pipe
    # It prints, into a pipe that holds less than one of its writes.
    read -r -t 60 line <&7
    kill -TERM "$pid"
    # Bit 14 of the caught signals is SIGTERM's: it goes when the first one has been handled.
    while (($((16#$(awk '/^SigCgt/ { print $2 }' "/proc/$pid/status"))) & 1 << 14)); do :; done
    [[ -d /proc/$pid ]]
    kill -TERM "$pid"
    ended_with 143
}

@test "141: a reader that goes away ends it, also while nothing comes" {
    echo x | append t
    mkfifo pipe
    out=pipe
    begin t
    exec 7<pipe
    await caught_up
    exec 7<&-
    ended_with 141
    [[ ! -s words ]]
}

@test "124 and 0: --timeout and --idle-timeout" {
    seq 1 3 | append t
    times_out '[[ -n $output ]]' mq-consume t
    same "$output" "$(seq 1 3)"
    says 'gave up after --timeout, 3 records'
    status_of 0 mq-consume t --idle-timeout 100ms
    same "$output" "$(seq 1 3)"
    status_of 0 mq-consume t --timeout-ms 100
    same "$output" "$(seq 1 3)"
}

@test "wish 16: a record is printed when it comes, not when a buffer is full" {
    echo 1 | append t
    mkfifo pipe
    out=pipe
    begin t -c 3
    exec 7<pipe
    read -r -t 60 line <&7
    same "$line" 1
    for i in 2 3; do
        echo $i | append t
        read -r -t 60 line <&7
        same "$line" $i
    done
    ended_with 0
}

@test "wish 6: --tail goes on with what comes" {
    seq 1 5 | append t --create=2 -p 0
    seq 6 9 | append t -p 1
    begin t --tail 3 -c 5
    await caught_up
    same "$(cat out)" "$(seq 7 9)"
    echo 10 | append t -p 0
    echo 11 | append t -p 1
    ended_with 0
    same "$(sort -n out)" "$(seq 7 11)"
}

@test "--merge timestamp waits a while for older records of other partitions" {
    echo a | append t --create=2 -p 0 --timestamp 1700000000
    mkfifo pipe
    out=pipe
    begin t --merge timestamp --merge-window 1h -c 4
    exec 7<pipe
    # Without a record of partition 1 the later one here would wait for an hour, were its time not long past. Nothing
    # younger is there before it has been printed.
    read -r -t 60 line <&7
    same "$line" a
    echo b | append t -p 0 --timestamp 1700000001
    read -r -t 60 line <&7
    same "$line" b
    printf 'd\n' | append t -p 1 --timestamp 1700000003
    printf 'e\n' | append t -p 1 --timestamp 1700000004
    same "$(cat <&7)" "$(printf 'd\ne')"
    ended_with 0
}

@test "row 18, DIR-9: a reader without write permission reads and follows, with a living writer and without" {
    let_others_in
    cp "$MQ_BIN_DIR/mq-consume" .
    PATH=$BATS_TEST_TMPDIR:$PATH
    seq 1 3 | append t
    chmod -R a+rX data
    chmod -R go-w data
    same "$(as_other mq-consume t -e)" "$(seq 1 3)"
    as=()
    [[ $(id -u) -ne 0 ]] || as=(setpriv --reuid=65534 --clear-groups)
    begin t -c 6
    await caught_up
    # A writer that lives on, and one that is gone before the record is read.
    mkfifo lines
    mq-produce -q t <lines 3>&- &
    writer=$!
    exec 6>lines
    echo 4 >&6
    echo 5 >&6
    echo 6 | append t
    ended_with 0
    same "$(sort -n out)" "$(seq 1 6)"
    exec 6>&-
    wait "$writer"
    as=()
}
