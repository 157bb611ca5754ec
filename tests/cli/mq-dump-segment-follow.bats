#!/usr/bin/env bats
# --follow, and what is read beside processes that write: rule DMP-1 of the concurrency contract. The bytes are those
# that a real Kafka broker wrote, appended piece by piece.
load helpers

setup() {
    DUMP="$MQ_BIN_DIR/mq-dump-segment"
    cd "$BATS_TEST_TMPDIR"
    GOLDEN="$MQ_GOLDEN_DIR/plain/plain-0/00000000000000000048.log" # offsets 48 to 54, batches at 0, 94, ...
    FIRST=00000000000000000000
    mkdir -p data/t-0
    LOG=data/t-0/00000000000000000048.log
}

# follow ARGUMENT...: runs the tool; next_line gives what it prints, line by line.
follow() {
    mkfifo out
    "$DUMP" --follow "$@" >out 2>words 3>&- &
    follower=$!
    exec 7<out
}
next_line() {
    IFS= read -r -t 60 line <&7 || { echo "nothing came; stderr: $(cat words)" >&2; return 1; }
}
expect() { # PATTERN: the next line is so
    next_line
    # shellcheck disable=SC2053
    [[ "$line" == $1 ]] || { echo "'$line' instead of '$1'" >&2; return 1; }
}
# The rest of what is printed, once the tool has ended with this status.
ends_with() {
    rest=$(cat <&7)
    got=0
    wait "$follower" || got=$?
    [[ $got -eq $1 ]] || { echo "status $got; stderr: $(cat words)" >&2; return 1; }
}

# hold: another process takes byte 0 of data/.mq-control, as one of mq does for life; let_go ends it.
hold() {
    : >>data/.mq-control
    mkfifo held
    python3 - data/.mq-control <<'PYTHON' >held 3>&- &
import fcntl, signal, struct, sys
F_OFD_SETLK = 37
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
f = open(sys.argv[1], "r+b")
fcntl.fcntl(f, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 1, 0))
print("held", flush=True)
signal.sigwait([signal.SIGTERM])
PYTHON
    holder=$!
    read -r line <held
    [ "$line" = held ]
}
let_go() {
    kill "$holder"
    wait "$holder" || true
}

piece() { # FROM [TO] -> those bytes of the golden segment
    tail -c +$(($1 + 1)) "$GOLDEN" | head -c $((${2:-1000000} - $1))
}

@test "--follow prints what is there, then what is appended, and dies of the signal" {
    piece 0 94 >$LOG
    follow -f '%o %k\n' $LOG
    expect "48 far"
    piece 94 >>$LOG
    for offset in 49 50 51 52 53 54; do
        expect "$offset *"
    done
    kill "$follower"
    ends_with 143
    [ "$rest" = "" ]
    [ ! -s words ]
}

@test "SIGINT ends it with 130, and what has come is printed whole" {
    cp "$GOLDEN" $LOG
    # Without job control a shell lets its background commands ignore SIGINT.
    mkfifo out
    env --default-signal=INT "$DUMP" --follow -f '%o\n' $LOG >out 2>words 3>&- &
    follower=$!
    exec 7<out
    for offset in 48 49 50 51 52 53 54; do expect "$offset"; done
    kill -INT "$follower"
    ends_with 130
}

@test "-c and the end of -o end it by themselves" {
    cp "$GOLDEN" $LOG
    follow -c 3 -f '%o ' $LOG
    ends_with 0
    [ "$rest" = "48 49 50 " ]
    rm out
    follow -o 50:52 -f '%o ' data/t-0
    ends_with 0
    [ "$rest" = "50 51 " ]
}

@test "-o end waits for what comes" {
    piece 0 94 >$LOG
    follow -o end -c 1 -r data/t-0
    # The name of the file is printed once it is known where its end is.
    expect "$LOG"
    piece 94 >>$LOG
    expect "BASE-OFFSET *"
    expect " * 49 * 54 *"
    expect " * OFFSET *"
    expect ' * 49  *key="d500"  value="delta 500"'
    ends_with 0
    [ "$rest" = "" ]
}

