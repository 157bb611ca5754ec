# How mq-produce delivers: placing, pacing, reports, checkpoints, signals, time-outs.
load helpers

lines() { mq-consume "${1:-t}" -e "${@:2}"; }
# until_true COMMAND...: waits for it.
until_true() { timeout 60 bash -c "until $*; do :; done"; }

@test "wish 18: keys go where Kafka's Java client sends them" {
    # Of Kafka's own UtilsTest: key and murmur2.
    cat >known <<'KEYS'
21 -973932308
foobar -790332482
a-little-bit-long-string -985981536
a-little-bit-longer-string -1486304829
lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8 -58897971
abc 479470107
KEYS
    while read -r key hash; do echo "$key" $(((hash & 0x7fffffff) % 11)); done <known | sort >expected
    cut -d' ' -f1 known | sed 's/$/:v/' | mq-produce -q t --create=11 -K:
    diff expected <(lines t -f '%k %p\n' | sort)
}

@test "the other partitioners: fnv1a and crc32 as librdkafka, roundrobin, random, sticky" {
    # librdkafka's unittest_fnv1a: "kafka" is 0xd33c4e1; the check value of CRC-32: "123456789" is 0xcbf43926.
    echo kafka:x | mq-produce -q a --create=7 -K: --partitioner fnv1a
    same "$(lines a -f %p)" $((0x0d33c4e1 % 7))
    echo 123456789:x | mq-produce -q b --create=7 -K: -X partitioner=consistent_random
    same "$(lines b -f %p)" $((0xcbf43926 % 7))
    seq 70 | mq-produce -q c --create=7 -k fixed --partitioner roundrobin
    same "$(lines c -f '%p\n' | sort | uniq -c | awk '{ print $1 }' | sort -u)" 10
    seq 1000 | mq-produce -q d --create=4 -k fixed --partitioner random
    same "$(lines d -f '%p\n' | sort -u | wc -l)" 4
    seq 100 | mq-produce -q e --create=4 -k fixed -X partitioner.class=org.apache.kafka.clients.producer.UniformStickyPartitioner
    same "$(lines e -f '%p\n' | sort -u | wc -l)" 1
}

@test "--report FORMAT, --ack-fd, --tee" {
    printf 'k:a\nk:b\n' >in
    same "$(mq-produce -q t in -K: --report '%t %p %o %k %s %i\n')" $'t 0 0 k a 1\nt 0 1 k b 2'
    same "$(mq-produce -q t in -K: --tee)" $'k:a\nk:b'
    mq-produce -q t in --ack-fd 7 7>acks
    same "$(cat acks)" $'t 0 4\nt 0 5'
    status_of 74 mq-produce -q t in --ack-fd 7 7>/dev/full
    says 'descriptor 7: write: No space left on device'
}

@test "--verify reads everything back" {
    seq 1 200000 >in
    for codec in none zstd; do mq-produce -q t in --verify -z $codec --create=3; done
    same "$(lines t | wc -l)" 400000
    seq 9 | strace -f -y -e trace=pread64 -o trace mq-produce -q u --verify
    grep 'pread64.*u-0/.*\.log' trace
}

@test "--rate, --rate-bytes and --replay keep their distance, but not more records back" {
    spread() { lines "$1" -f '%T\n' | awk 'NR == 1 { first = $1 } END { print $1 - first }'; }
    seq 5 | mq-produce -q a --rate 20
    [[ $(spread a) -ge 190 && $(lines a | wc -l) -eq 5 ]]
    seq 5 | mq-produce -q b --rate-bytes 20/s
    [[ $(spread b) -ge 190 ]]
    for ms in 0 400 200; do echo "{\"value\":\"x\",\"timestamp\":$((1700000000000 + ms))}"; done >in
    mq-produce -q c in --json --replay=2 --timestamp now
    [[ $(spread c) -ge 190 && $(lines c | wc -l) -eq 3 ]]
    mq-produce -q d --generate seq -c 3 --rate 1200/m
    [[ $(spread d) -ge 90 ]]
}

@test "--linger: what comes within it is one batch" {
    mkfifo pipe
    mq-produce t --linger 1m <pipe 2>words &
    local producer=$!
    exec 7>pipe
    echo one >&7
    echo two >&7
    exec 7>&-
    wait $producer
    same "$(lines t -d ' ')" 'one two '
    same "$(mq-dump-segment --json data/t-0/00000000000000000000.log | jq -s 'length')" 1
}

@test "wish 16: tail -f into mq-produce delivers each line at once" {
    echo first >log
    tail -n +1 -f log | mq-produce -q t &
    until_true '[ "$(mq-consume t -e 2>/dev/null | wc -l)" -eq 1 ]'
    for n in 2 3 4; do
        echo "line $n" >>log
        until_true "[ \$(mq-consume t -e | wc -l) -eq $n ]"
    done
    kill %1 2>/dev/null || kill $!
    wait || true
}

