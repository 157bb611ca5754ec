# Which records mq-consume prints: tails, matches, merges, counts, checkpoints, and its verdicts.
load helpers

@test "wish 6: --tail is of the whole topic, in the order of time, and stops at the log start" {
    for i in 1 2 3 4 5 6; do echo $i | mq-produce -q t --create=3 -p $((i % 3)) --timestamp 170000000$i; done
    same "$(mq-consume t -e --tail 4 -d ' ')" '3 4 5 6 '
    same "$(mq-consume t -e --tail 1 -d ' ')" '6 '
    same "$(mq-consume t -e --tail 0 -d ' ')" ''
    same "$(mq-consume t -e --tail 100 -d ' ')" '1 2 3 4 5 6 '
    same "$(mq-consume t -e --tail 2 -p 1,2 -d ' ')" '4 5 '
    same "$(mq-consume t -e --tail-per-partition 1 -f '%p:%s ')" '0:6 1:4 2:5 '
    same "$(mq-consume t -e --tail-per-partition 9 -d ' ' | wc -w)" 6
    same "$(mq-consume t -e --tail 2 --merge timestamp -d ' ')" '5 6 '
    # Markers of transactions take offsets, and are no records.
    mq-consume -D "$MQ_GOLDEN_DIR/txn" txn-simple -e -f '%o\n' | tail -n 3 >last
    same "$(mq-consume -D "$MQ_GOLDEN_DIR/txn" txn-simple -e --tail 3 -f '%o\n')" "$(cat last)"
}

@test "--tail of one partition is the end of what is printed, whatever the timestamps" {
    for i in 3 1 2 5 4; do echo $i | mq-produce -q t --timestamp 170000000$i; done
    for n in 1 2 3 4 5; do same "$(mq-consume t -e --tail $n)" "$(mq-consume t -e | tail -n $n)"; done
}

@test "wish 15: --match by key, value, header, time, size; all or any; status 1 if nothing did" {
    printf 'a:apple\nb:banana\nc:cherry\n' | mq-produce -q t -K: --timestamp 1700000000
    printf 'd:date\n' | mq-produce -q t -K: -H colour=brown --timestamp 1700000100
    matched() { mq-consume t -e -d ' ' "$@"; }
    same "$(matched -m 'key=b')" 'banana '
    same "$(matched -m 'value~an|rr')" 'banana cherry '
    same "$(matched -m '!value~an' -m 'key!=c')" 'apple date '
    same "$(matched -m 'key=a' -m 'key=b' --match-any)" 'apple banana '
    same "$(matched -m 'header.colour=brown')" 'date '
    same "$(matched -m 'ts>1700000050')" 'date '
    same "$(matched -m 'size>6' -c 1)" 'banana '
    same "$(matched -m 'offset>=2' --count-only)" 2
    status_of 1 mq-consume t -e -m 'key=z'
    same "$output" ''
    status_of 64 mq-consume t -e -m 'key=b' -m 'value~('
    status_of 64 mq-consume t -e -m 'colour=b'
    status_of 64 mq-consume t -e --match-any
}

@test "1: --expect, exactly or at least" {
    seq 1 3 | mq-produce -q t
    status_of 0 mq-consume t -e --expect 3
    status_of 0 mq-consume t -e --expect 2+
    status_of 1 mq-consume t -e --expect 2
    says '3 records, where 2 were expected'
    status_of 1 mq-consume t -e --expect 4+
    says '3 records, where 4 or more were expected'
    status_of 64 mq-consume t -e --expect +
}