@test "a directory is followed from its first segment, which is not there yet, over every roll" {
    hold # a half-copied segment is not damage
    follow -f '%o\n' data/t-0
    for log in "$MQ_GOLDEN_DIR"/segmented/segmented-0/*.log; do
        base=$(basename "$log")
        cp "$log" data/t-0/
        for ((offset = 10#${base%.log}; ; ++offset)); do
            expect "$offset"
            [ "$offset" -lt 1999 ] || break
            next=$(printf '%020d' $((offset + 1)))
            [ ! -e "$MQ_GOLDEN_DIR/segmented/segmented-0/$next.log" ] || break
        done
    done
    kill "$follower"
    ends_with 143
}

@test "a data directory is followed in all its partitions, --json names the file" {
    mkdir data/u-0
    hold
    follow --json -r data
    cp "$MQ_GOLDEN_DIR/plain/plain-0/$FIRST.log" data/u-0/
    next_line
    [ "$(jq -r '.file, .type' <<<"$line" | paste -sd' ')" = "data/u-0/$FIRST.log batch" ]
    until [[ "$line" == *'"offset":47,'* ]]; do next_line; done
    cp "$GOLDEN" data/t-0/
    next_line
    [ "$(jq -r '.file, .base_offset' <<<"$line" | paste -sd' ')" = "$LOG 48" ]
    kill "$follower"
    ends_with 143
}

@test "-m shows what matches only" {
    piece 0 94 >$LOG
    follow -m 'value~^delta' --plain --no-meta $LOG
    piece 94 >>$LOG
    next_line
    [ "$line" = "$(printf '%s\trecord\td500\tdelta 500' "$LOG")" ]
    kill "$follower"
    ends_with 143
}

@test "--kafka --follow prints the text of Kafka's tool, piece by piece" {
    piece 0 94 >$LOG
    follow --kafka --print-data-log $LOG
    expect "Dumping $LOG"
    expect "Log starting offset: 48"
    expect "baseOffset: 48 *"
    expect "| offset: 48 *key: far payload: timestamp in the future"
    piece 94 >>$LOG
    kill -0 "$follower"
    { printf '%s\n' "Dumping $LOG" "Log starting offset: 48"; "$DUMP" --kafka --print-data-log "$LOG" | tail -n +3; } >expected
    tail -n +5 expected >rest
    while IFS= read -r wanted; do
        next_line
        [ "$line" = "$wanted" ]
    done <rest
    kill "$follower"
    ends_with 143
}

@test "a reader that goes away ends it by SIGPIPE, though nothing is printed" {
    : >$LOG
    mkfifo out
    "$DUMP" --follow $LOG >out 3>&- &
    started=$!
    head -n 1 out >/dev/null # the heading; then it is gone
    got=0
    wait "$started" || got=$?
    [ "$got" -eq 141 ]
}

@test "DMP-1: an unfinished batch beside a process that holds the directory is in flight, and comes when it is whole" {
    piece 0 124 >$LOG
    hold
    follow -f '%o\n' data/t-0
    expect "48"
    piece 124 >>$LOG
    for offset in 49 50 51 52 53 54; do expect "$offset"; done
    [ ! -s words ]
    kill "$follower"
    ends_with 143
}

@test "DMP-1: bytes in flight are read anew, not remembered" {
    size=$(stat -c %s "$GOLDEN")
    for at in 110 $((size - 1)); do # the magic of the second batch; the last byte of its records
        cp "$GOLDEN" $LOG
        printf '\x55' | dd of=$LOG bs=1 seek="$at" conv=notrunc status=none
        hold
        follow -f '%o\n' data/t-0
        expect 48
        piece "$at" $((at + 1)) | dd of=$LOG bs=1 seek="$at" conv=notrunc status=none
        for offset in 49 50 51 52 53 54; do expect "$offset"; done
        kill "$follower"
        ends_with 143
        let_go
        rm out held
    done
}

@test "DMP-1: when the last process dies over an unfinished batch it is damage: 65, with file, byte and count" {
    piece 0 124 >$LOG
    hold
    follow -f '%o\n' data/t-0
    expect "48"
    let_go
    ends_with 65
    [[ "$(cat words)" == *"$LOG"*"offset 49"*"30 bytes"*"at byte 94"* ]]
}

@test "DMP-1: every view leaves out what is in flight, says so, and is content: 0" {
    hold
    for bad in torn garbage checksum; do
        case $bad in
            torn) piece 0 124 >$LOG ;;
            garbage) { piece 0 94; head -c 100 /dev/zero | tr '\0' x; } >$LOG ;;
            checksum) { piece 0 $(($(stat -c %s "$GOLDEN") - 1)); printf '\x55'; } >$LOG ;;
        esac
        views=(-r --kafka)
        [[ $bad != torn ]] || views+=("-f %o" --json --kafka=2.4 --summary --stats --hex)
        for view in "${views[@]}"; do
            run "$DUMP" $view $LOG
            [ "$status" -eq 0 ] || { echo "$bad $view: $status $output"; false; }
            [[ "$output" == *"$LOG: the last "*"in flight"* ]] || { echo "$bad $view: $output"; false; }
            [[ "$output" != *"invalid bytes at the end"* ]]
        done
        run "$DUMP" --check=crc,offsets $LOG
        [ "$status" -eq 0 ] || { echo "$bad: $output"; false; }
        [[ "$output" == *"in flight"*"nothing wrong"* ]]
    done
}

@test "DMP-1: nobody there, or a later segment, or valid batches behind: damage, whoever holds the directory" {
    piece 0 124 >$LOG
    run "$DUMP" -f '%o ' data/t-0
    [ "$status" -eq 65 ]
    run "$DUMP" -q --check=crc $LOG
    [ "$status" -eq 1 ]
    hold
    { piece 0 94; printf 'rubbish'; piece 94; } >$LOG
    run "$DUMP" -f '%o ' data/t-0
    [ "$status" -eq 65 ]
    [[ "$output" == *"at byte 94"* ]]
    piece 0 124 >$LOG
    : >data/t-0/00000000000000000060.log
    run "$DUMP" -f '%o ' data/t-0
    [ "$status" -eq 65 ]
    run "$DUMP" -q --check=crc $LOG
    [ "$status" -eq 1 ]
}

@test "DMP-1: no repair while a process of mq holds the directory: 75, then it goes" {
    cp "$GOLDEN" $LOG
    hold
    for repair in --rebuild-index "--truncate-at 50"; do
        run "$DUMP" $repair -y data/t-0
        [ "$status" -eq 75 ]
        [[ "$output" == *"data/.mq-control: lock: processes of mq use the data directory"* ]]
        (cd data/t-0 && status=0 && { "$DUMP" $repair -y . || status=$?; } && [ "$status" -eq 75 ])
    done
    cmp "$GOLDEN" $LOG
    let_go
    run "$DUMP" --truncate-at 50 -y data/t-0
    [ "$status" -eq 0 ]
}

@test "DMP-1: a repair keeps processes of mq and brokers out while it works" {
    cp "$GOLDEN" $LOG
    : >data/.mq-control
    : >data/.lock
    mkfifo answer
    # A terminal is asked, and that is when it holds the locks.
    script -qec "'$DUMP' --truncate-at 50 data/t-0" /dev/null <answer >asked 3>&- &
    started=$!
    exec 8>answer
    until grep -q 'go on' asked; do kill -0 "$started"; done
    run python3 - <<'PYTHON'
import fcntl, struct
def refused(path, kind, length):
    with open(path, "r+b") as f:
        try:
            fcntl.fcntl(f, 37, struct.pack("hhqqi4x", kind, 0, 0, length, 0))
        except BlockingIOError:
            return "refused"
        return "granted"
print(refused("data/.mq-control", fcntl.F_RDLCK, 1), refused("data/.lock", fcntl.F_WRLCK, 0), refused("data/.lock", fcntl.F_RDLCK, 0))
PYTHON
    [ "$output" = "refused refused granted" ]
    echo n >&8
    wait "$started" || true
    cmp "$GOLDEN" $LOG
}

@test "a partition that is removed ends it: 66" {
    cp "$GOLDEN" $LOG
    follow -f '%o\n' data/t-0
    for offset in 48 49 50 51 52 53 54; do expect "$offset"; done
    rm -r data/t-0
    ends_with 66
    [[ "$(cat words)" == *data/t-0* ]]
}

@test "what cannot be followed is told" {
    cp "$MQ_GOLDEN_DIR/plain/plain-0/$FIRST.index" data/t-0/
    run "$DUMP" --follow data/t-0/$FIRST.index
    [ "$status" -eq 65 ]
    run "$DUMP" --follow data/none
    [ "$status" -eq 66 ]
    run "$DUMP" --follow -
    [ "$status" -eq 64 ]
    for view in --hex --summary --stats --check --rebuild-index; do
        run "$DUMP" --follow $view data/t-0
        [ "$status" -eq 64 ]
    done
}

@test "DMP-1: beside a producer that appends and rolls, --check finds nothing and --follow misses nothing" {
    PATH="$MQ_BIN_DIR:$PATH"
    export MQ_DATA_DIR=data
    rm -r data
    mq-topics create -q t -p 1 -C segment.bytes=1048576
    seq 10000000 >lines
    mq-produce -q t lines 3>&- &
    producer=$!
    "$DUMP" --follow -c 10000000 -f '%s\n' data/t-0 >followed 3>&- &
    follower=$!
    mq-consume t -c 1 >first
    while kill -0 "$producer" 2>/dev/null; do
        "$DUMP" -q --check data
        "$DUMP" -q data >/dev/null
        "$DUMP" -q --summary data >/dev/null
    done
    wait "$producer"
    wait "$follower"
    cmp lines followed
    [ "$(ls data/t-0/*.log | wc -l)" -gt 10 ]
    run "$DUMP" --check data
    [ "$status" -eq 0 ]
}
