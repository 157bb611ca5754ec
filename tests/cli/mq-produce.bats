# What mq-produce writes, as mq-consume reads it back.
load helpers

lines() { mq-consume "${1:-t}" -e "${@:2}"; }

@test "lines become records; empty lines and a last line without newline too" {
    printf 'a\n\nb\n\n\nc' | mq-produce t
    same "$(lines t -d '|')" 'a||b|||c|'
}

@test "--skip-empty leaves empty lines out" {
    printf 'a\n\nb\n\n' | mq-produce t --skip-empty
    same "$(lines t -d '|')" 'a|b|'
}

@test "the summary tells records, bytes, partitions" {
    printf 'one\ntwo\nthree\n' >in
    mq-produce t in 2>words
    same "$(cat words)" "mq-produce: 3 records, 11 bytes, 1 partition, flushed"
    mq-produce t in --sync=none 2>words
    same "$(cat words)" "mq-produce: 3 records, 11 bytes, 1 partition, written"
    mq-produce -q t in 2>words
    same "$(cat words)" ""
}

@test "all 256 byte values come back as they went in" {
    for i in {0..255}; do printf "\\x$(printf %x "$i")"; done >bytes
    tr -d '\n' <bytes >in
    mq-produce t in
    cmp in <(lines t -d '')
    tr '\0' '\1' <bytes >in
    mq-produce -0 u in
    cmp in <(lines u -d '')
}

@test "NUL and longer delimiters" {
    printf 'a\nb\0c\0\0d' | mq-produce -0 t
    same "$(lines t -d '|')" "$(printf 'a\nb|c||d|')"
    printf 'a<>b<<>c>' | mq-produce -d '<>' u
    same "$(lines u -d '|')" 'a|b<|c>|'
    printf 'a\tb\tc' | mq-produce -d '\t' v
    same "$(lines v -d '|')" 'a|b|c|'
}

@test "a longer delimiter is found across reads" {
    # Reads are of 256 KiB: the two bytes lie on either side of that.
    { head -c 262143 /dev/zero | tr '\0' x; printf '<>tail'; } | mq-produce -d '<>' t
    same "$(lines t -f '%S ')" '262143 4 '
}

@test "keys: from the line, fixed, empty, null" {
    printf 'a:1\nb\n:3\nc:\nd:e:f\n' | mq-produce t -K:
    same "$(lines t -f '%k=%s %K %S|')" 'a=1 1 1|=b -1 1|=3 0 1|c= 1 0|d=e:f 1 3|'
    printf 'a:1\nb\n' | mq-produce u -K: -k fixed
    same "$(lines u -f '%k=%s|')" 'a=1|fixed=b|'
    printf ':1\nc:\n' | mq-produce v -K: -Z
    same "$(lines v -f '%K %S|')" '-1 1|1 -1|'
}

@test "headers keep order, duplicates, null and empty values" {
    echo x | mq-produce t -H a=1 -H b -H c= -H a=2=3
    same "$(lines t --json | jq -c .headers)" \
        '[{"key":"a","value":"1"},{"key":"b","value":null},{"key":"c","value":""},{"key":"a","value":"2=3"}]'
}

@test "timestamps as given" {
    echo x | mq-produce t --timestamp 2023-11-14T22:13:20Z
    same "$(lines t -f '%T ')" '1700000000000 '
    now=$(date +%s%3N)
    echo y | mq-produce u --timestamp $((now - 5))
    echo y | mq-produce u
    same "$(lines u -c 1 -f '%T')" $((now - 5))
    [[ $(lines u -o -1:end -f '%T') -ge $now ]]
}

