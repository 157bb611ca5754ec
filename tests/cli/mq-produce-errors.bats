# Every exit status of mq-produce, and what it says then.
load helpers

@test "64: usage" {
    status_of 64 mq-produce
    says 'which topic?'
    status_of 64 mq-produce --bogus t
    says 'unknown option --bogus'
    status_of 64 mq-produce t --patrition 1
    says 'did you mean --partition?'
    status_of 64 mq-produce t -p
    says 'needs a value'
    for bad in '-p -1' '-p x' '-p 99999999999' '-z lzma' '-z zstd:99' '-z snappy:1' '--sync=sometimes' '--sync none' '--create=0' '--create=x' \
        '--create=3:2' '-d ""' '--timestamp never' '--max-record-bytes 1X' '--max-record-bytes 2GiB' '--report %Q' '-D a -b b' '-D a --profile p' '--zookeeper z' \
        '--framing u24be' '--framing u32be -f %v' '--json -K:' '--json -f %v' '-f %k%v' '-f %q' '--framing kbatch -k x' \
        '--escape -K n' '--key-encoding ascii' '--partitioner md5' '--rate 0' '--rate 5/d' '--rate-bytes x' '--replay' \
        '--json --replay=0' '--generate dice' '--generate seq in' '--repeat 0' '-c 0' '--on-error ignore' '--on-error file:' \
        '--linger 5' '--delivery-timeout soon' '--timeout -1s' '--acks 2' '--ack-fd 77' '--checkpoint c --sync=none' \
        '--checkpoint c -n' '-X compression.type=lzma' '-X acks=2' '-X linger.ms=soon' '-X novalue'; do
        eval "status_of 64 mq-produce t $bad"
        says 'mq-produce: '
    done
}

@test "64: illegal topic names never leave the data directory" {
    long=$(printf 'x%.0s' {1..249})
    for name in . .. ../up a/b /etc '' 'a b' 'ü' $'a\nb' $'a\e[31m' "${long}x" 'a*' 'a:b' '~'; do
        status_of 64 mq-produce -q -t "$name"
        status_of 64 mq-produce -q -- "$name"
    done
    [[ -z $(ls -A data 2>/dev/null | grep -v -e '^\.' -e meta -e checkpoint) ]]
    [[ $(ls) == stderr || $(ls) == $'data\nstderr' ]]
    echo x | mq-produce -q "$long"
    same "$(mq-consume "$long" -e)" x
    for name in a.b a_b A-1 ...; do
        echo "$name" | mq-produce -q -t "$name"
        same "$(mq-consume -t "$name" -e)" "$name"
    done
}

@test "65: a record over the limit, told with both numbers and its place" {
    { echo first; head -c 2000000 /dev/zero | tr '\0' x; } >in
    status_of 65 mq-produce t in
    says "over the topic's limit of 1048588 bytes (max.message.bytes) at byte 6 (offset 0 of t-0 was the last accepted)"
    same "$(mq-consume t -e)" first
    { echo second; head -c 300 /dev/zero | tr '\0' y; echo; echo never; } >in
    status_of 65 mq-produce t in --max-record-bytes 200
    says "limit of 200"
    same "$(mq-consume t -e -o 1:)" second
    head -c 2000000 /dev/zero | tr '\0' x | mq-produce -q big --max-record-bytes 3MiB
    same "$(mq-consume big -e -f %S)" 2000000
}

@test "66: no such file, a directory, no such partition, no topic with --no-create" {
    status_of 66 mq-produce t missing
    says 'missing: stat: No such file or directory'
    status_of 66 mq-produce t .
    says '.: is a directory'
    status_of 66 mq-produce t --no-create
    says "topic 't': no such topic"
    status_of 66 mq-produce t -p 1
    says 'there is no partition 1: it has 1 partition'
    [[ ! -e data/t-0 ]]
}

@test "69 and 78: brokers and profiles are not in this version" {
    status_of 69 mq-produce t -b localhost:9092
    says "broker 'localhost:9092'"
    MQ_BOOTSTRAP_SERVER=h:1 status_of 69 mq-produce t
    status_of 78 mq-produce t --profile p
    says "profile 'p'"
    echo x | MQ_BOOTSTRAP_SERVER=h:1 mq-produce -q t -D data
}

@test "processes share the directory: a second producer and a consumer work beside the first" {
    mkfifo pipe
    mq-produce t --report json <pipe >report &
    local producer=$!
    exec 7>pipe
    echo x >&7
    timeout 60 sh -c "until grep -q offset report; do :; done"
    same "$(echo y | mq-produce -q t --report '%o')" 1
    same "$(mq-consume t -e -d ' ')" 'x y '
    echo z >&7
    timeout 60 sh -c "until grep -q '\"offset\":2' report; do :; done"
    exec 7>&-
    wait $producer
    same "$(mq-consume t -e -d ' ')" 'x y z '
}

@test "75: a Kafka broker, which holds .lock by a POSIX lock" {
    mkdir data
    python3 - data/.lock >ready <<'PYTHON' &
import fcntl, signal, sys
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("locked", flush=True)
signal.pause()
PYTHON
    local broker=$!
    timeout 60 sh -c 'until grep -q locked ready; do :; done'
    status_of 75 mq-produce t
    says "a Kafka broker (process $broker) uses this directory"
    kill $broker
}

@test "77: a directory that may not be written" {
    let_others_in
    cp "$MQ_BIN_DIR/mq-produce" .
    mkdir -m 0555 data
    status_of 77 as_other ./mq-produce t
    says 'data/.lock: open: Permission denied'
    status_of 77 as_other ./mq-produce -D data/below t
    says 'data/below: make directory: Permission denied'
}

@test "74: stdout cannot be written" {
    echo x >in
    set +e
    mq-produce -q t in --report json >/dev/full 2>words
    [[ $? -eq 74 ]]
    grep 'stdout: write: No space left on device' words
    mq-produce --help >/dev/full 2>words
    [[ $? -eq 74 ]]
}

@test "74: no memory: what was accepted before stays" {
    { echo first; head -c 300000000 /dev/zero; } | (
        ulimit -d 60000
        status=0
        mq-produce t --max-record-bytes 512MiB 2>words || status=$?
        [[ $status -eq 74 ]]
    )
    same "$(cat words)" 'mq-produce: out of memory'
    [[ $(mq-consume t -e | wc -l) -le 1 ]]
    echo second | mq-produce -q t
    same "$(mq-consume t -e -o -1:end)" second
}

@test "141: a closed pipe ends it silently" {
    seq 1 100000 >in
    set +o pipefail
    mq-produce -q t in --report json 2>words | head -1 >/dev/null
    [[ ${PIPESTATUS[0]} -eq 141 ]]
    [[ ! -s words ]]
}
