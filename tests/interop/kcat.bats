# kcat (librdkafka), as Debian has it, with mq-broker.
load broker

produce() { kcat -P -b "$brokers" "$@"; }
consume() { kcat -C -q -e -o beginning -b "$brokers" "$@"; }

@test "lines go in and come out again with every codec, and lie in the log as they were sent" {
    start_broker
    seq -f 'a line of text, number %.0f' 5000 >lines
    for codec in none gzip snappy lz4 zstd; do
        produce -t "codec-$codec" -z "$codec" <lines
        consume -t "codec-$codec" | cmp - lines
        mq-consume -e "codec-$codec" | cmp - lines
        # Of a batch that would not become smaller librdkafka makes none.
        mq-dump-segment --kafka "$MQ_DATA_DIR/codec-$codec-0/00000000000000000000.log" >dump
        grep -q -i "compresscodec: $codec " dump
    done
}

@test "keys, headers, partitions and empty values come back" {
    start_broker
    mq-topics create --partitions 3 sorted
    printf 'k1:v1\nk2:\n:v3\n' | produce -t sorted -p 2 -K : -H color=blue -H empty=
    same "$(consume -t sorted -p 2 -f '%p %o [%k] [%s] %h\n')" "2 0 [k1] [v1] color=blue,empty=
2 1 [k2] [] color=blue,empty=
2 2 [] [v3] color=blue,empty="
    same "$(mq-consume -e -f '%p %o [%k] [%v] %h\n' sorted)" "2 0 [k1] [v1] color=blue,empty=
2 1 [k2] [] color=blue,empty=
2 2 [] [v3] color=blue,empty="
    # Null where nothing was said.
    printf 'x\n' | produce -t sorted -p 1
    same "$(consume -t sorted -p 1 -J | jq -c '[.key, .payload, .headers]')" '[null,"x",null]'
}

@test "the keys of both go to the same partitions" {
    start_broker
    mq-produce --create=8 -K : --partitioner murmur2 keyed < <(seq -f '%.0f:mq' 200)
    seq -f '%.0f:kcat' 200 | produce -t keyed -K : -X topic.partitioner=murmur2_random
    consume -t keyed -f '%k %p\n' | sort -u >places
    [[ $(wc -l <places) -eq 200 ]]
}

@test "an idempotent producer's records are there once, in order" {
    start_broker
    seq 20000 >lines
    produce -t once -X enable.idempotence=true -X batch.num.messages=100 <lines
    consume -t once | cmp - lines
    # So that somebody could find it out.
    mq-dump-segment --kafka "$MQ_DATA_DIR/once-0/00000000000000000000.log" >dump
    grep -q 'baseSequence: [0-9].*producerId: [0-9]' dump
}

# read_one_of_each NAME: so that it no longer looks for the beginning of a partition. Where that is taken from librdkafka 2.0
# meanwhile, and given back, it may go there half a second later, whatever was committed.
read_one_of_each() {
    local partition
    for partition in 0 1 2 3; do echo "first of $partition" | produce -t shared -p "$partition"; done
    for partition in 0 1 2 3; do read_from "$1"; done
}

# each_is_read WORD READER...: a record of WORD in each of four partitions; as many as each reader stands there come to it.
each_is_read() {
    local word=$1 partition reader
    shift
    for partition in 0 1 2 3; do echo "$word $partition" | produce -t shared -p "$partition"; done
    for reader in "$@"; do
        read_from "$reader"
        echo "$line"
    done >read
    same "$(sort read)" "$word 0"$'\n'"$word 1"$'\n'"$word 2"$'\n'"$word 3"
}

@test "members of a group share the partitions, and go on where those that leave had come to" {
    start_broker
    mq-topics create --partitions 4 shared
    options=(-b "$brokers" -X heartbeat.interval.ms=100 -X session.timeout.ms=120000 -X auto.offset.reset=earliest -u)
    start one kcat "${options[@]}" -G crew shared
    read_one_of_each one
    start two kcat "${options[@]}" -G crew shared
    await_words two 'assigned: shared ['
    each_is_read to one one two two
    kill -TERM "${pids[two]}"
    wait "${pids[two]}" || true
    each_is_read again one one one one
}

