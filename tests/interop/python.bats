# python3-kafka 2.0.2, as Debian has it, with mq-broker.
load broker

run_python() { /usr/bin/python3 "$MQ_SOURCE_DIR/tests/interop/python_client.py" "$brokers" "$@"; }

@test "python3-kafka produces and consumes with every codec, keys, headers and timestamps" {
    start_broker
    run_python records
}

@test "python3-kafka's admin client makes, changes and deletes" {
    start_broker
    run_python admin
}

@test "python3-kafka's consumers form a group, and one goes on where another has committed" {
    start_broker
    run_python group
}

@test "python3-kafka seeks by offset and by time" {
    start_broker
    run_python seek
}
