# mq-broker as a service: its log, its pages for those who watch it, what it tells systemd.
load helpers
load broker

@test "the log as JSON is an object a line, whatever clients send" {
    start --log-format json --log-level debug
    printf 'GET / HTTP/1.1\r\nHost: \001\xff"\\\r\n\r\n' | timeout 60 python3 -c '
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
s = socket.create_connection((host, int(port)))
s.sendall(sys.stdin.buffer.read())
while s.recv(4096): pass' "$address"
    stop
    jq -e -s 'length > 3 and all(.[]; (.time | test("^[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z$")) and (.level | test("^(debug|info|warning|error)$")) and (.message | type == "string"))' log
    jq -e -s 'any(.[]; .level == "warning")' log
}

@test "--log-level leaves out what is below it" {
    mq-broker -D data -l 127.0.0.1:0 --log-level error --until-eof 2>words </dev/null
    [[ ! -s words ]]
    echo nosuch.key=1 >file
    mq-broker -D data -l 127.0.0.1:0 --log-level warning --until-eof file 2>words </dev/null
    [[ $(wc -l <words) -eq 1 ]]
    grep -q 'WARNING file: line 1: nosuch.key' words
}

@test "a log that nobody reads keeps no client waiting" {
    mkfifo full
    exec {reader}<>full
    # The pipe is filled first: whatever the broker writes has no room.
    python3 -c '
import fcntl, os
fd = os.open("full", os.O_WRONLY | os.O_NONBLOCK)
try:
    while os.write(fd, b"x" * 4096): pass
except BlockingIOError: pass
try:
    while os.write(fd, b"x"): pass
except BlockingIOError: pass'
    mq-broker --dev >out 2>full </dev/null {reader}<&- &
    pid=$!
    await_line BROKERS out
    . ./out
    seq 1000 | kcat -b "$BROKERS" -t t -P
    same "$(kcat -b "$BROKERS" -t t -C -e -q | wc -l)" 1000
    stop
}

@test "/metrics is Prometheus' format, and counts what clients do by Kafka's names" {
    start
    seq 1 10 | kcat -b "$address" -t t -P -X batch.num.messages=1
    kcat -b "$address" -t t -C -e -q >/dev/null
    curl -s --fail "$metrics/metrics" >page
    # Debian's own python, to which its packages belong.
    /usr/bin/python3 - <<'END'
from prometheus_client.parser import text_string_to_metric_families
families = {f.name: f for f in text_string_to_metric_families(open("page").read())}
def value(family, name=None, **labels):
    found = [s.value for s in families[family].samples if s.name == (name or family) and s.labels == labels]
    assert len(found) == 1, (family, labels, found)
    return found[0]
total = "kafka_server_brokertopicmetrics_messagesin"
assert value(total, total + "_total") == 10
assert value(total, total + "_total", topic="t") == 10
assert value("kafka_server_brokertopicmetrics_bytesin", "kafka_server_brokertopicmetrics_bytesin_total", topic="t") > 100
assert value("kafka_server_brokertopicmetrics_bytesout", "kafka_server_brokertopicmetrics_bytesout_total", topic="t") > 100
requests = {s.labels["request"]: s.value for s in families["kafka_network_requestmetrics_requests"].samples}
assert requests["Produce"] >= 1 and requests["Fetch"] >= 1 and requests["ApiVersions"] >= 2, requests
times = families["kafka_network_requestmetrics_totaltimems"]
assert times.type == "summary"
count = value("kafka_network_requestmetrics_totaltimems", "kafka_network_requestmetrics_totaltimems_count", request="Produce")
assert count == requests["Produce"], (count, requests)
quantiles = [s.value for s in times.samples if s.labels.get("request") == "Produce" and "quantile" in s.labels]
assert len(quantiles) == 6 and quantiles == sorted(quantiles) and quantiles[0] > 0, quantiles
errors = {(s.labels["request"], s.labels["error"]): s.value for s in families["kafka_network_requestmetrics_errors"].samples}
assert errors[("Produce", "NONE")] >= 1, errors
assert value("kafka_server_replicamanager_partitioncount") == 1
assert value("kafka_server_replicamanager_underreplicatedpartitions") == 0
assert value("kafka_controller_kafkacontroller_activecontrollercount") == 1
assert value("kafka_server_socket_server_metrics_connection_creation", "kafka_server_socket_server_metrics_connection_creation_total") >= 2
assert value("kafka_log_log_logendoffset", topic="t", partition="0") == 10
assert value("kafka_log_log_size", topic="t", partition="0") > 100
assert value("process_open_fds") > 5
END
    stop
}

@test "groups are counted by their state" {
    start --override group.initial.rebalance.delay.ms=0
    seq 1 10 | kcat -b "$address" -t t -P
    kcat -b "$address" -u -G workers -o beginning t >consumed 2>/dev/null &
    consumer=$!
    until [[ -s consumed && $(wc -l <consumed) -ge 10 ]]; do kill -0 $consumer; done
    state() { curl -s "$metrics/metrics" | awk -v name="kafka_coordinator_group_groupmetadatamanager_$1" '$1 == name { print $2 }'; }
    same "$(state numgroups) $(state numgroupsstable)" '1 1'
    kill -TERM $consumer
    wait $consumer || true
    until [[ $(state numgroupsempty) == 1 ]]; do kill -0 "$pid"; done
    same "$(state numoffsets)" 1
    stop
}

