#!/usr/bin/env bats
# What mq-dump-segment prints and how it exits. Inputs are the directories that a real Kafka broker wrote.

setup() {
    DUMP="$MQ_BIN_DIR/mq-dump-segment"
    cd "$MQ_GOLDEN_DIR"
    FIRST=00000000000000000000
}

copy() { # SET/PARTITION -> a private copy in $COPY
    COPY="$BATS_TEST_TMPDIR/$(basename "$1")"
    cp -r "$1" "$COPY"
    chmod -R u+w "$COPY"
}

big_endian() { # NUMBER BYTES -> that many bytes
    local hex
    hex=$(printf "%0$(($2 * 2))x" "$1")
    printf "$(sed 's/../\\x&/g' <<<"$hex")"
}

@test "a segment is a heading, a line a batch, and its records with -r" {
    run "$DUMP" -r plain/plain-0/00000000000000000048.log
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = plain/plain-0/00000000000000000048.log ]
    [[ "${lines[1]}" == BASE-OFFSET*VALID ]]
    [[ "${lines[2]}" =~ ^\ +48\ +48\ +1\ +0\ +94\ +2\ +none\ +2021-10-18T12:26:40.000Z.*yes$ ]]
    [[ "${lines[4]}" =~ ^\ +48\ +1634560000000\ +key=\"far\"\ +value=\"timestamp\ in\ the\ future\"$ ]]
    [ "${#lines[@]}" -eq 12 ]
}

@test "--plain is tab-separated, without a header, - for null" {
    run "$DUMP" --plain --no-meta -r -c 1 plain/plain-0/00000000000000000048.log
    [ "$status" -eq 0 ]
    [ "${lines[1]}" = "$(printf 'plain/plain-0/00000000000000000048.log\trecord\tfar\ttimestamp in the future')" ]
}

@test "every line of --json is an object, for every file of every set" {
    for set in plain codecs segmented txn offsets oldformats epochs corrupt-after; do
        "$DUMP" --json -r "$set" >"$BATS_TEST_TMPDIR/out"
        [ "$(jq -c 'type' "$BATS_TEST_TMPDIR/out" | sort -u)" = '"object"' ]
        [ "$(jq -c 'select(.file == null or .type == null)' "$BATS_TEST_TMPDIR/out")" = "" ]
    done
    # 256 byte values are not UTF-8: they come in base64, and none is lost.
    run jq -r 'select(.value_encoding == "base64") | .value' <("$DUMP" --json -r --decode utf8 plain)
    [ "$(base64 -d <<<"${lines[0]}" | od -An -tu1 -v | tr -s ' \n' ' ')" = " $(seq -s ' ' 0 255) " ]
}

@test "--summary counts what Kafka's dump of every segment counts" {
    for log in segmented/segmented-0 txn/txn-0 codecs/codec-gzip-0; do
        batches=$(grep -c '^baseOffset' "$log.log.shallow.dump.txt")
        [ "$("$DUMP" --summary --json "$log" | jq -s 'map(select(.kind == "log").entries) | add')" -eq "$batches" ]
        records=$(grep -o ' count: [0-9]*' "$log.log.shallow.dump.txt" | awk '{n += $2} END {print n}')
        [ "$("$DUMP" --summary --json "$log" | jq -s 'map(.records) | add')" -eq "$records" ]
    done
}

@test "--stats adds up to the records that --json lists" {
    "$DUMP" --json -r codecs/codec-mixed-0 | jq -s 'map(select(.type == "record")) | length' >"$BATS_TEST_TMPDIR/records"
    "$DUMP" --json --stats codecs/codec-mixed-0 >"$BATS_TEST_TMPDIR/stats"
    [ "$(jq 'select(.type == "totals").records' "$BATS_TEST_TMPDIR/stats")" -eq "$(cat "$BATS_TEST_TMPDIR/records")" ]
    [ "$(jq -s 'map(select(.of == "value").count) | add' "$BATS_TEST_TMPDIR/stats")" -eq 50 ]
    [ "$(jq -r 'select(.codec).codec' "$BATS_TEST_TMPDIR/stats" | tr '\n' ' ')" = "gzip lz4 none snappy zstd " ]
}

@test "--hex names every byte once, and the fields hold what the dump says" {
    log=plain/plain-0/00000000000000000048.log
    "$DUMP" --hex --json "$log" >"$BATS_TEST_TMPDIR/out"
    [ "$(jq -s 'map(.size) | add' "$BATS_TEST_TMPDIR/out")" -eq "$(stat -c %s "$log")" ]
    [ "$(jq -r .bytes "$BATS_TEST_TMPDIR/out" | tr -d '\n')" = "$(xxd -p "$log" | tr -d '\n')" ]
    [ "$(jq -r 'select(.field == "crc").value' "$BATS_TEST_TMPDIR/out" | head -1)" = 4152500153 ]
}

@test "-o takes offsets and times, in a segment or over a partition" {
    [ "$("$DUMP" -f '%o ' -o 46:50 plain/plain-0)" = "46 47 48 49 " ]
    [ "$("$DUMP" -f '%o ' -o -3 segmented/segmented-0)" = "1997 1998 1999 " ]
    [ "$("$DUMP" -f '%o ' -o 1500 -c 3 segmented/segmented-0)" = "1500 1501 1502 " ]
    [ "$("$DUMP" -f '%o ' -o @1600000039940:@1600000039980 segmented/segmented-0)" = "1997 1998 " ]
    run "$DUMP" -o 5:x plain/plain-0
    [ "$status" -eq 64 ]
}

@test "-m filters by key, value, header, time and size, and is 1 if nothing matched" {
    [ "$("$DUMP" -m 'key~^key-1[0-2]$' -f '%k ' plain/plain-0)" = "key-10 key-11 key-12 " ]
    [ "$("$DUMP" -m 'value=delta 0' -f '%k' plain/plain-0)" = "d0" ]
    [ "$("$DUMP" -m 'header.h1=x7' -f '%k' plain/plain-0)" = "key-7" ]
    [ "$("$DUMP" -m 'offset>=53' -m '!key=d-300000' -f '%o' plain/plain-0)" = 54 ]
    [ "$("$DUMP" --match-any -m key=d0 -m key=far -f '%o ' plain/plain-0)" = "48 52 " ]
    run "$DUMP" -m key=none plain/plain-0
    [ "$status" -eq 1 ]
    run "$DUMP" -m 'key~(' plain/plain-0
    [ "$status" -eq 64 ]
    run "$DUMP" -m 'colour=red' plain/plain-0
    [ "$status" -eq 64 ]
}

@test "internal topics are decoded by the directory's name, and searched by group" {
    run "$DUMP" --json -m group=console-group offsets
    [ "$status" -eq 0 ]
    [ "$(jq -r '.key.data.group' <<<"$output" | sort -u)" = console-group ]
    run "$DUMP" --json -r -c 1 txn/__transaction_state-36
    [ "$(jq -r 'select(.type == "record") | .value.data.producerId' <<<"$output")" = 2 ]
}

@test "--decode-with passes keys and values through one process" {
    cat >"$BATS_TEST_TMPDIR/upper" <<'EOF'
import sys
while head := sys.stdin.buffer.read(4):
    n = int.from_bytes(head, "big", signed=True)
    body = sys.stdin.buffer.read(max(n, 0)).upper()
    sys.stdout.buffer.write(head + body)
    sys.stdout.buffer.flush()
EOF
    run "$DUMP" --json -r --decode-with "python3 $BATS_TEST_TMPDIR/upper" plain/plain-0/00000000000000000048.log
    [ "$status" -eq 0 ]
    [ "$(jq -r 'select(.type == "record").value' <<<"$output" | head -1)" = "TIMESTAMP IN THE FUTURE" ]
    # A value larger than a pipe holds, echoed while it is still being written.
    run "$DUMP" -r --decode-with cat codecs/codec-none-0
    [ "$status" -eq 0 ]
    run "$DUMP" -r --decode-with false plain/plain-0
    [ "$status" -eq 74 ]
}

@test "- is a stream" {
    [ "$("$DUMP" -f '%o ' - <plain/plain-0/00000000000000000048.log)" = "48 49 50 51 52 53 54 " ]
    [ "$(cat plain/plain-0/00000000000000000048.log | "$DUMP" -f '%o ' -)" = "48 49 50 51 52 53 54 " ]
    [ "$(cat plain/plain-0/*.log | "$DUMP" --summary --json - | jq .records)" -eq 55 ]
    run bash -c "head -c 150 plain/plain-0/00000000000000000048.log | '$DUMP' -f '%o ' -"
    [ "$status" -eq 65 ]
    [[ "$output" == "48 "*"stdin"*"56 bytes"*"at byte 94"* ]]
}

@test "old message sets are read, wrapped compressed ones too" {
    for format in 0.9.0-none 0.9.0-gzip 0.10.0-snappy 0.10.0-lz4; do
        [ "$("$DUMP" -f '%o\n' "oldformats/fmt-$format-0" | wc -l)" -eq 300 ]
    done
}

@test "the wording of Kafka 3.9: a .log" {
    run "$DUMP" --kafka --print-data-log plain/plain-0/00000000000000000048.log
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "Dumping plain/plain-0/00000000000000000048.log" ]
    [ "${lines[1]}" = "Log starting offset: 48" ]
    [ "${lines[2]}" = "baseOffset: 48 lastOffset: 48 count: 1 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1 partitionLeaderEpoch: 0 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1634560000000 size: 94 magic: 2 compresscodec: none crc: 4152500153 isvalid: true" ]
    [ "${lines[3]}" = "| offset: 48 CreateTime: 1634560000000 keySize: 3 valueSize: 23 sequence: -1 headerKeys: [] key: far payload: timestamp in the future" ]
}