@test "a static member gets back what it had, and the others keep theirs" {
    start_broker
    mq-topics create --partitions 4 shared
    options=(-b "$brokers" -X heartbeat.interval.ms=100 -X session.timeout.ms=120000 -X auto.offset.reset=earliest -u -G crew shared)
    start one kcat -X group.instance.id=one "${options[@]}"
    read_one_of_each one
    start two kcat -X group.instance.id=two "${options[@]}"
    await_words two 'assigned: shared ['
    # What it had alone it gave back, for a half of it.
    until [[ $(grep -c assigned one.words) -eq 2 ]]; do kill -0 "${pids[one]}"; done
    grep -o 'assigned: .*' two.words >owned
    # It neither leaves nor is missed.
    kill -KILL "${pids[two]}"
    wait "${pids[two]}" || true
    start again kcat -X group.instance.id=two "${options[@]}"
    await_words again "$(cat owned)"
    each_is_read to one one again again
    same "$(grep -o -e assigned -e revoked one.words | paste -sd' ')" 'assigned revoked assigned'
}

@test "a place is found by time" {
    start_broker
    for hour in 1 2 3; do echo "hour $hour" | mq-produce --timestamp "2024-05-01T0$hour:00:00Z" timed; done
    at=$(date -u -d 2024-05-01T02:00:00Z +%s)000
    same "$(kcat -C -q -e -b "$brokers" -t timed -o "s@$at" -f '%s %T\n')" "hour 2 $at
hour 3 $((at + 3600000))"
    same "$(kcat -C -q -e -b "$brokers" -t timed -o beginning -o "e@$at")" 'hour 1'
    same "$(kcat -Q -b "$brokers" -t "timed:0:$((at + 1))")" 'timed [0] offset 2'
    same "$(kcat -Q -b "$brokers" -t timed:0:-1)" 'timed [0] offset 3'
    same "$(kcat -Q -b "$brokers" -t timed:0:-2)" 'timed [0] offset 0'
    same "$(kcat -C -q -e -b "$brokers" -t timed -o -1)" 'hour 3'
}

@test "what is there is listed" {
    start_broker
    mq-topics create --partitions 3 listed
    kcat -L -J -b "$brokers" >list
    same "$(jq -c '[.brokers[].name, (.topics[] | select(.topic == "listed") | [.partitions[] | [.partition, .leader, .isrs[].id]])]' list)" \
        "[\"$brokers\",[[0,0,0],[1,0,0],[2,0,0]]]"
}

@test "clients of 0.9 and 0.10 produce and consume, whatever the format of the log" {
    start_broker
    seq -f 'line %.0f' 1000 >lines
    for version in 0.9.0 0.10.0; do
        old=(-X api.version.request=false -X "broker.version.fallback=$version")
        for codec in none gzip snappy lz4; do
            topic=old-$version-$codec
            produce "${old[@]}" -t "$topic" -z "$codec" -k key <lines
            consume -t "$topic" | cmp - lines
            consume "${old[@]}" -t "$topic" | cmp - lines
            same "$(consume "${old[@]}" -t "$topic" -c 1 -f '%k %s %o')" 'key line 1 0'
        done
        # Records of today are made into those of then.
        produce -t "new-$version" -z lz4 -H header=lost <lines
        consume "${old[@]}" -t "new-$version" | cmp - lines
        same "$(kcat -C -q -e -b "$brokers" "${old[@]}" -t "new-$version" -o -2)" $'line 999\nline 1000'
    done
}

@test "a client of 0.9 is a member of a group" {
    start_broker
    seq 10 | produce -t grouped
    start member kcat -b "$brokers" -X api.version.request=false -X broker.version.fallback=0.9.0 \
        -X auto.offset.reset=earliest -X heartbeat.interval.ms=100 -X session.timeout.ms=120000 -u -G old grouped
    for ((i = 1; i <= 10; ++i)); do
        read_from member
        [[ $line == "$i" ]]
    done
    kill -TERM "${pids[member]}"
    wait "${pids[member]}" || true
    status_of 0 mq-offsets describe old
    [[ $output == *grouped*10* ]]
}
