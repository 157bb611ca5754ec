# kafkajs, as npm has it, with mq-broker.
load broker

run_kafkajs() {
    local modules=$MQ_BIN_DIR/../kafkajs/node_modules
    if [[ ! -e $modules/kafkajs ]]; then
        echo "kafkajs is not in $modules: tests/run installs it, or tests/interop/kafkajs/install DIRECTORY" >&2
        return 1
    fi
    NODE_PATH=$modules KAFKAJS_NO_PARTITIONER_WARNING=1 timeout 300 node "$MQ_SOURCE_DIR/tests/interop/kafkajs/client.js" "$brokers" "$@"
}

@test "kafkajs produces and consumes with every codec, with keys, headers and timestamps" {
    start_broker
    run_kafkajs records
}

@test "kafkajs's idempotent producer writes each record once" {
    start_broker
    run_kafkajs idempotent
}

@test "kafkajs's admin client makes, changes, looks and deletes" {
    start_broker
    run_kafkajs admin
}

@test "kafkajs's transactional producer is refused at once, with its reason" {
    start_broker
    run_kafkajs transaction
}

@test "kafkajs seeks by offset and by time" {
    start_broker
    run_kafkajs seek
}

@test "kafkajs's consumers take over from one that leaves" {
    start_broker
    run_kafkajs leave
}

@test "kafkajs's consumers form a group, and one goes on where another has committed" {
    start_broker
    run_kafkajs group
}