@test "the wording of Kafka 3.9: without metadata, up to a byte, old messages, markers" {
    run "$DUMP" --kafka=3.9 --print-data-log --skip-record-metadata --max-bytes 94 plain/plain-0/00000000000000000048.log
    [ "${lines[3]}" = "| key: far payload: timestamp in the future" ]
    [ "${#lines[@]}" -eq 4 ]
    # The brace is Kafka's own.
    run "$DUMP" --kafka --deep-iteration oldformats/fmt-0.9.0-none-0/$FIRST.log
    [ "${lines[2]}" = "offset: 0 position: 0 NoTimestampType: -1 size: 26 magic: 0 compresscodec: none crc: 2817288195 isvalid: true" ]
    [ "${lines[3]}" = "| offset: 0 NoTimestampType: -1 keySize: -1 valueSize: -1 isValid: true crc: 2817288195}" ]
    run bash -c "'$DUMP' --kafka --deep-iteration txn/txn-0/00000000000000000013.log | grep -m1 endTxnMarker"
    [[ "$output" == "| offset: 13 CreateTime: 1795292376547 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] endTxnMarker: COMMIT coordinatorEpoch: 0" ]]
}

@test "the wording of Kafka 3.9: snapshots and indexes" {
    run "$DUMP" --kafka txn/txn-0/00000000000000000141.snapshot
    [ "${lines[1]}" = "producerId: 2 producerEpoch: 0 coordinatorEpoch: 0 currentTxnFirstOffset: OptionalLong[135] lastTimestamp: 1600000009010 firstSequence: 54 lastSequence: 59 lastOffset: 140 offsetDelta: 5 timestamp: 1600000009010" ]
    [[ "${lines[2]}" == *"currentTxnFirstOffset: OptionalLong.empty lastTimestamp: 1795292377762 "* ]]
    run "$DUMP" --kafka plain/plain-0/$FIRST.index
    [ "${lines[1]}" = "plain/plain-0/$FIRST.index is empty." ]
    run "$DUMP" --kafka --index-sanity-check segmented/segmented-0/$FIRST.index
    [ "${lines[1]}" = "segmented/segmented-0/$FIRST.index passed sanity check." ]
}