@test "SIGUSR1 tells how far it is; --progress shows it on a terminal only" {
    mkfifo pipe
    mq-produce -q t --report '%o\n' <pipe >report 2>words &
    local producer=$!
    exec 7>pipe
    printf 'a\nb\n' >&7
    until_true "grep -q 1 report"
    kill -USR1 $producer
    until_true "grep -q 'mq-produce: 2 records, 2 bytes accepted' words"
    exec 7>&-
    wait $producer
    seq 9 | mq-produce -q u --progress 2>words
    same "$(cat words)" ''
}

@test "124: --timeout; what was read by then is there" {
    mkfifo pipe
    exec 7<>pipe
    echo one >&7
    times_out '[[ $stderr == *"--timeout: offset 0 of t-0 was the last accepted" ]]' bash -c 'exec mq-produce t "$@" <pipe' bash
    exec 7>&-
    same "$(lines t)" one
    times_out '[[ $(lines u | wc -l) -ge 1 ]]' mq-produce -q u --generate seq --rate 5
}

# hold_append_lock: leaves in $holder a producer that was stopped inside of an append to t-0.
hold_append_lock() {
    echo first | mq-produce -q t
    echo held >held
    strace -f -q -o trace -P "$PWD/data/t-0/00000000000000000000.log" -e trace=pwrite64,write \
        -e inject=pwrite64:signal=SIGSTOP:when=1 mq-produce -q t held &
    tracer=$!
    until_true "grep -sq 'stopped by SIGSTOP' trace"
    holder=$(pgrep -P $tracer)
}

@test "wish 19: Ctrl-C ends within a bound and says what was not acknowledged; a second one at once" {
    hold_append_lock
    mkfifo pipe
    exec 7<>pipe
    mq-produce t <pipe 2>words &
    local producer=$!
    echo waiting >&7
    # P5: the holder is named.
    until_true "grep -q 'waiting for .*process $holder holds' words"
    kill -INT $producer
    status=0
    wait $producer || status=$?
    [[ $status -eq 130 ]]
    grep 'interrupted: nothing was accepted; 1 record not acknowledged' words

    # A lock is waited for until --timeout passes, and no longer.
    echo late >in
    times_out '[[ $stderr == *"--timeout passed while waiting for it"* ]]' mq-produce t in

    # Twice: at once, whatever it is waiting for.
    mq-produce t in 2>words &
    producer=$!
    until_true "grep -q SigCgt:.*[1-9a-f] /proc/$producer/status && [ -n \"\$(ls /proc/$producer/fd | tail -1)\" ]"
    until_true "grep -q waiting words"
    kill -TERM $producer
    kill -TERM $producer 2>/dev/null || true
    status=0
    wait $producer || status=$?
    [[ $status -eq 143 ]]

    kill -CONT "$holder"
    wait $tracer
    echo after | mq-produce -q t
    same "$(lines t -d ' ')" 'first held after '
}

@test "74, then not: --delivery-timeout waits for space on a full disk (row 13: producers resume by themselves)" {
    mkdir disk
    local user_space=()
    [[ $(id -u) -eq 0 ]] || user_space=(--user --map-root-user)
    unshare "${user_space[@]}" --mount bash -euo pipefail -c '
        mount -t tmpfs -o size=8m none disk
        cd disk
        seq 1 9 | mq-produce -q -D data t
        cat /dev/zero >filler 2>/dev/null || true
        seq 10 200000 | mq-produce -D data t --delivery-timeout forever 2>../words &
        producer=$!
        timeout 60 sh -c "until grep -q \"waiting for space\" ../words; do :; done"
        [[ $(mq-consume -D data t -e | head -9 | tail -1) == 9 ]]
        rm filler
        wait $producer
        grep "there is space again" ../words
        [[ $(grep -c "waiting for space" ../words) -le 3 ]]
        cmp <(seq 1 200000) <(mq-consume -D data t -e)

        cat /dev/zero >filler 2>/dev/null || true
        status=0
        seq 1 1000000 | mq-produce -D data t --delivery-timeout 300ms 2>../words || status=$?
        [[ $status -eq 74 ]]
        grep "No space left on device" ../words'
}

# Kills a producer of `in` with the given options when the topic has so many records, or lets it end.
kill_at_records() {
    local records=$1
    shift
    mq-produce -q t "$@" &
    local producer=$!
    until_true "[ \"\$(mq-consume t -e --count-only 2>/dev/null | awk '{ sum += \$NF } END { print sum + 0 }')\" -ge $records ] || ! kill -0 $producer 2>/dev/null"
    kill -9 $producer 2>/dev/null || true
    wait $producer 2>/dev/null || true
}

@test "--checkpoint: killed at any time and started again, nothing is lost and nothing doubled" {
    seq 1 60000 >in
    for at in 1 5000 20000 20000 35000 59000; do
        kill_at_records $at in --checkpoint mark --batch-size 2KiB --rate 60000
        mq-consume t -e >out
        seq 1 "$(wc -l <out)" | cmp - out
    done
    mq-produce -q t in --checkpoint mark
    cmp in <(lines t)
    # Done is done; what is added to the file comes after it.
    mq-produce t in --checkpoint mark 2>words
    grep '^mq-produce: 0 records' words
    seq 60001 60009 | tee -a in | wc -l
    mq-produce -q t in --checkpoint mark
    cmp in <(lines t)
}

