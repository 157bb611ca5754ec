# mq-consume --exec, --exec-batch and --ack-fd, with and without a group. What commands did is witnessed by files that
# they append to; what was committed by the records of __consumer_offsets. Nothing sleeps.
load helpers

# What group g has committed of partition 0 of topic t; nothing if it has not.
committed() {
    mq-consume -q __consumer_offsets -e --decode offsets |
        jq -r 'select(.key.type == "offset_commit" and .key.group == "g" and .key.topic == "t" and .key.partition == 0)
            | .value.offset' | tail -n 1
}

# The file has at least N lines.
until_lines() {
    local tries=0
    until [[ -e $1 && $(wc -l <"$1") -ge $2 ]]; do
        ((++tries < 6000)) || { echo "never $2 lines in $1" >&2; return 1; }
        read -r -t 0.01 <> <(:) || true
    done
}

@test "wish 8: only what a command has accepted is committed, and what it has not comes again" {
    seq 0 9 | mq-produce -q t
    status_of 1 mq-consume -g g t -e --exec 'cat >>got; test "$MQ_OFFSET" -lt 6'
    says "offset 6: command failed: exit 1"
    [[ $(committed) -eq 6 ]]
    status_of 0 mq-consume -g g t -e --exec 'cat >>got'
    [[ $(committed) -eq 10 ]]
    same "$(cat got)" "$(printf '%s\n' 0 1 2 3 4 5 6 6 7 8 9 | tr -d '\n')"
}

@test "wish 8: with --exec-batch nothing of a batch is committed whose command failed" {
    seq 0 99 | mq-produce -q t
    status_of 1 mq-consume -g g t -e --exec-batch 'read -r first; cat >/dev/null; test "$first" -lt 40' \
        --exec-batch-records 20
    [[ $(committed) -eq 40 ]]
    status_of 0 mq-consume -g g t -e --exec-batch 'cat >rest'
    same "$(cat rest)" "$(seq 40 99)"
    [[ $(committed) -eq 100 ]]
}

@test "wish 8: with --ack-fd only what was acknowledged is committed" {
    seq 0 9 | mq-produce -q t
    mkfifo acks
    mq-consume -g g t -e --ack-fd 7 7<acks | { exec 8>acks; cat >got; echo "t 0 6" >&8; } || true
    same "$(cat got)" "$(seq 0 9)"
    [[ $(committed) -eq 7 ]]
    mq-consume -g g t -e --ack-fd 7 7<acks | { exec 8>acks; cat >got; echo "t 0 9" >&8; }
    same "$(cat got)" "$(seq 7 9)"
    [[ $(committed) -eq 10 ]]
}

@test "an acknowledgement of what was not printed is refused, told, and not committed" {
    seq 0 9 | mq-produce -q t
    mkfifo acks
    set +e
    mq-consume -g g t -e --ack-fd 7 7<acks 2>words | { exec 8>acks; cat >got; printf 't 0 4\nt 0 10\nu 0 1\n' >&8; }
    local got=${PIPESTATUS[0]}
    set -e
    [[ $got -eq 1 ]]
    grep -q "line 2: topic 't' partition 0 offset 10: was not printed" words
    grep -q "line 3: topic 'u' partition 0 offset 1: the partition is not read here" words
    [[ $(committed) -eq 5 ]]
}

@test "a malformed acknowledgement is told with its line, and ends it with 65" {
    seq 0 9 | mq-produce -q t
    mkfifo acks
    set +e
    mq-consume -g g t --ack-fd 7 7<acks 2>words | { exec 8>acks; read -r first; printf 't 0 3\nt zero 1\n' >&8; cat >got; }
    local got=${PIPESTATUS[0]}
    set -e
    [[ $got -eq 65 ]]
    grep -q "line 2" words
    [[ $(committed) -eq 4 ]]
}

