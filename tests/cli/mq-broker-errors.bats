# Every exit status of mq-broker, and what it says then.
load helpers
load broker

@test "64: usage" {
    for bad in '--nosuch' 'a b' '--override x' '--override =x' '--override' '-l nowhere' '-l 127.0.0.1' '-l unix:' '-l ::1:9092' '--metrics x' \
        '--metrics unix:x' '--dev -D data' '--log-format xml' '--log-level loud' '--data-dir='; do
        set -f
        status_of 64 mq-broker $bad
        set +f
        says 'mq-broker: ' 2
    done
    [[ ! -e data ]]
}

@test "66: no such file of settings" {
    status_of 66 mq-broker nosuch
    says 'nosuch: open: No such file or directory'
}

@test "78: settings that are wrong are named with their line, and nothing is touched" {
    for line in 'log.dirs=a,b' 'num.partitions=0' 'listeners=PLAINTEXT://:9092,PLAINTEXT://:9093' 'listeners=nonsense' 'listeners=SSL://:9092' \
        'advertised.listeners=PLAINTEXT://0.0.0.0:9092' 'log.retention.ms=a' 'auto.create.topics.enable=perhaps' 'authorizer.class.name=x' \
        'num.partitions=\u00x' 'mq.log.level=loud'; do
        printf '# first\n%s\n' "$line" >file
        status_of 78 mq-broker file
        says 'mq-broker: file: line 2: '
        status_of 78 mq-broker --check-config file
        says 'mq-broker: file: line 2: '
    done
    echo 'mq.metrics.listener=x' >file
    status_of 78 mq-broker file
    says "'x' is not HOST:PORT"
    status_of 78 mq-broker --override num.partitions=x
    says "an override: num.partitions: 'x' is not"
    head -c 2000000 /dev/zero | tr '\0' '#' >file
    status_of 78 mq-broker file
    says 'this is no file of settings'
    [[ ! -e data && ! -e a ]]
}

@test "0: --check-config starts nothing, and warns of what it does not know" {
    printf 'num.partitions=3\nnum.partitoins=4\n' >file
    status_of 0 mq-broker --check-config file
    says 'warning: file: line 2: num.partitoins: there is no such setting; did you mean num.partitions?'
    same "$output" ''
    [[ ! -e data ]]
}

@test "75: a directory in use by another mq-broker, whose process is named" {
    start
    status_of 75 mq-broker -D data -l 127.0.0.1:0
    says "process $pid is the mq-broker of this directory already"
    kill -9 "$pid"
    ends 137
    # The dead keep nobody out.
    start
    stop
}

@test "75: a directory in use by a Kafka broker" {
    mkdir data
    python3 - data/.lock 3>held <<'END' &
import fcntl, os, sys
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)  # as Java's FileLock
os.write(3, b"yes")
sys.stdin = None
import signal
signal.pause()
END
    holder=$!
    until [[ -s held ]]; do kill -0 $holder; done
    status_of 75 mq-broker -D data -l 127.0.0.1:0
    says 'Kafka broker'
    # And the other way round: while it runs, the lock that Kafka asks for is taken.
    kill -9 $holder
    wait $holder || true
    start
    python3 - <<'END'
import fcntl
try:
    fcntl.lockf(open("data/.lock", "w"), fcntl.LOCK_EX | fcntl.LOCK_NB)
    raise SystemExit("the lock was free")
except BlockingIOError:
    pass
END
    stop
}

@test "75: a port in use, of the listener and of the metrics" {
    start
    status_of 75 mq-broker -D other -l "$address"
    says "$address: listen: another program listens there"
    status_of 75 mq-broker -D other -l 127.0.0.1:0 --metrics "${metrics#http://}"
    says "${metrics#http://}: listen: another program listens there"
    # Who was refused let go of the directory.
    mq-topics create -q t -D other
    stop
}

@test "78: a host that does not exist" {
    status_of 78 mq-broker -D data -l nosuch.invalid:9092
    says nosuch.invalid
}

@test "77: a directory, or a log, that may not be written" {
    let_others_in
    mkdir -m 0555 closed
    status_of 77 as_other "$(command -v mq-broker)" -D closed/data -l 127.0.0.1:0
    says closed
    status_of 77 as_other "$(command -v mq-broker)" -D data -l 127.0.0.1:0 --log-file closed/log
    says closed/log
}

@test "65: a catalogue that is damaged" {
    mkdir data
    echo '{"version":' >data/mq-topics.json
    status_of 65 mq-broker -D data -l 127.0.0.1:0
    says mq-topics.json
}

@test "what refuses a start is a line of JSON where the log is" {
    printf 'num.partitions=3\nnosuch=4\n' >file
    start
    status_of 75 mq-broker file -D data -l 127.0.0.1:0 --log-format json
    jq -e -s 'length == 2 and .[0].level == "warning" and .[1].level == "error"' "$stderr_file"
    stop
}