@test "/healthz and /readyz; other pages, methods and protocols are refused" {
    start
    same "$(curl -s --fail "$metrics/healthz")" ok
    same "$(curl -s --fail "$metrics/readyz")" ready
    same "$(curl -s -o /dev/null -w '%{http_code}' "$metrics/nosuch")" 404
    same "$(curl -s -o /dev/null -w '%{http_code}' -d x "$metrics/metrics")" 405
    same "$(curl -s -I -o /dev/null -w '%{http_code}' "$metrics/metrics")" 200
    status_of 35 curl -s "https${metrics#http}/metrics"
    stop
}

@test "who is slow, rude or many at /metrics keeps nobody else from it" {
    start
    python3 - "${metrics#http://}" <<'END'
import os, socket, sys, urllib.request
host, port = sys.argv[1].rsplit(":", 1)
def connect():
    return socket.create_connection((host, int(port)), timeout=5)
def ask():
    return urllib.request.urlopen(f"http://{sys.argv[1]}/healthz", timeout=5).read()
idle = [connect() for _ in range(200)]
assert ask() == b"ok\n"
slow = connect()
slow.sendall(b"GET /metr")
assert ask() == b"ok\n"
for garbage in (os.urandom(20000), b"\0" * 9000, b"GET " + b"a" * 100000, b"\n" * 100, b"GET /metrics HTTP/1.1\r\n" + b"h: v\r\n" * 5000):
    s = connect()
    try:
        s.sendall(garbage)
        s.settimeout(5)
        while s.recv(65536): pass
    except (ConnectionError, BrokenPipeError):
        pass
    assert ask() == b"ok\n"
unread = [connect() for _ in range(40)]
for s in unread: s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
assert ask() == b"ok\n"
END
    same "$(kcat -b "$address" -L | grep -c 'broker 0 at')" 1
    stop
}

# listen_for_notices NAME: what is told to the datagram socket of that name (@NAME: an abstract one) is in the file told,
# a line each. $listener listens.
listen_for_notices() {
    rm -f bound
    python3 - "$1" >told <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\0", 1))
open("bound", "w").close()
while True:
    for line in s.recv(65536).decode().splitlines(): print(line, flush=True)
END
    listener=$!
    until [[ -e bound ]]; do kill -0 $listener; done
    export NOTIFY_SOCKET=$1
}

@test "systemd is told of the start, of reloading and of the stop" {
    for name in "$PWD/notify" "@mq-test-$$"; do
        listen_for_notices "$name"
        WATCHDOG_USEC=400000 start
        await_line '^READY=1$' told
        await_line '^STATUS=' told
        await_line '^WATCHDOG=1$' told
        kill -HUP "$pid"
        await_line '^RELOADING=1$' told
        await_line '^MONOTONIC_USEC=[0-9]+$' told
        until [[ $(grep -c '^READY=1$' told) -eq 2 ]]; do kill -0 "$pid"; done
        stop
        until grep -q '^STOPPING=1$' told; do kill -0 $listener; done
        kill $listener
    done
}

@test "the watchdog of another process is not answered" {
    listen_for_notices "$PWD/notify"
    WATCHDOG_PID=1 WATCHDOG_USEC=1000 start
    stop
    until grep -q '^STOPPING=1$' told; do kill -0 $listener; done
    if grep -q WATCHDOG told; then return 1; fi
}

@test "RELIABILITY 38: the unit's exposure is at most 1.5" {
    unit=$MQ_SOURCE_DIR/tools/packaging/mq-broker.service
    systemd-analyze security --offline=true --threshold=15 "$unit" >analysis
}

@test "what the broker asks of the kernel its unit allows" {
    systemd-analyze syscall-filter @system-service @default >/dev/null
    strace -f -qq -o calls mq-broker --dev --metrics 127.0.0.1:0 >out 2>log </dev/null &
    pid=$!
    await_line BROKERS out
    . ./out
    seq 1000 | kcat -b "$BROKERS" -t t -P -z zstd
    kcat -b "$BROKERS" -G g t -o beginning -e >/dev/null 2>&1 || true
    curl -s --fail "$(sed -n 's/.*metrics at //p' log)" >/dev/null
    kill -TERM "$(pgrep -P "$pid")"
    wait "$pid" || true
    python3 - <<'END'
import re, subprocess
sets = {}
def members(name):
    if name not in sets:
        text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
        sets[name] = set()
        for word in re.findall(r"^ +(@?[a-z0-9_-]+)$", text, re.M):
            sets[name] |= members(word) if word.startswith("@") else {word}
    return sets[name]
allowed = (members("@system-service") - members("@privileged") - members("@resources")) | members("@default")
used = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z0-9_]+)[( ]", open("calls").read(), re.M))
assert "epoll_wait" in used or "epoll_pwait" in used, used
# The limit of descriptors is the unit's to raise; being refused that is ignored.
assert used - allowed <= {"setrlimit"}, used - allowed
END
}
