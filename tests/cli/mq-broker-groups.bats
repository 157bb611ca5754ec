# Groups whose members come over the network, beside those of mq-consume -g: one or the other, never both.
load helpers
load broker

fill() {
    mq-topics -q create t -p 2
    seq 1 10 | mq-produce -q t -p 0
}

# member GROUP [SESSION-MS]: a kcat that joins and stays; $member is its process.
member() {
    kcat -u -b "$address" -G "$1" -X client.id=reader -X auto.offset.reset=earliest -X auto.commit.interval.ms=50 \
        -X heartbeat.interval.ms=500 -X session.timeout.ms="${2:-120000}" t >"member.$1" 2>"member.$1.err" </dev/null &
    member=$!
    until [[ $(wc -l <"member.$1") -ge 10 ]]; do kill -0 "$member"; done
}

@test "a group that is joined over the network is refused to mq-consume, with the broker's process, until its members leave" {
    fill
    start --override group.initial.rebalance.delay.ms=0
    member g
    status_of 75 mq-consume -g g t -e
    says "g: join group: it is joined over the network, through mq-broker (process $pid)"
    status_of 75 mq-consume -g g t -p 0 -e
    says "through mq-broker (process $pid)"
    kill "$member"
    wait "$member" || true
    same "$(mq-consume -g g t -e 2>/dev/null)" ''
    same "$(mq-offsets export g)" 't,0,10'
}

@test "a group that mq-consume has joined is refused over the network, and the broker's log says who has it" {
    fill
    start --override group.initial.rebalance.delay.ms=0
    mq-consume -g g t >local.out 2>local.err </dev/null &
    local consumer=$!
    until [[ $(wc -l <local.out) -ge 10 ]]; do kill -0 "$consumer"; done
    kcat -u -b "$address" -G g t >refused.out 2>refused.err </dev/null &
    await_line 'inconsistent|Inconsistent' refused.err
    await_line "group g: .*is refused: .*joined on this machine, by mq-consume-.*process $consumer" log
    same "$(cat refused.out)" ''
}

@test "mq-offsets shows the members of a networked group, and changes it only when they are gone" {
    fill
    start --override group.initial.rebalance.delay.ms=0
    member g 15000
    until [[ $(mq-offsets export g) == t,0,10 ]]; do kill -0 "$member"; done
    same "$(mq-offsets list --plain --fields group,state,members)" $'g\tStable\t1'
    same "$(mq-offsets describe --members g --plain --fields client_id,host,partitions)" $'reader\t/127.0.0.1\t2'
    for command in 'reset g t:0 --to start' 'delete g' 'set g t:0=1' 'forget g t:0'; do
        status_of 75 mq-offsets $command -y
        says "it is joined over the network, through mq-broker (process $pid)"
    done
    # A broker that is killed leaves no mark; the members that it had are those of the record.
    kill -9 "$pid"
    ends 137
    kill -9 "$member" || true
    mq-offsets -q reset g t:0 --to start -y
    same "$(mq-offsets export g)" $'t,0,0'
    start --override group.initial.rebalance.delay.ms=0
    # Its members are waited for, for the time of their session.
    status_of 75 mq-offsets delete g -y
    mq-offsets -q delete g -y --wait-empty 5m
    same "$(kcat -u -b "$address" -G g -X auto.offset.reset=earliest -e t 2>/dev/null | wc -l)" 10
}

@test "what the shell does to a group shows over the network at once, and the other way round" {
    fill
    start --override group.initial.rebalance.delay.ms=0
    mq-consume -q -g g t -e >first
    same "$(wc -l <first)" 10
    seq 11 20 | mq-produce -q t -p 0
    kcat -u -b "$address" -G g -X auto.offset.reset=earliest -c 10 t >second 2>kcat.err </dev/null
    same "$(cat second)" "$(seq 11 20)"
    same "$(mq-offsets export g)" 't,0,20'
    mq-offsets -q reset g t:0 --to start -y
    kcat -u -b "$address" -G g -c 20 t >third 2>kcat.err </dev/null
    same "$(cat third)" "$(seq 1 20)"
}