@test "the wording of Kafka 3.9: the offsets decoder writes JSON" {
    run "$DUMP" --kafka --offsets-decoder offsets/__consumer_offsets-30/$FIRST.log
    [[ "${lines[3]}" == *' key: {"type":"1","data":{"group":"simple-group","topic":"grp","partition":0}} payload: {"version":"3","data":{"offset":11,"leaderEpoch":-1,"metadata":"meta-data żółw","commitTimestamp":1795292413075}}' ]]
    [[ "$output" == *' key: {"type":"2","data":{"group":"managed-RoundRobinAssignor"}} payload: {"version":"3","data":{"protocolType":"consumer","generation":1,"protocol":"roundrobin","leader":"c2-'*'"subscription":{"topics":["grp"],"userData":null,"ownedPartitions":[]},"assignment":{"assignedPartitions":[{"topic":"grp","partitions":['* ]]
    run "$DUMP" --kafka --transaction-log-decoder txn/__transaction_state-36/$FIRST.log
    [[ "${lines[3]}" == *" key: transaction_metadata::transactionalId=tx-A payload: producerId:2,producerEpoch:0,state=Empty,partitions=[],txnLastUpdateTimestamp=1795292375616,txnTimeoutMs=60000" ]]
}

@test "a KRaft snapshot is known to the wording of 3.9 by its name" {
    : >"$BATS_TEST_TMPDIR/00000000000000000042-0000000003.checkpoint"
    run "$DUMP" --kafka "$BATS_TEST_TMPDIR/00000000000000000042-0000000003.checkpoint"
    [ "${lines[1]}" = "Snapshot end offset: 42, epoch: 3" ]
}

