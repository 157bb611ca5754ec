# Every exit status of mq-consume, and what it says then.
load helpers

@test "64: usage" {
    status_of 64 mq-consume
    says 'which topic?'
    for bad in '-o x' '-o 1:2:3' '-o start-1' '-p x' '-p 3-1' '-p 1,' '-p ""' '-f %q' '-f %k{x}' '--json=pretty' '--json -f %s' '--meta -f %s' \
        '-f %s -K:' "-r -t '('" '--tail 1 --tail-per-partition 1' '--tail 1 -o 3' '--count-per-partition 0' '--merge offset' '--framing file' \
        '--decode offsets -f %s' '--json --count-only -f %s' '--on-error x' '--timeout 5' '--events-fd x' '--property x' '-X x' '-c -1' '-c 010x' '--isolation dirty' '--bogus' '-d \\q'; do
        eval "status_of 64 mq-consume t -e $bad"
        says 'mq-consume: '
    done
    mkdir data
    for name in . .. ../x a/b; do
        status_of 64 mq-consume -e -t "$name"
        says 'topic'
    done
}

@test "65: damage: what precedes it is printed, file, byte and offset are told" {
    seq 1 100 | mq-produce -q t
    seq 101 200 | mq-produce -q t
    size=$(stat -c %s data/t-0/00000000000000000000.log)
    printf '\xff' | dd of=data/t-0/00000000000000000000.log bs=1 seek=$((size - 20)) conv=notrunc status=none
    status_of 65 mq-consume t -e
    same "$output" "$(seq 1 100)"
    says '00000000000000000000.log'
    says 'offset 100'
    says 'at byte'
}

@test "65: damage in one partition does not hide the others" {
    seq 1 9 | mq-produce -q t --create=2 -p 0
    seq 11 19 | mq-produce -q t -p 1
    printf '\xff' | dd of=data/t-0/00000000000000000000.log bs=1 seek=70 conv=notrunc status=none
    status_of 65 mq-consume t -e
    same "$output" "$(seq 11 19)"
}

@test "65: golden corrupt-before reports each damage with its place" {
    status_of 65 mq-consume -D "$MQ_GOLDEN_DIR/corrupt-before" segmented -e -p 0
    says '00000000000000001937.log'
    says 'at byte 5472'
    [[ -n $output ]]
}

@test "66: no such directory, topic, partition" {
    status_of 66 mq-consume t -e
    says 'no such data directory'
    touch plain
    status_of 66 mq-consume t -e -D plain
    says 'not a directory'
    echo x | mq-produce -q t
    status_of 66 mq-consume u -e
    says "topic 'u': no such topic"
    status_of 66 mq-consume t -e -p 1
    says 'there is no partition 1'
    echo x | mq-produce -q t-1
    status_of 66 mq-consume t -e -p 1
    status_of 66 mq-consume -r 'nothing.*' -e
    says 'no topic in'
}

@test "69 and 78: what this version does not have" {
    mkdir data
    status_of 69 mq-consume t -e --decode-with cat
    says 'is not in this version'
    status_of 69 mq-consume t -e -b h:9092
    status_of 78 mq-consume t -e --profile p
}

@test "74: stdout cannot be written" {
    seq 1 9 | mq-produce -q t
    set +e
    mq-consume t -e >/dev/full 2>words
    [[ $? -eq 74 ]]
    same "$(cat words)" 'mq-consume: stdout: write: No space left on device'
}

@test "77: a partition that may not be read" {
    let_others_in
    cp "$MQ_BIN_DIR/mq-consume" .
    echo x | mq-produce -q t
    chmod 0755 data
    chmod 0 data/t-0
    status_of 77 as_other ./mq-consume t -e
    says 'data/t-0'
    says 'Permission denied'
    chmod 0755 data/t-0
}

@test "a directory that may only be read is read" {
    let_others_in
    cp "$MQ_BIN_DIR/mq-consume" .
    echo x | mq-produce -q t
    chmod -R a+rX data
    chmod -R a-w data
    same "$(as_other ./mq-consume t -e)" x
    chmod -R u+w data
}

@test "141: a closed pipe ends it silently, also where SIGPIPE is ignored" {
    seq 1 1000000 | mq-produce -q t
    set +o pipefail
    mq-consume t -e 2>words | head -1 >/dev/null
    [[ ${PIPESTATUS[0]} -eq 141 ]]
    (trap "" PIPE; mq-consume t -e 2>>words || echo $? >status) | head -1 >/dev/null
    [[ $(cat status) -eq 141 ]]
    [[ ! -s words ]]
}

@test "reading changes nothing in a directory that may not be written" {
    cp -r "$MQ_GOLDEN_DIR/plain" golden
    before=$(cd golden && find . -type f ! -name .lock -exec sha256sum {} + | sort)
    mq-consume -D golden plain -e >/dev/null
    same "$(cd golden && find . -type f ! -name .lock -exec sha256sum {} + | sort)" "$before"
    [[ ! -e golden/.mq-control ]]
}