@test "--checkpoint: several partitions and files, beside another producer, with keys and without" {
    seq 3000 | sed 's/.*/key&:&/' >a
    seq 3001 6000 >b
    mq-produce -q t --create=3 </dev/null
    seq inf | sed 's/^/other /' | mq-produce -q t --rate 5000 &
    local other=$!
    for at in 100 2000 4000 5900; do kill_at_records $at a b -K: --checkpoint mark --batch-size 200 --rate 20000; done
    mq-produce -q t a b -K: --checkpoint mark
    kill $other
    wait $other || true
    lines t -f '%p %s\n' | grep -v other >out
    cmp <(cut -d' ' -f2 out | sort -n) <(seq 1 6000)
    # The order of the input within each partition.
    for partition in 0 1 2; do grep "^$partition " out | cut -d' ' -f2 | sort -nc; done
}

@test "--checkpoint: stdin is skipped to where it was; what was flushed is noted while input pauses" {
    seq 1 5000 >in
    mkfifo pipe
    mq-produce -q t --checkpoint mark <pipe &
    local producer=$!
    exec 7>pipe
    head -2000 in >&7
    until_true "grep -sq '^records=2000$' mark"
    sed -n 2001,3000p in >&7
    until_true "[ \$(mq-consume t -e | wc -l) -eq 3000 ]"
    kill -9 $producer
    exec 7>&-
    wait $producer || true
    mq-produce t --checkpoint mark <in 2>words
    cmp in <(lines t)
    status_of 65 mq-produce t --checkpoint mark
    says 'stdin: ends before its place'
    sed 's/^4/5/' in >other
    status=0
    mq-produce t --checkpoint mark <other 2>words || status=$?
    [[ $status -eq 65 ]]
    grep 'not the input that the checkpoint is of' words
    same "$(lines t | wc -l)" 5000
}

@test "--checkpoint: one process at a time (75); another topic, another file (65)" {
    mkfifo pipe
    mq-produce -q t --checkpoint mark <pipe &
    local producer=$!
    exec 7>pipe
    until_true '[ -e mark ]'
    echo x >in
    status_of 75 mq-produce t --checkpoint mark
    says 'mark: in use by another mq-produce'
    exec 7>&-
    wait $producer
    status_of 65 mq-produce u --checkpoint mark
    says "mark: is of topic 't', not of 'u'"
    status_of 65 mq-produce t in --checkpoint mark
    says "is of input '-', not of 'in'"
    echo nonsense >mark
    status_of 65 mq-produce t in --checkpoint mark
    says 'mark: no version'
}

@test "wish 20: too large is told with both numbers; there is no limit to a line but the topic's" {
    head -c 900000 /dev/zero | tr '\0' x >in
    mq-produce -q t in
    same "$(lines t -f %S)" 900000
    head -c 20000000 /dev/zero | tr '\0' x >in
    mq-produce -q big in --max-record-bytes 32MiB
    same "$(lines big -f %S)" 20000000
    status_of 65 mq-produce t in
    says "over the topic's limit of 1048588 bytes (max.message.bytes) at byte 0"
    { seq 3; head -c 200 /dev/zero | tr '\0' y; echo; } >in
    status_of 65 mq-produce t in --max-record-bytes 100
    # By hand: 61 for the header of the batch; 2 + 1 + 1 + 1 + 1 + 2 + 200 + 1 for the record.
    says 'a record of 270 bytes (batch header and all) is over the limit of 100 bytes (--max-record-bytes) at byte 6'
}

@test "wish 7 and 1: 1 where records were passed over, 0 where none was" {
    echo '{"value":"x"}' >in
    status_of 0 mq-produce t in --json --on-error skip
    echo x >in
    status_of 1 mq-produce t in --json --on-error skip
}

@test "--sync alone is Kafka's: every batch is flushed before it counts" {
    echo x >in
    strace -f -y -e trace=fdatasync,write -o trace mq-produce -q u in --sync --report json
    [[ $(grep -n 'fdatasync.*\.log' trace | head -1 | cut -d: -f1) -lt $(grep -n 'write(1<' trace | cut -d: -f1) ]]
}

@test "many partitions at once stay within 64 MiB of memory" {
    mq-topics create t -p 500 2>/dev/null || mq-produce -q t --create=500 </dev/null
    seq 400000 | sed 's/$/:0123456789012345678901234567890123456789012345678901234567890123456789/' >in
    (ulimit -d 100000 && mq-produce -q t in -K: --sync=none)
    /usr/bin/env python3 - <<'PYTHON'
import resource, subprocess
subprocess.run(["mq-produce", "-q", "t", "in", "-K:", "--sync=none"], check=True)
assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 100 << 10
PYTHON
    same "$(mq-consume t -e | wc -l)" 800000
}
