# Clients of the network and local tools on the same topics at the same time.
load broker

# A fetch that would wait longer than the test: whoever sees a record was woken by it.
patient=(-X fetch.wait.max.ms=200000 -X socket.timeout.ms=250000 -X fetch.error.backoff.ms=1 -u -q)

@test "what a local tool appends wakes a client that waits" {
    start_broker
    echo first | mq-produce meeting
    start reader kcat -C -b "$brokers" -t meeting -o beginning "${patient[@]}"
    read_from reader
    [[ $line == first ]]
    for word in second third fourth; do
        echo "$word" | mq-produce meeting
        read_from reader
        [[ $line == "$word" ]]
    done
}

@test "what a client appends wakes a local tool that waits" {
    start_broker
    echo first | kcat -P -b "$brokers" -t meeting
    start reader mq-consume meeting
    read_from reader
    [[ $line == first ]]
    for word in second third; do
        echo "$word" | kcat -P -b "$brokers" -t meeting
        read_from reader
        [[ $line == "$word" ]]
    done
}

@test "idempotent producers of both kinds write one partition, each record once" {
    start_broker
    mq-topics create once
    seq -f 'local %.0f' 20000 >local
    seq -f 'remote %.0f' 20000 >remote
    mq-produce once <local &
    kcat -P -b "$brokers" -t once -X enable.idempotence=true -X batch.num.messages=50 <remote
    wait $!
    mq-consume -e once >all
    grep local all | cmp - local
    grep remote all | cmp - remote
    kcat -C -q -e -b "$brokers" -t once -o beginning | cmp - all
    mq-dump-segment --check "$MQ_DATA_DIR/once-0/00000000000000000000.log"
}

@test "topics that one makes are there for the other" {
    start_broker
    echo x | kcat -P -b "$brokers" -t made-by-kcat
    mq-topics list | grep -q made-by-kcat
    echo x | mq-produce made-by-mq
    kcat -L -J -b "$brokers" | jq -e '.topics[] | select(.topic == "made-by-mq")'
}

@test "a group of clients refuses local members, and the other way round" {
    start_broker
    mq-topics create --partitions 2 work
    options=(-b "$brokers" -X heartbeat.interval.ms=100 -X session.timeout.ms=120000 -X auto.offset.reset=earliest -u)
    start member kcat "${options[@]}" -G crew work
    await_words member 'assigned: work [0], work [1]'
    status_of 75 mq-consume -g crew work
    says "joined over the network"
    # Its offsets are seen.
    echo x | mq-produce work
    read_from member
    kill -TERM "${pids[member]}"
    wait "${pids[member]}" || true
    status_of 0 mq-offsets describe crew
    [[ $output == *work* ]]
    # Now it is free for the others, who go on where it had come to.
    echo y | mq-produce work
    start local mq-consume -g crew work
    read_from local
    [[ $line == y ]]
    # Kafka's protocol has no word for it but this one; the broker's log says it all.
    start late kcat "${options[@]}" -G crew work
    await_words late 'Inconsistent group protocol'
    until grep -q 'group crew: rdkafka .* is refused: .*joined on this machine, by mq-consume' broker.log; do kill -0 "$broker_pid"; done
}