@test "decoder classes of Java are refused with a hint, decoders that are missing show hexadecimal" {
    run "$DUMP" --value-decoder-class com.example.Decoder plain/plain-0
    [ "$status" -eq 64 ]
    [[ "$output" == *--decode-with* ]]
    for decoder in cluster-metadata remote-log-metadata share-group-state; do
        run "$DUMP" "--$decoder-decoder" plain/plain-0/00000000000000000048.log
        [ "$status" -eq 0 ]
        [[ "$output" == *"--$decoder-decoder: "*--decode-with* ]]
        [[ "$output" == *"key=0x666172"* ]]
    done
    run "$DUMP" --kafka --value-decoder-class kafka.serializer.StringDecoder plain/plain-0/00000000000000000048.log
    [ "$status" -eq 0 ]
    [[ "$output" == *"payload: delta 0"* ]]
}

@test "--check finds nothing in what a broker left after a clean stop" {
    for set in plain codecs segmented txn offsets oldformats epochs; do
        run "$DUMP" -q --check "$set"
        [ "$status" -eq 0 ]
        [ "$output" = "" ]
    done
}

@test "--check names file, byte, offset and byte count of every damage of corrupt-before" {
    run "$DUMP" -q --check corrupt-before
    [ "$status" -eq 1 ]
    [[ "$output" == *"plain-0/00000000000000000048.log: byte 94: offset 49: 30 bytes: the file ends inside a batch"* ]]
    [[ "$output" == *"plain-1/$FIRST.log: byte 100075: offset 1: 9777 bytes: stored crc 542561976, computed "* ]]
    [[ "$output" == *"segmented-0/00000000000000001937.log: byte 5472: offset 1991: 5 bytes: "* ]]
    [[ "$output" == *"segmented-1/00000000000000001936.log: byte 6384: offset 1999: 17 bytes: "* ]]
    [[ "$output" == *"txn-0/00000000000000000148.log: byte 1980: offset 179: 40 bytes: "* ]]
    [[ "$output" == *"segmented-dense-0/$FIRST.index: offset 0: the file is missing"* ]]
    [[ "$output" == *"txn-0/00000000000000000013.txnindex: offset 28: 34 bytes: the aborted transaction 15..28 of producer 2 is missing"* ]]
    run "$DUMP" --json --check corrupt-before
    [ "$(jq -s 'map(select(.type == "finding")) | length' <<<"$output" 2>/dev/null || jq -s 'map(select(.type == "finding")) | length' < <("$DUMP" -q --json --check corrupt-before))" -ge 20 ]
}