@test "P9: a consumer that is killed leaves nothing committed whose command had not succeeded, and nothing is lost" {
    seq 0 199 | mq-produce -q t
    local round
    for round in 1 2 3 4 5; do
        # Without -e: it does not end by itself before it is killed.
        mq-consume -q -g g t --commit interval:1ms --exec-jobs 4 --exec 'echo "$MQ_OFFSET" >>log' 3>&- &
        consumer=$!
        until_lines log $((round * 25))
        kill -KILL "$consumer"
        wait "$consumer" || true
        # What ran goes on to its end; whatever is committed lies below the first offset that no command wrote.
        local first
        first=$(sort -n log | uniq | awk '$1 != NR - 1 { exit } { n = NR } END { print n + 0 }')
        [[ -z $(committed) || $(committed) -le $first ]]
    done
    mq-consume -q -g g t -e --exec-jobs 4 --exec 'echo "$MQ_OFFSET" >>log'
    same "$(sort -n log | uniq)" "$(seq 0 199)"
    [[ $(committed) -eq 200 ]]
}

@test "P9: a partition that goes to another in the middle of a batch takes with it what no command has got" {
    mq-topics -q create two -p 2
    seq 0 39 | mq-produce -q two -p 1
    mkfifo gate
    # Both are the first one's; the second is to get the one that is being worked on.
    mq-consume -g g two --exec 'cat >/dev/null; echo "$MQ_OFFSET" >>got; test -e open || read -r line <gate' &
    consumer=$!
    until_lines got 1
    mq-consume -g g two --exec 'cat >/dev/null; echo "$MQ_OFFSET" >>got' &
    local second=$!
    until [[ $(mq-offsets describe g --members --json | jq -s length) -eq 2 ]]; do :; done
    : >open
    # Held open: who looked for the open gate first does not come to read from it.
    exec 6<>gate
    echo >&6
    until_lines got 40
    kill "$consumer" "$second"
    wait "$consumer" "$second" || true
    exec 6>&-
    mq-consume -g g two -e --exec 'cat >/dev/null; echo "$MQ_OFFSET" >>got'
    same "$(sort -nu got)" "$(seq 0 39)"
}

@test "a command that is killed is tried again, with its consumer or by the next one" {
    seq 0 19 | mq-produce -q t
    # Each kills itself the first time.
    mq-consume -q -g g t -e --exec-retries 1 --exec-backoff 1ms \
        --exec 'test "$MQ_ATTEMPT" -gt 1 || kill -9 $$; echo "$MQ_OFFSET" >>log'
    same "$(cat log)" "$(seq 0 19)"
    [[ $(committed) -eq 20 ]]
    # The consumer and its command, both.
    seq 20 39 | mq-produce -q t
    mq-consume -q -g g t -e --exec 'test "$MQ_OFFSET" -ne 25 || test -e once || { : >once; kill -9 $PPID $$; }
        echo "$MQ_OFFSET" >>log' 3>&- || [[ $? -eq 137 ]]
    [[ -e once && $(committed) -le 25 ]]
    mq-consume -q -g g t -e --exec 'echo "$MQ_OFFSET" >>log'
    same "$(sort -n log | uniq)" "$(seq 0 39)"
    [[ $(committed) -eq 40 ]]
}

@test "a poison record goes to the dead letter topic as it was, and the others are not held up" {
    printf 'a\tone\nb\tpoison\nc\tthree\n' | mq-produce -q t -K '\t' -H trace=7 --timestamp 1700000000000
    status_of 0 mq-consume -g g t -e --exec-retries 2 --exec-backoff 1ms --dead-letter dead \
        --exec 'read -r v; echo "$v" >>tried; test "$v" != poison || exit 3; echo "$v"'
    same "$output" "$(printf 'one\nthree')"
    same "$(sort tried | uniq -c | awk '{ print $1, $2 }')" "$(printf '1 one\n3 poison\n1 three')"
    [[ $(committed) -eq 3 ]]
    same "$(mq-consume dead -e --json | jq -c '[.key, .value, .timestamp, (.headers | map("\(.key)=\(.value)") | join(","))]')" \
        '["b","poison",1700000000000,"trace=7,mq.error.topic=t,mq.error.partition=0,mq.error.offset=1,mq.error.status=exit 3,mq.error.attempts=3"]'
    [[ $(mq-topics describe dead --json | jq .partitions?) != *error* ]]
}

