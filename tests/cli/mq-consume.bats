# What mq-consume prints.
load helpers

numbers() { seq "$1" "$2" | mq-produce -q t "${@:3}"; }

@test "ranges" {
    numbers 0 9
    range() { mq-consume t -e -d ' ' -o "$1"; }
    same "$(range start)" '0 1 2 3 4 5 6 7 8 9 '
    same "$(range end)" ''
    same "$(range 7)" '7 8 9 '
    same "$(range +8)" '8 9 '
    same "$(range -2)" '8 9 '
    same "$(range end-2)" '8 9 '
    same "$(range start+8)" '8 9 '
    same "$(range 2:5)" '2 3 4 '
    same "$(range :2)" '0 1 '
    same "$(range 8:)" '8 9 '
    same "$(range -3:-1)" '7 8 '
    same "$(range 5:2)" ''
    same "$(range 0=9)" '9 '
    same "$(range 1=9 | wc -w)" 10
    same "$(mq-consume t -d ' ' -o :end)" "$(range start)"
    same "$(mq-consume t --from-beginning --exit -d ' ')" "$(range start)"
}

@test "ranges in time" {
    for second in 1700000000 1700000010 1700000020; do
        echo $second | mq-produce -q t --timestamp $second
    done
    range() { mq-consume t -e -d ' ' -o "$1"; }
    same "$(range @1700000001)" '1700000010 1700000020 '
    same "$(range @1700000000000:1700000020)" '1700000000 1700000010 '
    same "$(range @2023-11-14T22:13:30Z:2023-11-14T22:13:40Z)" '1700000010 '
    same "$(mq-consume t -e -d ' ' -o s@1700000010000 -o e@1700000020000)" '1700000010 '
    same "$(range @2100-01-01)" ''
    same "$(range @-1h)" ''
    same "$(range :@2100-01-01 | wc -w)" 3
}

@test "an offset that is gone or not there yet is told" {
    numbers 0 9
    status_of 0 mq-consume t -e -o 20
    says 'offset 20 lies behind the end, 10'
    mq-consume -D "$MQ_GOLDEN_DIR/segmented" segmented-trimmed -e -o 5 -c 1 -f %o >out 2>words
    same "$(cat out)" 333
    grep 'offset 5 is gone; the log starts at 333' words
}

@test "partitions, counts, several topics" {
    seq 1 9 | mq-produce -q t --create=3 -p 1
    seq 11 19 | mq-produce -q t -p 2
    echo u | mq-produce -q u
    same "$(mq-consume t -e -d ' ' -p 2,0 -c 2)" '11 12 '
    same "$(mq-consume t u -e -d ' ' -p 0)" 'u '
    same "$(mq-consume t -e -p 1-2 | wc -l)" 18
    same "$(mq-consume t -e -c 0)" ''
    same "$(mq-consume -e -t t -t u | wc -l)" 19
}

@test "formats" {
    printf 'k:v\n' | mq-produce -q t -K: --timestamp 1700000000000 -H h=1
    same "$(mq-consume t -e -f '%t/%p@%o %T %k=%s %K,%S %h %T{iso}\n')" 't/0@0 1700000000000 k=v 1,1 h=1 2023-11-14T22:13:20.000Z'
    same "$(mq-consume t -e -K ' -> ')" 'k -> v'
    same "$(mq-consume t -e --meta)" "$(printf 't\t0\t0\t1700000000000\t1\t1')"
    same "$(mq-consume t -e -0 | od -An -c | tr -d ' \n')" 'v\0'
    same "$(printf 'a\n' | mq-produce -q n -k '' && mq-consume n -e -K: --null-marker NULL)" ':a'
    same "$(printf '\n' | mq-produce -q z -Z && mq-consume z -e -K: --null-marker NULL)" 'NULL:NULL'
}