@test "--check=PART looks at that part only" {
    copy segmented/segmented-0
    printf '\x7f' | dd of="$COPY/$FIRST.index" bs=1 seek=7 conv=notrunc status=none
    run "$DUMP" -q --check=index "$COPY"
    [ "$status" -eq 1 ]
    [[ "$output" == *"$FIRST.index: byte 0: "*"where no batch begins"* ]]
    run "$DUMP" -q --check=crc,time "$COPY"
    [ "$status" -eq 0 ]
    run "$DUMP" --check=colour "$COPY"
    [ "$status" -eq 64 ]
}

@test "every flipped byte of a small segment is found" {
    copy plain/plain-0
    log="$COPY/00000000000000000048.log"
    cp "$log" "$BATS_TEST_TMPDIR/good"
    # Outside the checksum: a lower base offset is found by its neighbours, a higher one is a legal gap.
    for at in 0 8 11 16 17 22 26 30 40 60 61 80 94 102 110 111 200 301; do
        cp "$BATS_TEST_TMPDIR/good" "$log"
        byte=$(xxd -p -s "$at" -l 1 "$log")
        printf "\\x$(printf %02x $((0x$byte ^ 0x55)))" | dd of="$log" bs=1 seek="$at" conv=notrunc status=none
        run "$DUMP" -q --check "$COPY"
        [ "$status" -eq 1 ] || { echo "byte $at"; false; }
    done
}

@test "damage: what precedes it is printed, the rest is 65 with file, byte, offset and count" {
    run "$DUMP" -f '%o ' corrupt-before/plain-0/00000000000000000048.log
    [ "$status" -eq 65 ]
    [[ "$output" == "48 "* ]]
    [[ "$output" == *"plain-0/00000000000000000048.log"*"offset 49"*"30 bytes"*"at byte 94"* ]]
    run "$DUMP" --kafka=2.4 corrupt-before/plain-0/00000000000000000048.log
    [ "$status" -eq 65 ]
}

@test "bad inputs: each gets its status, and a message that names it" {
    cd "$BATS_TEST_TMPDIR"
    mkdir empty-directory
    : >$FIRST.log
    printf '\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x01\x00\x48\x00\x48' >photo.jpg
    mkdir jpeg negative huge bomb zeros
    cp photo.jpg jpeg/$FIRST.log
    { big_endian 0 8; printf '\xff\xff\xff\xf0'; head -c 60 /dev/zero; } >negative/$FIRST.log
    { big_endian 0 8; printf '\x7f\xff\xff\xff'; big_endian 0 4; printf '\x02'; head -c 60 /dev/zero; } >huge/$FIRST.log
    head -c 4096 /dev/zero >zeros/$FIRST.log

    run "$DUMP"
    [ "$status" -eq 64 ]
    run "$DUMP" --no-such-option x
    [ "$status" -eq 64 ]
    run "$DUMP" nosuch.log
    [ "$status" -eq 66 ] && [[ "$output" == *nosuch.log* ]]
    run "$DUMP" empty-directory
    [ "$status" -eq 66 ] && [[ "$output" == *empty-directory* ]]
    run "$DUMP" photo.jpg
    [ "$status" -eq 65 ] && [[ "$output" == *photo.jpg* ]]
    run "$DUMP" --check photo.jpg
    [ "$status" -eq 65 ]
    run "$DUMP" $FIRST.log
    [ "$status" -eq 0 ]
    run "$DUMP" --check $FIRST.log
    [ "$status" -eq 0 ]
    for bad in jpeg negative huge zeros; do
        run "$DUMP" -r $bad/$FIRST.log
        [ "$status" -eq 65 ] && [[ "$output" == *"$bad/$FIRST.log"*"at byte 0"* ]] || { echo "$bad: $status $output"; false; }
        run "$DUMP" --summary $bad/$FIRST.log
        [ "$status" -eq 65 ]
        run "$DUMP" --hex $bad/$FIRST.log
        [ "$status" -eq 65 ]
        run "$DUMP" --stats $bad/$FIRST.log
        [ "$status" -eq 65 ]
        run "$DUMP" -q --check $bad/$FIRST.log
        [ "$status" -eq 1 ]
        run "$DUMP" --kafka $bad/$FIRST.log
        [ "$status" -eq 65 ]
    done
}

