# A throwaway mq-broker for the .bats files of this folder. Local tools meet it in its data directory.
load ../cli/helpers

# start_broker [OPTION...]: $brokers is where it listens; MQ_DATA_DIR its data directory.
start_broker() {
    mkfifo broker.out
    TMPDIR=$BATS_TEST_TMPDIR mq-broker --dev "$@" >broker.out 2>broker.log 3>&- &
    broker_pid=$!
    exec {broker_fd}<broker.out
    read -r -t 60 -u "$broker_fd" brokers || { cat broker.log >&2; return 1; }
    brokers=${brokers#BROKERS=}
    local directory=("$BATS_TEST_TMPDIR"/mq-dev-*/data)
    export MQ_DATA_DIR=${directory[0]}
}

# What a test has started is ended, and the broker ends in order.
teardown() {
    local status=0
    end_jobs "${broker_pid-}"
    [[ -n ${broker_pid-} ]] || return 0
    kill -TERM "$broker_pid"
    wait "$broker_pid" || status=$?
    [[ $status -eq $((128 + 15)) ]] || { echo "the broker ended with $status" >&2; cat broker.log >&2; return 1; }
    [[ -n ${BATS_TEST_COMPLETED-} ]] || tail -n 20 broker.log >&2
}

# start NAME COMMAND...: in the background; what it prints comes to read_from NAME, its words to NAME.words.
declare -gA outputs pids
start() {
    local name=$1 fd
    shift
    mkfifo "$name.out"
    "$@" >"$name.out" 2>"$name.words" 3>&- &
    pids[$name]=$!
    exec {fd}<"$name.out"
    outputs[$name]=$fd
}
# The next line of NAME, in $line.
read_from() {
    read -r -t "${2:-60}" -u "${outputs[$1]}" line || { echo "nothing came from $1: $(cat "$1.words")" >&2; return 1; }
}
# await_words NAME TEXT: until its words have TEXT in them.
await_words() {
    timeout 60 tail -n +1 -F --pid="${pids[$1]}" "$1.words" 2>/dev/null | grep -q -m 1 -F -- "$2" ||
        { echo "$1 does not say $2: $(cat "$1.words")" >&2; return 1; }
}
