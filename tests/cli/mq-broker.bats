# mq-broker from outside: how it starts, serves, changes and ends.
load helpers
load broker

@test "clients of Kafka and local tools see the same topics at once" {
    start
    seq 1 3 | kcat -b "$address" -t t -P
    same "$(mq-consume t -e | paste -sd' ')" '1 2 3'
    mq-consume t -c 5 >followed &
    follower=$!
    seq 4 5 | kcat -b "$address" -t t -P
    wait $follower
    same "$(paste -sd' ' followed)" '1 2 3 4 5'
    kcat -b "$address" -t t -C -c 6 -q >fetched &
    fetcher=$!
    echo 6 | mq-produce -q t
    wait $fetcher
    same "$(paste -sd' ' fetched)" '1 2 3 4 5 6'
    stop
    same "$(mq-consume t -e | wc -l)" 6
}

@test "--dev: an empty broker on a free port, gone without a trace" {
    export TMPDIR=$PWD/tmp
    mkdir tmp
    mkfifo line
    for how in TERM INT KILL; do
        # A shell without job control has its background jobs ignore SIGINT.
        env --default-signal=INT mq-broker --dev >line 2>log </dev/null &
        pid=$!
        read -r first <line
        [[ $first =~ ^BROKERS=127\.0\.0\.1:[0-9]+$ ]]
        echo x | kcat -b "${first#*=}" -t t -P
        same "$(kcat -b "${first#*=}" -t t -C -e -q)" x
        [[ $(ls tmp | wc -l) -eq 1 ]]
        kill -"$how" "$pid"
        case $how in
            TERM) ends 143 ;;
            INT) ends 130 ;;
            KILL) ends 137 ;;
        esac
        [[ $how == KILL || -z $(ls tmp) ]]
    done
    # What kill -9 has left is removed by the next one, which leaves those of the living alone.
    left=$(ls tmp)
    [[ -n $left ]]
    mq-broker --dev >line 2>log </dev/null &
    pid=$!
    read -r _ <line
    until [[ ! -e tmp/$left ]]; do kill -0 $pid; done
    mq-broker --dev --until-eof >other 2>other.log < <(await_line BROKERS other)
    [[ $(ls tmp | wc -l) -eq 1 ]]
    stop
    [[ -z $(ls tmp) ]]
}

@test "--dev goes before the file's listeners and directories, --override before --dev" {
    printf 'listeners=PLAINTEXT://:1\nadvertised.listeners=PLAINTEXT://far.example.com:1\nlog.dirs=a,b\nnum.partitions=3\n' >file
    mkfifo line
    mq-broker --dev file --override group.initial.rebalance.delay.ms=7 --print-config >config
    grep -x num.partitions=3 config
    grep -x group.initial.rebalance.delay.ms=7 config
    grep -x write.caching=true config
    mq-broker --dev file >line 2>log </dev/null &
    pid=$!
    read -r first <line
    echo x | kcat -b "${first#*=}" -t t -P
    kcat -b "${first#*=}" -L -t t -J | jq -e '.topics[0].partitions | length == 3'
    [[ ! -e a && ! -e b ]]
    stop
}

@test "--until-eof: ends cleanly, with 0, when its input does" {
    mkfifo input
    mq-broker -D data -l 127.0.0.1:0 --until-eof 2>log <input &
    pid=$!
    exec {held}>input
    await_line ' serving ' log
    echo 'is not looked at' >&$held
    kcat -b "$(sed -n 's/.*listening on //p' log)" -L >/dev/null
    exec {held}>&-
    ends 0
    grep -q ' stopped$' log
    # It may as well be closed from the start.
    mq-broker -D data -l 127.0.0.1:0 --until-eof </dev/null 2>log
}

@test "settings: the file, then --override, then options; what is in effect is printed, and reads back the same" {
    printf 'num.partitions=3\nlog.retention.hours=1\nlog.dirs=elsewhere\n' >file
    mq-broker file --override num.partitions=5 --override num.partitions=6 -D mine -l 127.0.0.1:1 -l unix:s -l '[::1]:2' --print-config >config
    grep -x num.partitions=6 config
    grep -x log.retention.hours=1 config
    grep -x log.dirs=mine config
    grep -x "listeners=PLAINTEXT://127.0.0.1:1,UNIX_2://unix:$PWD/s,PLAINTEXT_3://\[::1\]:2" config
    grep -x '# auto.create.topics.enable=true' config
    mq-broker config --print-config | diff config -
    mq-broker file --override mq.log.level=info --log-level error --metrics 127.0.0.1:3 --print-config >other
    grep -x mq.log.level=error other
    grep -x mq.metrics.listener=127.0.0.1:3 other
    mq-broker <(cat config) --print-config | diff config -
    # Without log.dirs it is the directory of the other tools.
    mq-broker --print-config | grep -x "log.dirs=$MQ_DATA_DIR"
}