@test "--count-per-partition, --count-only" {
    for p in 0 1; do seq 1 4 | mq-produce -q t --create=2 -p $p; done
    same "$(mq-consume t -e --count-per-partition 1 -d ' ')" '1 1 '
    same "$(mq-consume t --count-per-partition 3 | wc -l)" 6
    same "$(mq-consume t --count-only)" 8
    same "$(mq-consume t --count-only -o 1:3)" 4
    same "$(mq-consume t --count-only -c 5)" 5
    same "$(mq-consume t --count-only --json)" "$(printf '{"topic":"t","partition":0,"count":4}\n{"topic":"t","partition":1,"count":4}')"
    status_of 64 mq-consume t --count-only -f %s
    # As many as are printed, in the logs of a Kafka broker too: compacted, transactional, of old formats.
    for set in plain codecs segmented txn; do
        for dump in "$MQ_GOLDEN_DIR"/$set/*-0.log.dump.txt*; do
            topic=$(basename "$dump")
            topic=${topic%-0.log.dump.txt*}
            for isolation in committed uncommitted; do
                same "$(mq-consume -q -D "$MQ_GOLDEN_DIR/$set" "$topic" -p 0 --count-only --isolation $isolation)" \
                    "$(mq-consume -q -D "$MQ_GOLDEN_DIR/$set" "$topic" -p 0 -e -f x --isolation $isolation | wc -c)"
            done
        done
    done
}

@test "--merge timestamp is a merge: the order of each partition stays" {
    for i in 5 1 9; do echo $i | mq-produce -q t --create=2 -p 0 --timestamp 170000000$i; done
    for i in 2 6 3; do echo $i | mq-produce -q t -p 1 --timestamp 170000000$i; done
    # By hand: heads 5|2 -> 2, 5|6 -> 5, 1|6 -> 1, 9|6 -> 6, 9|3 -> 3, 9.
    same "$(mq-consume t -e --merge timestamp -d ' ')" '2 5 1 6 3 9 '
    same "$(mq-consume t -e --merge timestamp -d ' ' -m 'value!=5' -c 3)" '2 1 6 '
    same "$(mq-consume t -e --merge timestamp -d ' ' --count-per-partition 1)" '2 5 '
}

@test "--checkpoint goes on where the last run ended" {
    seq 1 5 | mq-produce -q t
    same "$(mq-consume t -e --checkpoint place -c 2 -d ' ')" '1 2 '
    same "$(mq-consume t -e --checkpoint place -d ' ')" '3 4 5 '
    same "$(mq-consume t -e --checkpoint place -d ' ')" ''
    seq 6 7 | mq-produce -q t
    echo u | mq-produce -q u
    same "$(mq-consume t u -e --checkpoint place -d ' ')" '6 7 u '
    same "$(mq-consume t u -e --checkpoint place -d ' ')" ''
    same "$(head -1 place)" 'mq-consume-checkpoint 1'
    # Whoever deletes a topic and makes it again has new records.
    mq-topics delete t -y
    seq 1 3 | mq-produce -q t
    mq-consume t -e --checkpoint place -d ' ' >out 2>words
    same "$(cat out)" '1 2 3 '
    grep 'deleted and made again' words
    echo rubbish >place
    status_of 65 mq-consume t -e --checkpoint place
    says 'place: line 1'
    status_of 66 mq-consume t -e --checkpoint missing/place
    says 'missing/place'
}

@test "--checkpoint holds no more than what was printed, when the output fails" {
    seq 1 100 | mq-produce -q t
    mq-consume t -e --checkpoint place -c 10 >/dev/null
    cp place before
    set +e
    mq-consume t -e --checkpoint place >/dev/full 2>words
    [[ $? -eq 74 ]]
    set -e
    diff place before
}

@test "--on-error skip tells what it skipped, and goes on behind it: status 1" {
    for i in 1 2 3 4; do seq $((i * 10)) $((i * 10 + 9)) | mq-produce -q t; done
    log=data/t-0/00000000000000000000.log
    size=$(($(stat -c %s $log) / 4))
    cp -r data whole
    # A flipped bit in the records of the second batch: its header tells its size.
    printf '\xff' | dd of=$log bs=1 seek=$((size + 70)) conv=notrunc status=none
    status_of 65 mq-consume t -e
    same "$output" "$(seq 10 19)"
    status_of 1 mq-consume t -e --on-error skip
    same "$output" "$(seq 10 19; seq 30 49)"
    says "skipped $size bytes from byte $size on"
    # Rubbish where the header of the second batch was: the next one is found by looking at every byte.
    printf '\xff\xff\xff\xff\xff\xff\xff\xff' | dd of=$log bs=1 seek=$((size + 6)) conv=notrunc status=none
    status_of 65 mq-consume t -e
    status_of 1 mq-consume t -e --skip-message-on-error
    same "$output" "$(seq 10 19; seq 30 49)"
    says "skipped $size bytes from byte $size on"
    # The tail, too.
    printf '\xff' | dd of=$log bs=1 seek=$((3 * size + 70)) conv=notrunc status=none
    status_of 1 mq-consume t -e --on-error skip
    same "$output" "$(seq 10 19; seq 30 39)"
}
