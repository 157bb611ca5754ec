# Every exit status of mq-topics, and what it says then.
load helpers

@test "64: usage" {
    status_of 64 mq-topics
    says 'which command?'
    status_of 64 mq-topics lsit
    says 'did you mean list?'
    status_of 64 mq-topics list --bogus
    says 'see mq-topics list --help'
    mkdir data
    status_of 64 mq-topics list --fields nosuch
    status_of 64 mq-topics create
    status_of 64 mq-topics delete -y
    status_of 64 mq-topics compact
    status_of 64 mq-topics partition-of
    status_of 64 mq-topics --create --list
    status_of 64 mq-topics --create
    status_of 64 mq-topics --alter --topic t
    mq-topics -q create t
    for bad in 'create t2 -p 0' 'create t2 -p x' 'create t2 -C retention.ms' 'create t2 -C retention.ms=x' 'create t2 -C no.such=1' \
        'create t2 -C min.compaction.lag.ms=2 -C max.compaction.lag.ms=1' 'list t --fields nosuch' 'offsets --at never' \
        'find --size 1G' 'find --idle 7' 'usage --by broker' 'describe --only some' 'list -D a -b b' 'list --zookeeper z' \
        'trim t --keep -1' 'list --timeout 5'; do
        eval "status_of 64 mq-topics $bad"
        says 'mq-topics: '
    done
    same "$(mq-topics list --names)" t
}

@test "64: row 39: illegal names never leave the data directory" {
    mkdir data
    echo precious >outside
    long=$(printf 'x%.0s' {1..249})
    for name in . .. ../up a/b /etc '' 'a b' 'ü' $'a\nb' $'a\e[31m' "${long}x" 'a*' 'a:b' '~' '..\\up' $'\xff'; do
        for command in create 'delete -y' list describe usage 'partitions --to 2' 'trim --keep 0 -y' compact 'config get'; do
            status=0
            mq-topics -q $command -- "$name" >/dev/null 2>&1 || status=$?
            [[ $status -eq 64 ]] || { echo "status $status: $command '$name'" >&2; return 1; }
        done
        status_of 64 mq-topics --create --topic "$name"
    done
    [[ -z $(ls -A data | grep -v -e '^\.' -e meta -e mq-topics -e checkpoint) ]]
    same "$(ls)" $'data\noutside\nstderr'
    same "$(cat outside)" precious
    mq-topics -q create "$long" a.b a_b A-1 ... a A
    same "$(mq-topics list --names | wc -l)" 7
    mq-topics -q delete "$long" A -y
    same "$(mq-topics list --names | sort)" "$(printf '%s\n' ... A-1 a a.b a_b | sort)"
}

@test "65: a damaged mq-topics.json is told with line and byte, and left as it is" {
    mq-topics -q create t
    printf '{"version":1,\n"topics":[]}' >data/mq-topics.json
    for command in list describe 'create u' 'delete t -y' 'config set t retention.ms=1'; do
        status_of 65 mq-topics $command
        says 'mq-topics.json: line 2: version, next_producer_id or topics is missing at byte 25'
    done
    same "$(wc -c <data/mq-topics.json)" 26
    [[ -d data/t-0 && ! -e data/u-0 ]]
}

@test "66: no such topic, partition, directory" {
    status_of 66 mq-topics list
    status_of 66 mq-topics config set t retention.ms=1
    [[ ! -e data ]]
    mq-topics -q create t
    for command in 'describe u' 'delete u -y' 'partitions u --to 2' 'config get u' 'offsets u' 'offsets t:1' 'usage u' \
        'partition-of u k' 'trim u --keep 1 -y' 'trim t -p 7 --keep 1 -y' 'compact u' 'list u'; do
        status_of 66 mq-topics $command
    done
    says "'u'"
}

@test "69 and 78: clusters, replicas and profiles are not in this version" {
    for words in 'list -b localhost:9092' '--list --bootstrap-server localhost:9092' 'create t --rf 3' \
        'create t --assign 1:2' '--create --topic t --partitions 1 --replication-factor 2' \
        '--create --topic t --replica-assignment 0:1'; do
        status_of 69 mq-topics $words
    done
    MQ_BOOTSTRAP_SERVER=localhost:9092 status_of 69 mq-topics list
    status_of 78 mq-topics list --profile home
    [[ ! -e data ]]
}

@test "73: the topic is there already; more partitions than a directory shares" {
    mq-topics -q create t
    status_of 73 mq-topics create t
    says "topic 't': it exists already"
    status_of 73 mq-topics create u -p 65537
    says '65536'
    [[ ! -e data/u-0 ]]
}

@test "74: what cannot be printed is an error" {
    mq-topics -q create t
    run bash -c 'mq-topics list >/dev/full'
    [[ $status -eq 74 ]]
}

@test "75: a Kafka broker uses the directory" {
    mq-topics -q create t
    python3 - <<'EOF' &
import fcntl, os, signal
lock = open("data/.lock", "r+")
fcntl.lockf(lock, fcntl.LOCK_EX)
open("locked", "w").close()
signal.pause()
EOF
    broker=$!
    until [[ -e locked ]]; do kill -0 $broker; done
    for command in list 'create u' 'delete t -y'; do
        status_of 75 mq-topics $command
        says "$broker"
    done
    kill $broker
    wait $broker || true
    same "$(mq-topics list --names)" t
}

@test "77: no permission" {
    let_others_in
    cp "$MQ_BIN_DIR/mq-topics" .
    mq-topics -q create t
    chmod 0700 data
    status=0
    as_other ./mq-topics list 2>words || status=$?
    [[ $status -eq 77 ]]
    grep -q 'Permission denied' words
}

@test "141: a closed pipe is no error that is told" {
    mkdir -p data
    (cd data && seq -f 't%g-0' 1 30000 | xargs mkdir)
    run bash -c 'set -o pipefail; mq-topics list --names 2>words | head -1 >/dev/null; echo ${PIPESTATUS[0]}'
    [[ $output == 141 || $output == 0 ]]
    [[ ! -s words ]]
}