@test "DescribeConfigs tells what options said and what the broker found" {
    export TMPDIR=$PWD
    mkfifo line
    mq-broker --dev --override node.id=7 --log-level debug --metrics 127.0.0.1:0 >line 2>log </dev/null &
    pid=$!
    read -r first <line
    python3 - "${first#*=}" >told <<'END'
import socket, struct, sys
host, port = sys.argv[1].rsplit(":", 1)
s = socket.create_connection((host, int(port)))
# DescribeConfigs v1 of broker 7: all keys, no synonyms.
body = struct.pack(">hhih", 32, 1, 1, -1) + struct.pack(">ibh1si?", 1, 4, 1, b"7", -1, False)
s.sendall(struct.pack(">i", len(body)) + body)
answer = s.makefile("rb")
def take(form): return struct.unpack(">" + form, answer.read(struct.calcsize(">" + form)))[0]
def text():
    size = take("h")
    return None if size < 0 else answer.read(size).decode()
take("i"), take("i"), take("i")  # size, correlation id, throttle time
assert take("i") == 1, "resources"
assert take("h") == 0, "error code"
text(), take("b"), text()
for _ in range(take("i")):
    name, value, read_only, source, sensitive, synonyms = text(), text(), take("?"), take("b"), take("?"), take("i")
    print(f"{name}={value} {source}")
END
    grep -x 'broker.id=7 4' told
    grep -x 'node.id=7 4' told
    grep -x 'listeners=PLAINTEXT://127.0.0.1:0 4' told
    grep -x "advertised.listeners=PLAINTEXT://${first#*=} 5" told
    grep -x "log.dirs=$(echo "$PWD"/mq-dev-*)/data 4" told
    grep -x "num.network.threads=$(getconf _NPROCESSORS_ONLN) 5" told
    grep -x 'mq.log.level=debug 4' told
    grep -x 'mq.metrics.listener=127.0.0.1:0 4' told
    grep -x 'log.retention.hours=168 5' told
    grep -x 'log.retention.ms=None 5' told
    stop
}

@test "a stock server.properties is taken as it is; what means nothing here is named" {
    cat >server.properties <<'END'
# see kafka.server.KafkaConfig
broker.id=0
#listeners=PLAINTEXT://:9092
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=data
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
log.retention.hours=168
log.retention.check.interval.ms=300000
zookeeper.connect=localhost:2181
zookeeper.connection.timeout.ms=18000
group.initial.rebalance.delay.ms=0
END
    status_of 0 mq-broker --check-config server.properties
    says 'line 15: zookeeper.connect: it has no effect' 3
    mq-broker server.properties --override listeners=PLAINTEXT://127.0.0.1:0 2>log </dev/null &
    pid=$!
    await_line ' serving data$' log
    grep -q 'WARNING .*zookeeper.connect' log
    grep -q 'INFO settings without effect here: .*num.io.threads' log
    stop
}

@test "defaults of topics are those of the settings, for local tools too" {
    start --override num.partitions=4 --override log.retention.hours=5 --override compression.type=zstd
    echo x | kcat -b "$address" -t t -P
    same "$(mq-topics describe t --json | jq -r 'select(.partitions) | .partitions | length' | head -1)" 4
    mq-topics config get t --all --plain --fields key,value >settings
    grep -xP 'retention.ms\t18000000' settings
    grep -xP 'compression.type\tzstd' settings
    stop
}

@test "SIGHUP: what can change does, what cannot is named, a file that is wrong changes nothing" {
    echo log.retention.hours=5 >file
    start file
    echo x | kcat -b "$address" -t t -P
    retention() { mq-topics config get t --all --plain --fields key,value | grep -oP '^retention.ms\t\K.*'; }
    same "$(retention)" 18000000
    printf 'log.retention.hours=6\nmq.log.level=debug\nnum.network.threads=5\nnosuch.key=1\n' >file
    kill -HUP "$pid"
    await_line 'change at the next start only: num.network.threads$' log
    grep -q 'INFO changed: log.retention.hours, mq.log.level$' log
    grep -q 'WARNING file: line 4: nosuch.key: ' log
    same "$(retention)" 21600000
    /usr/bin/python3 - "$address" <<'END'
import sys
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
client = KafkaAdminClient(bootstrap_servers=sys.argv[1], api_version_auto_timeout_ms=60000)
answer, = client.describe_configs([ConfigResource(ConfigResourceType.BROKER, "0")])
told = {name: value for name, value, *_ in answer.resources[0][4]}
assert told["log.retention.hours"] == "6", told["log.retention.hours"]
END
    echo log.retention.hours=never >file
    kill -HUP "$pid"
    await_line "ERROR nothing of the configuration was changed: file: line 1: log.retention.hours: 'never'" log
    same "$(retention)" 21600000
    rm file
    kill -HUP "$pid"
    await_line "ERROR nothing of the configuration was changed: file: open: No such file" log
    kcat -b "$address" -L >/dev/null
    stop
}