@test "an unreadable file is 77" {
    mkdir "$BATS_TEST_TMPDIR/open"
    cp plain/plain-0/00000000000000000048.log "$BATS_TEST_TMPDIR/open/"
    cp "$DUMP" "$BATS_TEST_TMPDIR/open/tool"
    chmod 000 "$BATS_TEST_TMPDIR/open/00000000000000000048.log"
    chmod 755 "$BATS_TEST_TMPDIR/open" "$BATS_TEST_TMPDIR/open/tool"
    cd "$BATS_TEST_TMPDIR/open"
    if [ "$(id -u)" -eq 0 ]; then # root may read everything
        run setpriv --inh-caps=-all --bounding-set=-all ./tool 00000000000000000048.log
        [ "$status" -eq 77 ] || run setpriv --reuid 65534 --clear-groups ./tool 00000000000000000048.log
    else
        run ./tool 00000000000000000048.log
    fi
    [ "$status" -eq 77 ]
}

@test "a bomb is told, never unfolded" {
    mkdir "$BATS_TEST_TMPDIR/bomb-0"
    python3 - "$BATS_TEST_TMPDIR/bomb-0/$FIRST.log" <<'EOF'
import gzip, struct, sys
body = gzip.compress(bytes(200 << 20), 9)
head = struct.pack(">hiqqqhii", 1, 0, 0, 0, -1, -1, -1, 1) + body
table = []
for i in range(256):
    c = i
    for _ in range(8):
        c = (c >> 1) ^ (0x82F63B78 if c & 1 else 0)
    table.append(c)
crc = 0xFFFFFFFF
for b in head:
    crc = (crc >> 8) ^ table[(crc ^ b) & 255]
open(sys.argv[1], "wb").write(struct.pack(">qiibI", 0, len(head) + 9, 0, 2, crc ^ 0xFFFFFFFF) + head)
EOF
    cd "$BATS_TEST_TMPDIR"
    run bash -c "ulimit -v 262144; '$DUMP' -r bomb-0/$FIRST.log"
    [ "$status" -eq 65 ]
    [[ "$output" == *"bomb-0/$FIRST.log"* ]]
    run "$DUMP" --check=crc "bomb-0/$FIRST.log"
    [ "$status" -eq 0 ]
}

@test "a full disk is 74, a closed pipe is 141" {
    run bash -c "'$DUMP' -r plain >/dev/full"
    [ "$status" -eq 74 ]
    run bash -c "set -o pipefail; '$DUMP' -r codecs | true"
    [ "$status" -eq 141 ]
}

@test "options that contradict each other are 64" {
    run "$DUMP" --json --plain plain
    [ "$status" -eq 64 ]
    run "$DUMP" --hex --stats plain
    [ "$status" -eq 64 ]
    run "$DUMP" --kafka -o 5 plain/plain-0/$FIRST.log
    [ "$status" -eq 64 ]
}