@test "with --on-exec-failure skip a poison record is passed over, told, and the status is 1" {
    seq 0 4 | mq-produce -q t
    status_of 1 mq-consume -g g t -e --on-exec-failure skip --exec 'test "$MQ_OFFSET" -ne 2'
    says "offset 2: command failed: exit 1, attempt 1 of 1; skipped"
    [[ $(committed) -eq 5 ]]
}

@test "the first signal starts no further command, waits for those that run, and commits them" {
    seq 0 9 | mq-produce -q t
    mkfifo gate
    env --default-signal=INT mq-consume -q -g g t --exec 'echo "$MQ_OFFSET" >>started; test "$MQ_OFFSET" -ne 3 || cat gate' 3>&- &
    consumer=$!
    until_lines started 4
    kill -INT "$consumer"
    # The gate opens when the signal has been taken: the consumer leaves the group only then.
    until ! grep -q 'SigCgt:.*[2367abef]$' "/proc/$consumer/status" 2>/dev/null; do :; done
    : >gate
    local got=0
    wait "$consumer" || got=$?
    [[ $got -eq 130 ]]
    same "$(cat started)" "$(seq 0 3)"
    [[ $(committed) -eq 4 ]]
}

@test "a second signal ends it at once, and the command that runs goes on to its end" {
    echo v | mq-produce -q t
    mkfifo gate
    env --default-signal=INT mq-consume -q -g g t --exec 'echo x >>started; cat gate; echo x >>ended' 3>&- &
    consumer=$!
    until_lines started 1
    kill -INT "$consumer"
    until ! grep -q 'SigCgt:.*[2367abef]$' "/proc/$consumer/status" 2>/dev/null; do :; done
    kill -INT "$consumer"
    local got=0
    wait "$consumer" || got=$?
    [[ $got -eq 130 ]]
    [[ -z $(committed) ]]
    : >gate
    until_lines ended 1
}

@test "outputs of parallel commands are kept apart, and in the order of offsets where asked" {
    seq 0 99 | mq-produce -q t
    status_of 0 mq-consume t -e --exec-jobs 100 --exec 'read -r v; printf "%s-" "$v"; true; printf "%s\n" "$v"'
    same "$(sort -n <<<"$output")" "$(seq -f '%.0f-%.0f' 0 99 2>/dev/null || seq 0 99 | sed 's/.*/&-&/')"
    status_of 0 mq-consume t -e --exec-jobs 8 --keep-order --exec 'read -r v; echo "$v"'
    same "$output" "$(seq 0 99)"
}

@test "a command finds the record in its environment" {
    printf 'k\tv' | mq-produce -q t -K '\t' -d '\0' -H 'trace-id=a b' --timestamp 1700000000000
    status_of 0 mq-consume t -e --exec 'env | grep ^MQ_ | grep -v _DIR= | sort'
    same "$output" 'MQ_ATTEMPT=1
MQ_HEADERS=[{"key":"trace-id","value":"a b"}]
MQ_HEADER_TRACE_ID=a b
MQ_KEY=k
MQ_OFFSET=0
MQ_PARTITION=0
MQ_TIMESTAMP=1700000000000
MQ_TOPIC=t'
}

@test "a batch reaches its command in the form that was asked for" {
    printf 'a\tx\nb\ty\n' | mq-produce -q t -K '\t'
    same "$(mq-consume t -e -K = --exec-batch cat)" "$(printf 'a=x\nb=y')"
    same "$(mq-consume t -e --json --exec-batch 'jq -c "[.key, .value, .offset]"')" "$(printf '["a","x",0]\n["b","y",1]')"
    same "$(mq-consume t -e --framing netstring --exec-batch cat)" "1:x,1:y,"
}

@test "while following, what is there goes to a command when nothing more comes" {
    seq 0 9 | mq-produce -q t
    mq-consume -q -g g t -c 20 --exec-batch 'cat >>got; echo "$MQ_RECORDS" >>batches' 3>&- &
    consumer=$!
    until_lines got 10
    seq 10 19 | mq-produce -q t
    wait "$consumer"
    same "$(cat got)" "$(seq 0 19)"
    [[ $(committed) -eq 20 ]]
}