@test "SIGHUP: the log's file is opened anew" {
    mq-broker -D data -l 127.0.0.1:0 --log-file own 2>words </dev/null &
    pid=$!
    until [[ -e own ]]; do kill -0 $pid; done
    await_line ' serving ' own
    mv own old
    kill -HUP "$pid"
    until [[ -e own ]]; do kill -0 $pid; done
    await_line 'no setting has changed' own
    stop
    [[ $(grep -c ' serving ' old) -eq 1 && $(grep -c ' stopped' own) -eq 1 && ! -s words ]]
    same "$(stat -c %a own)" 640
}

@test "a Unix socket serves; one that is in use is refused, one that was left behind replaced" {
    start -l unix:sock
    python3 - sock <<'END'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(struct.pack(">ihhih", 10, 18, 0, 7, -1))  # ApiVersions v0, correlation id 7, no client id
size, = struct.unpack(">i", s.recv(4))
assert struct.unpack(">ih", s.recv(6)) == (7, 0), "correlation id and error code"
END
    status_of 75 mq-broker -D other -l unix:sock
    says 'sock'
    kill -9 "$pid"
    ends 137
    start -l unix:sock
    stop
    [[ ! -e sock ]]
}

@test "SIGTERM while clients work: what was acknowledged is there" {
    start
    kcat -b "$address" -L >/dev/null
    (for i in $(seq 1 100000); do echo "$i"; done) >lines
    for i in 1 2; do
        kcat -b "$address" -t "t$i" -P -X linger.ms=1 -X batch.num.messages=50 -l lines >/dev/null 2>&1 &
    done
    appended() { curl -s "$metrics/metrics" | awk -v topic="{topic=\"$1\"}" '$1 ~ /_messagesin_total/ && index($1, topic) { print $2 }'; }
    for topic in t1 t2; do
        until [[ $(appended $topic) -gt 500 ]]; do kill -0 "$pid"; done
    done
    stop
    grep -q ' stopped$' log
    # They would wait for the broker, with what is left.
    end_jobs
    for topic in t1 t2; do
        mq-consume "$topic" -e >got
        # Each of them a prefix of the lines: nothing lost in the middle, nothing twice.
        head -n "$(wc -l <got)" lines | cmp - got
    done
    mq-dump-segment --check data/t1-0 data/t2-0
    [[ -e data/.kafka_cleanshutdown ]]
}

@test "a second signal ends it at once, and a signal that is ignored stays so" {
    start
    kill -STOP "$pid"
    kill -TERM "$pid"
    kill -TERM "$pid"
    kill -CONT "$pid"
    ends 143
    : >log
    (trap '' INT; exec mq-broker -D data -l 127.0.0.1:0 2>log </dev/null) &
    pid=$!
    await_line ' serving ' log
    kill -INT "$pid"
    kcat -b "$(sed -n 's/.*listening on //p' log)" -L >/dev/null
    stop
}

@test "descriptors: as many as the hard limit allows" {
    (ulimit -Sn 256 && exec mq-broker -D data -l 127.0.0.1:0 2>log </dev/null) &
    pid=$!
    await_line ' serving ' log
    read -r _ _ _ soft hard _ < <(grep 'Max open files' "/proc/$pid/limits")
    same "$soft" "$hard"
    stop
}

@test "closed standard descriptors: no word of it lands in a file of the data" {
    mq-broker -D data -l unix:sock -l 127.0.0.1:0 --metrics 127.0.0.1:0 <&- >&- 2>&- &
    pid=$!
    until python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("sock")' 2>connect.err; do kill -0 "$pid"; done
    for fd in 0 1 2; do same "$(readlink "/proc/$pid/fd/$fd")" /dev/null; done
    # A client of another protocol has the broker say something.
    python3 - <<'END'
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("sock")
s.sendall(b"GET / HTTP/1.1\r\n\r\n")
s.recv(1)
END
    seq 3 | mq-produce -q t
    stop
    mq-dump-segment --check data/*-0
}

@test "SIGHUP: limits of connections hold for those to come" {
    echo max.connections=100 >file
    start file
    echo max.connections=1 >file
    kill -HUP "$pid"
    await_line 'INFO changed: max.connections$' log
    python3 - "$address" <<'END'
import socket, struct, sys
host, port = sys.argv[1].rsplit(":", 1)
def answers():
    s = socket.create_connection((host, int(port)), timeout=60)
    try:
        s.sendall(struct.pack(">ihhih", 10, 18, 0, 7, -1))
        return s, s.recv(4) != b""
    except ConnectionError:
        return s, False
first, ok = answers()
assert ok
second, ok = answers()
assert not ok
END
    await_line 'WARNING refused 127.0.0.1:[0-9]*: there are 1 connections already' log
    stop
}