@test "every codec gives the records back" {
    seq 1 50000 >in
    for codec in none gzip snappy lz4 zstd gzip:9 zstd:1; do
        mq-produce -q -z "$codec" "t-${codec/:/-}" in
        cmp in <(lines "t-${codec/:/-}")
        same "$(lines "t-${codec/:/-}" -c 1 -f '%a')" "${codec%:*}"
    done
    [[ $(stat -c %s data/t-zstd-0/*.log) -lt $(stat -c %s data/t-none-0/*.log) ]]
}

@test "records with a key go where Kafka's Java client sends them" {
    # murmur2 of these keys by Kafka's own Utils.murmur2: 21 -> -973932308, foobar -> -790332482 (UtilsTest).
    printf '21:a\nfoobar:b\n' | mq-produce t --create=7 -K:
    same "$(lines t -f '%k=%p\n' | sort)" "$(printf '21=%d\nfoobar=%d' $(((-973932308 & 0x7fffffff) % 7)) $(((-790332482 & 0x7fffffff) % 7)))"
}

@test "--create sets the partitions of a new topic only; --partition chooses one" {
    echo a | mq-produce t --create=3 -p 2
    echo b | mq-produce t --create=9 -p 0
    same "$(ls data | grep '^t-')" "$(printf 't-0\nt-1\nt-2')"
    same "$(lines t -f '%p%s ')" '0b 2a '
}

@test "records without a key spread batch by batch" {
    seq 1 1000000 >in
    mq-produce -q t in --create=4
    for partition in 0 1 2 3; do [[ -n $(lines t -p $partition -c 1) ]]; done
    cmp <(sort in) <(lines t | sort)
}

@test "several files in order, stdin among them" {
    printf 'a\nb' >f1
    printf 'd\n' >f2
    printf 'c' | mq-produce -t t f1 - f2
    same "$(lines t -d ' ')" 'a b c d '
}

@test "--report json tells every accepted record" {
    printf 'a\nb\n' | mq-produce -q t
    same "$(printf 'c\nd\n' | mq-produce -q t --report json)" \
        "$(printf '{"topic":"t","partition":0,"offset":2}\n{"topic":"t","partition":0,"offset":3}')"
}

@test "--dry-run changes nothing" {
    printf 'a\nb\n' >in
    mq-produce -n t in 2>words
    same "$(cat words)" "mq-produce: 2 records, 2 bytes, 1 partition, not appended"
    [[ ! -e data ]]
}

@test "lines are there at once when input pauses, and interruption keeps them" {
    mkfifo pipe
    mq-produce t --report json <pipe >report 2>words &
    local producer=$!
    exec 7>pipe
    for n in 0 1 2; do
        echo "line $n" >&7
        timeout 60 sh -c "until grep -q '\"offset\":$n' report; do :; done"
    done
    printf 'unfinished' >&7
    kill -INT $producer
    status=0
    wait $producer || status=$?
    exec 7>&-
    [[ $status -eq 130 ]]
    grep 'interrupted: offset 2 of t-0 was the last accepted' words
    same "$(lines t -d '|')" 'line 0|line 1|line 2|'
}

@test "SIGTERM: 143" {
    mkfifo pipe
    mq-produce t --report json <pipe >report 2>words &
    local producer=$!
    exec 7>pipe
    echo x >&7
    timeout 60 sh -c "until grep -q offset report; do :; done"
    kill -TERM $producer
    status=0
    wait $producer || status=$?
    exec 7>&-
    [[ $status -eq 143 ]]
}

@test "--sync=end flushes a second after the first byte though input stays silent" {
    mkfifo pipe
    strace -f -e trace=fdatasync -o trace mq-produce t <pipe &
    local tracer=$!
    exec 7>pipe
    echo x >&7
    timeout 60 sh -c 'until grep -q "fdatasync.*= 0" trace; do :; done'
    exec 7>&-
    wait $tracer
}

@test "--sync: batch flushes before it reports, none never flushes records" {
    echo x >in
    strace -f -y -e trace=fdatasync,fsync -o trace mq-produce -q t in --sync=none
    ! grep '\.log' trace || false
    strace -f -y -e trace=fdatasync,write -o trace mq-produce -q u in --sync=batch --report json
    [[ $(grep -n 'fdatasync.*\.log' trace | head -1 | cut -d: -f1) -lt $(grep -n 'write(1<' trace | cut -d: -f1) ]]
}

# Starts mq-produce on endless numbers and kills it when its log has reached so many bytes. More arguments are its options.
kill_at() {
    local bytes=$1
    shift
    rm -rf data
    mq-produce -q t "$@" < <(exec seq 1 inf) >report &
    local producer=$!
    timeout 120 sh -c "until [ -e data/t-0/00000000000000000000.log ] && [ \$(stat -c %s data/t-0/00000000000000000000.log) -ge $bytes ]; do :; done"
    kill -9 $producer
    local status=0
    wait $producer || status=$?
    [[ $status -eq 137 ]]
}

@test "killed with -9 at any time, what is read back is a prefix" {
    for bytes in 0 1 3000000 20000000 60000000; do
        kill_at $bytes --sync=none
        lines t >out 2>words
        # Of less there may be the beginning of a batch only.
        [[ $bytes -lt 3000000 || -s out ]]
        seq 1 "$(wc -l <out)" | cmp - out
        mq-produce -q t <<<after
        lines t | cmp - <(cat out - <<<after)
    done
}

@test "what was reported survives kill -9" {
    for sync in none end batch; do
        kill_at 3000000 --sync=$sync --report json
        # The last line of the report may have been cut.
        reported=$(grep -c '}$' report)
        [[ $reported -gt 0 && $reported -le $(lines t | wc -l) ]]
    done
}