@test "--json is valid for any bytes, and lossless" {
    for i in {0..255}; do printf "\\x$(printf %x "$i")x:\\x$(printf %x "$i")"; printf '\0'; done | tr '\1' '\2' >in
    for i in {0..255}; do printf "\\x$(printf %x "$i")x:\\xf0\\x9f\\x98\\x$(printf %x "$i")\0"; done >>in
    mq-produce -q -0 -K: t in
    mq-consume t -e --json >out
    same "$(wc -l <out)" "$(tr -cd '\0' <in | wc -c)"
    jq -e 'has("topic") and has("partition") and has("offset") and has("timestamp") and has("key") and has("value") and has("headers")' out \
        >/dev/null
    python3 - out in <<'PYTHON'
import base64, json, sys
def bytes_of(record, name):
    text = record[name]
    if text is None:
        return None
    return base64.b64decode(text, validate=True) if record.get(name + "_encoding") == "base64" else text.encode()
records = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
lines = open(sys.argv[2], "rb").read().split(b"\0")[:-1]
assert len(records) == len(lines), (len(records), len(lines))
for record, line in zip(records, lines):
    key, colon, value = line.partition(b":")
    if not colon:
        key, value = None, line
    assert bytes_of(record, "key") == key, (record, line)
    assert bytes_of(record, "value") == value, (record, line)
PYTHON
}

@test "--json=inline inlines what is JSON, only that" {
    printf '{"a": [1, null]}\n[1\n"\\ud83d"\n 7 \nnull\n' | mq-produce -q t
    same "$(mq-consume t -e --json=inline -o 0:1 | jq -c .value)" '{"a":[1,null]}'
    same "$(mq-consume t -e --json=inline -o 1:2 | jq -c .value)" '"[1"'
    same "$(mq-consume t -e --json=inline -o 3:4 | jq -c .value)" 7
    printf '{\n"a":\n1}\0' | mq-produce -q -0 u
    same "$(mq-consume u -e --json=inline | wc -l)" 1
    printf '%0100000d\n' 0 | tr 0 '[' | mq-produce -q deep
    same "$(mq-consume deep -e --json=inline | jq -r '.value | length')" 100000
}

@test "aborted transactions are left out by --isolation committed" {
    # golden/README.md: what the transactional producers of set txn wrote; the dump beside it tells which were aborted.
    mq-consume -D "$MQ_GOLDEN_DIR/txn" txn-simple -e --control-records --json >all
    mq-consume -D "$MQ_GOLDEN_DIR/txn" txn-simple -e --isolation committed --json >committed
    grep -q ABORT all
    grep -q COMMIT all
    [[ $(wc -l <committed) -lt $(wc -l <all) ]]
    ! grep '"control"' committed || false
    # The other way to tell: records whose producer's next marker is an abort.
    python3 - "$MQ_GOLDEN_DIR/txn/txn-simple-0.log.dump.txt" committed <<'PYTHON'
import json, re, sys
pending, expected = {}, []
producer, transactional = None, False
for line in open(sys.argv[1]):
    batch = re.match(r"baseOffset: .* producerId: (-?\d+) .* isTransactional: (\w+) isControl", line)
    if batch:
        producer, transactional = batch[1], batch[2] == "true"
        continue
    record = re.match(r"(?:\||\s|-)*offset: (\d+) ", line)
    if not record:
        continue
    marker = re.search(r"endTxnMarker: (\w+)", line)
    if marker:
        offsets = pending.pop(producer, [])
        if marker[1] == "COMMIT":
            expected += offsets
    elif transactional:
        pending.setdefault(producer, []).append(int(record[1]))
    else:
        expected.append(int(record[1]))
read = [json.loads(line)["offset"] for line in open(sys.argv[2])]
assert read == sorted(expected), (read, sorted(expected))
PYTHON
}

@test "what a Kafka broker wrote: every golden topic gives Kafka's own values" {
    for set in plain codecs segmented epochs; do
        for dump in "$MQ_GOLDEN_DIR"/$set/*-0.log.dump.txt*; do
            topic=$(basename "$dump")
            topic=${topic%-0.log.dump.txt*}
            offsets=$(zcat -f "$dump" | grep -aoE '^[|-]?[ -]*offset: [0-9]+' | grep -oE '[0-9]+$' || true)
            [[ -n $offsets ]] || continue
            compared=$((${compared:-0} + 1))
            same "$(mq-consume -q -D "$MQ_GOLDEN_DIR/$set" "$topic" -p 0 -e --control-records -f '%o\n' -o 0)" \
                "$(if [[ $topic == segmented-trimmed ]]; then awk '$1 >= 333' <<<"$offsets"; else echo "$offsets"; fi)"
        done
    done
    [[ $compared -ge 12 ]]
}