@test "--rebuild-index gives the indexes that the broker wrote, and keeps the old ones" {
    copy segmented/segmented-0
    for index in "$COPY"/*.index; do printf 'rubbish!' | dd of="$index" conv=notrunc status=none; done
    run "$DUMP" --rebuild-index "$COPY" </dev/null
    [ "$status" -eq 64 ]
    run "$DUMP" --rebuild-index -n "$COPY"
    [ "$status" -eq 0 ]
    [ ! -e "$COPY/$FIRST.index.bak" ]
    run "$DUMP" --rebuild-index -y "$COPY"
    [ "$status" -eq 0 ]
    for index in segmented/segmented-0/*.index; do cmp "$index" "$COPY/$(basename "$index")"; done
    [ "$(head -c 8 "$COPY/$FIRST.index.bak")" = 'rubbish!' ]
    run "$DUMP" -q --check "$COPY"
    [ "$status" -eq 0 ]
    run "$DUMP" --rebuild-index -y "$COPY"
    [ "$status" -eq 73 ]
    [[ "$output" == *.bak* ]]
}

@test "--rebuild-index writes the .txnindex that the broker wrote" {
    copy txn/txn-0
    rm "$COPY"/*.txnindex
    run "$DUMP" --rebuild-index -y "$COPY"
    [ "$status" -eq 0 ]
    for index in txn/txn-0/*.txnindex; do cmp "$index" "$COPY/$(basename "$index")"; done
}

@test "--truncate-at cuts before the batch of the offset, and what was cut can be put back" {
    copy segmented/segmented-0
    run "$DUMP" --truncate-at 1400 -y "$COPY"
    [ "$status" -eq 0 ]
    [ "$("$DUMP" -f '%o\n' -o 1380 "$COPY" | tail -1)" -lt 1400 ]
    [ "$("$DUMP" -f '%o\n' -o 1380 "$COPY" | tail -1)" -ge 1380 ]
    [ ! -e "$COPY/00000000000000001937.log" ]
    run "$DUMP" -q --check "$COPY"
    [ "$status" -eq 0 ]
    cat "$COPY/00000000000000001298.log.bak" >>"$COPY/00000000000000001298.log"
    cmp segmented/segmented-0/00000000000000001298.log "$COPY/00000000000000001298.log"
    cmp segmented/segmented-0/00000000000000001937.log "$COPY/00000000000000001937.log.bak"
    run "$DUMP" --truncate-at x -y "$COPY"
    [ "$status" -eq 64 ]
}

@test "a damaged tail is cut with --truncate-at, after which --check finds nothing in the log" {
    copy corrupt-before/plain-0
    run "$DUMP" --truncate-at 49 -y "$COPY"
    [ "$status" -eq 0 ]
    [ "$(stat -c %s "$COPY/00000000000000000048.log.bak")" -eq 30 ]
    run "$DUMP" -q --check "$COPY"
    [ "$status" -eq 0 ]
}

@test "a data directory in use is not repaired: 75" {
    cp -r segmented "$BATS_TEST_TMPDIR/data"
    chmod -R u+w "$BATS_TEST_TMPDIR/data"
    : >"$BATS_TEST_TMPDIR/data/.lock"
    python3 - "$BATS_TEST_TMPDIR/data/.lock" "$BATS_TEST_TMPDIR/ready" <<'EOF' 3>&- &
import fcntl, signal, sys
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
signal.sigtimedwait([signal.SIGTERM], 60)
EOF
    holder=$!
    until [ -e "$BATS_TEST_TMPDIR/ready" ]; do kill -0 "$holder"; done
    run "$DUMP" --truncate-at 1400 -y "$BATS_TEST_TMPDIR/data/segmented-0"
    kill "$holder"
    [ "$status" -eq 75 ]
    [[ "$output" == *.lock* ]]
}

@test "--help-json is JSON, completions are made" {
    "$DUMP" --help-json | jq -e '.options | length > 20' >/dev/null
    for shell in bash zsh fish; do [ -n "$("$DUMP" --generate "complete-$shell")" ]; done
}

@test "the man page has the options that the tool has" {
    diff <(sed -n '/^\.Sh OPTIONS/,/^\.Sh EXIT/p' "$MQ_SOURCE_DIR/man/mq-dump-segment.1" | sed '$d') <("$DUMP" --generate man)
}

@test "every example of the man page runs" {
    mkdir "$BATS_TEST_TMPDIR/data"
    cp -r plain/plain-0 "$BATS_TEST_TMPDIR/data/heartbeat-0"
    cd "$BATS_TEST_TMPDIR/data"
    PATH="$MQ_BIN_DIR:$PATH"
    count=0
    while read -r line; do
        run bash -c "${line//\\e/\\}"
        [ "$status" -eq 0 ] || { echo "$line: $status $output"; false; }
        [ -n "$output" ]
        count=$((count + 1))
    done < <(sed -n 's/^\.Dl \(mq-dump-segment .*\)/\1/p' "$MQ_SOURCE_DIR/man/mq-dump-segment.1")
    [ "$count" -ge 10 ]
}
