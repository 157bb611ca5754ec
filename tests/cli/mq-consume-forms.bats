# The forms that mq-consume prints in, and that mq-produce reads back.
load helpers

# Records of every kind: null and empty keys and values, any bytes, headers in order, twice and null, times, partitions.
strange_records() {
    python3 - <<'PYTHON'
import base64, json
every = bytes(range(256))
b64 = lambda raw: base64.b64encode(raw).decode()
def record(partition, timestamp, key, value, headers=()):
    out = {"partition": partition, "timestamp": timestamp, "headers": []}
    def put(into, name, raw):
        if raw is None: into[name] = None
        else: into.update({name: b64(raw), name + "_encoding": "base64"})
    put(out, "key", key)
    put(out, "value", value)
    for name, raw in headers:
        header = {"key": name}
        put(header, "value", raw)
        out["headers"].append(header)
    print(json.dumps(out))
time = 1700000000000
for partition in range(3):
    record(partition, time, None, b"")
    record(partition, time + 5, b"", None)
    record(partition, time - 7, every, every + every)
    record(partition, 0, b"k", b"v", [("a", b"1"), ("b", None), ("a", b""), ("", every), ("a", b"1")])
    record(partition, time, "schlüssel".encode(), "\u0000\n\t\\N\r".encode())
    for i in range(50): record(partition, time + i, str(i).encode(), b"x" * i)
PYTHON
}

# What a topic holds but for its name.
content() { mq-consume "$1" -e --json | jq -cS 'del(.topic)'; }

@test "wish 1: the lossless pipe through --json" {
    strange_records | mq-produce -q a --create=3 --json
    [[ $(mq-consume a -e --count-only) -eq 165 ]]
    mq-consume a -e --json | mq-produce -q b --create=3 --json
    diff <(content a) <(content b)
}

@test "wish 1: the lossless pipe through --framing kbatch, whatever the codec" {
    for codec in none gzip snappy lz4 zstd; do
        strange_records | mq-produce -q a-$codec --create=3 --json -z $codec
        mq-consume a-$codec -e --framing kbatch | mq-produce -q b-$codec --create=3 --framing kbatch
        diff <(content a-$codec) <(content b-$codec)
        same "$(mq-consume b-$codec -e -f '%a\n' | sort -u)" "$codec"
    done
}

@test "kbatch: exactly the records that were asked for, also inside of batches" {
    seq 0 99 | mq-produce -q t
    copied() {
        rm -rf copy
        mq-consume t -e --framing kbatch "$@" | mq-produce -q -D copy c --framing kbatch
        mq-consume -D copy c -e -d ' '
    }
    same "$(copied -o 7:12)" '7 8 9 10 11 '
    same "$(copied -o 97)" '97 98 99 '
    same "$(copied -c 3)" '0 1 2 '
    same "$(copied --tail 2)" '98 99 '
    same "$(copied | wc -w)" 100
    # Batches of the oldest formats are not appended any more: they are encoded anew.
    for topic in $(cd "$MQ_GOLDEN_DIR/codecs" && ls -d *-0 | sed 's/-0$//'); do
        rm -rf copy
        mq-consume -q -D "$MQ_GOLDEN_DIR/codecs" "$topic" -p 0 -e --framing kbatch | mq-produce -q -D copy c --framing kbatch
        diff <(mq-consume -q -D "$MQ_GOLDEN_DIR/codecs" "$topic" -p 0 -e -f '%T %k %s %h\n') <(mq-consume -D copy c -e -f '%T %k %s %h\n')
    done
    status_of 64 mq-consume t -e --framing kbatch --json
    status_of 64 mq-consume t -e --framing kbatch -m key=a
}

@test "wish 2: lengths in front of records: nothing is added or dropped" {
    printf 'a\0\n:b\0\0c\nd\0' | mq-produce -q -0 t
    same "$(mq-consume t -e --framing u32be | od -An -c | tr -d ' \n')" '\0\0\0\004a\0\0\0\003\n:b\0\0\0\0\0\0\0\003c\nd' ||
        mq-consume t -e --framing u32be | od -An -c
}

@test "wish 2: frames as another implementation reads them" {
    python3 -c 'import sys; sys.stdout.buffer.write(b"".join(bytes([i % 256]) * i + b"\0" for i in range(1, 300) if i % 256))' >in
    mq-produce -q -0 t in
    for framing in u32be u32le varint netstring; do
        mq-consume t -e --framing $framing >framed
        python3 - $framing <<'PYTHON'
import struct, sys
data, at, frames = open("framed", "rb").read(), 0, []
while at < len(data):
    form = sys.argv[1]
    if form in ("u32be", "u32le"):
        size = struct.unpack_from(">I" if form == "u32be" else "<I", data, at)[0]
        at += 4
    elif form == "varint":
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128: break
    else:
        colon = data.index(b":", at)
        size = int(data[at:colon])
        at = colon + 1
    frames.append(data[at:at + size])
    at += size
    if form == "netstring":
        assert data[at:at + 1] == b","
        at += 1
assert frames == [bytes([i % 256]) * i for i in range(1, 300) if i % 256], len(frames)
PYTHON
        mq-produce -q copy-$framing --framing $framing framed
        diff <(mq-consume t -e -0) <(mq-consume copy-$framing -e -0)
    done
    same "$(mq-consume t -e -c 1 --framing netstring -f '%o=%s')" "$(printf '3:0=\001,')"
}

@test "wish 4: --escape is reversible, with keys, headers and nulls" {
    strange_records | grep -v '"key": ""' >in
    mq-produce -q a --create=3 --json in
    for separators in '-K\t' '-K: --header-delimiter=;' '-d; -K,'; do
        rm -rf copy
        mq-consume a -e -p 1 --escape $separators | mq-produce -q -D copy c --escape $separators
        fields='{key, value, key_encoding, value_encoding}'
        [[ $separators != *header* ]] || fields='{key, value, key_encoding, value_encoding, headers}'
        diff <(mq-consume a -e -p 1 --json | jq -c "$fields") <(mq-consume -D copy c -e --json | jq -c "$fields")
    done
    status_of 64 mq-consume a -e --escape -K n
    says 'cannot be told from an escape'
}

@test "--header-delimiter" {
    printf 'v\n' | mq-produce -q t -k k -H a=1 -H b -H a=2
    same "$(mq-consume t -e --header-delimiter ' ' -K '=')" 'a:1,b,a:2 k=v'
}

@test "wish 17: null is not 'null', nor empty, unless asked" {
    printf ':v\nk:\n' | mq-produce -q t -K: -Z
    same "$(mq-consume t -e -K:)" "$(printf ':v\nk:')"
    same "$(mq-consume t -e -K: --null-marker NULL)" "$(printf 'NULL:v\nk:NULL')"
    same "$(mq-consume t -e --json | jq -c .value)" "$(printf '"v"\nnull')"
    same "$(mq-consume t -e --json=inline | jq -c .value)" "$(printf '"v"\nnull')"
}

@test "wish 22: empty lines are records" {
    printf '\n\na\n\n' | mq-produce -q t
    same "$(mq-consume t -e | od -An -c | tr -d ' ')" '\n\na\n\n'
}

@test "--split-dir: a file for each record, never outside of the directory" {
    printf 'one:1\n../up:2\n/etc/x:3\n.hidden:4\n:5\n..:6\n' | mq-produce -q t -K:
    mq-consume t -e --split-dir made --name %k >names
    same "$(ls -A made)" "$(LC_ALL=C printf '_\n_._up\n_etc_x\n_hidden\none\n' | sort | LC_ALL=C sort)" || ls -A made
    same "$(cat made/one made/_._up made/_etc_x made/_hidden)" 1234
    [[ ! -e up && ! -e ../up ]]
    mq-consume t -e -0 --split-dir all | xargs -0 cat >joined
    same "$(cat joined)" 123456
    same "$(ls all | head -1)" t-0-0
    mq-consume t -e -c 1 --split-dir json --json >/dev/null
    same "$(jq -r .value json/t-0-0)" 1
    # A symbolic link in the way is replaced, not followed.
    echo mine >precious
    ln -s ../precious made/two
    printf 'two:x\n' | mq-produce -q u -K:
    mq-consume u -e --split-dir made --name %k >/dev/null
    same "$(cat precious made/two)" "$(printf 'mine\nx')"
    long=$(printf '%0300d' 0)
    echo "$long:y" | mq-produce -q l -K:
    mq-consume l -e --split-dir made --name %k
    same "$(cat made/"${long:0:251}"~0-0)" y
    status_of 64 mq-consume t -e --name %k
}

@test "Kafka's spellings of its console consumer" {
    printf 'k:v\n' | mq-produce -q t -K: --timestamp 1700000000000 -H a=1 -H b=2
    printf 'w\n' | mq-produce -q t --timestamp 1700000000001
    # As kafka-console-consumer prints it: org.apache.kafka.tools.consumer.DefaultMessageFormatter.
    same "$(mq-consume --topic t --from-beginning --max-messages 2 --property print.timestamp=true --property print.partition=true \
        --property print.offset=true --property print.headers=true --property print.key=true)" \
        "$(printf 'CreateTime:1700000000000\tPartition:0\tOffset:0\ta:1,b:2\tk\tv\nCreateTime:1700000000001\tPartition:0\tOffset:1\tNO_HEADERS\tnull\tw')"
    same "$(mq-consume --include 't|x' --timeout-ms 0 --formatter-property print.key=true --property key.separator=: --property null.literal=-)" \
        "$(printf 'k:v\n-:w')"
    same "$(mq-consume --topic t --partition 0 --offset 1 --timeout-ms 0 --property print.value=false --property print.offset=true)" Offset:1
    same "$(mq-consume --topic t --offset earliest -e --isolation-level read_committed --formatter kafka.tools.DefaultMessageFormatter | wc -l)" 2
    status_of 64 mq-consume t -e --formatter com.example.Mine
    says 'is Java code'
    status_of 64 mq-consume t -e --property print.bogus=true
    status_of 64 mq-consume t -e --property print.key=maybe
    status_of 0 mq-consume t -e --rack r1 --retry forever -X fetch.min.bytes=1
    says '--rack means nothing' 3
    printf 'isolation.level=read_committed\nauto.offset.reset=latest\n' >settings
    status_of 0 mq-consume t -e --consumer.config settings
    same "$output" ''
    status_of 64 mq-consume t -e -F missing
    says 'No such file'
}

@test "--decode: the records of the internal topics" {
    find "$MQ_GOLDEN_DIR" -maxdepth 2 -name '__consumer_offsets-*' -type d | sed 's,/[^/]*$,,' | sort -u >sets
    [[ -s sets ]]
    while read -r set; do
        mq-consume -q -D "$set" __consumer_offsets -e --decode offsets >>decoded
        mq-consume -q -D "$set" __consumer_offsets -e --json >>raw
    done <sets
    same "$(wc -l <decoded)" "$(wc -l <raw)"
    ! grep -q '"undecoded"' decoded || false
    # The same by hand: an offset commit's key is int16 version, then group and topic with int16 lengths, int32 partition.
    python3 - <<'PYTHON'
import base64, json, struct
def raw(record, name):
    text = record[name]
    if text is None: return None
    return base64.b64decode(text) if record.get(name + "_encoding") else text.encode()
commits = 0
for decoded, plain in zip(open("decoded"), open("raw")):
    decoded, key, value = json.loads(decoded), raw(json.loads(plain), "key"), raw(json.loads(plain), "value")
    version = struct.unpack_from(">h", key)[0]
    if version > 1: continue
    commits += 1
    at, texts = 2, []
    for _ in range(2):
        size = struct.unpack_from(">h", key, at)[0]
        texts.append(key[at + 2:at + 2 + size].decode())
        at += 2 + size
    partition = struct.unpack_from(">i", key, at)[0]
    found = decoded["key"]
    assert (found["group"], found["topic"], found["partition"]) == (*texts, partition), (decoded, key)
    if value is None: assert decoded["value"] is None
    else: assert decoded["value"]["offset"] == struct.unpack_from(">q", value, 2)[0], decoded
assert commits > 0
PYTHON
    group=$(jq -r 'select(.key.type == "offset_commit") | .key.group' decoded | head -1)
    while read -r set; do
        mq-consume -q -D "$set" __consumer_offsets -e --decode offsets -m "group=$group" || true
    done <sets >of-group
    same "$(jq -r .key.group of-group | sort -u)" "$group"
}

@test "--decode txn" {
    set=$(dirname "$(find "$MQ_GOLDEN_DIR" -maxdepth 2 -name '__transaction_state-*' -type d | head -1)")
    mq-consume -q -D "$set" __transaction_state -e --decode txn >decoded
    [[ $(jq -r .value.state decoded | grep -c CompleteCommit) -gt 0 ]]
    id=$(jq -r .key.transactional_id decoded | head -1)
    same "$(mq-consume -q -D "$set" __transaction_state -e --decode txn -m "transactional_id=$id" | jq -r .key.transactional_id | sort -u)" "$id"
}

@test "--replay keeps the pace of the timestamps" {
    for i in 0 1 2; do echo $i | mq-produce -q t --timestamp 170000000000$((i * 3)); done
    same "$(mq-consume t -e --replay -d ' ')" '0 1 2 '
    same "$(mq-consume t -e --replay=1000x -d ' ')" '0 1 2 '
    printf 'late\n' | mq-produce -q t --timestamp 1700003600
    # The last one is due in an hour: the time-out ends the wait for it, and what came before has been printed.
    times_out '[[ $output == "0 1 2 " ]]' mq-consume t -e --replay -d ' '
    status_of 64 mq-consume t -e --replay=0
    status_of 64 mq-consume t -e --replay=fast
}

@test "--stats, --utc, --line-buffered and --block-buffered" {
    seq 1 9 | mq-produce -q t
    status_of 0 mq-consume t -e -q --stats --utc
    says '9 records of 1 partition'
    same "$(mq-consume t -e --line-buffered)" "$(seq 1 9)"
    same "$(mq-consume t -e --block-buffered)" "$(seq 1 9)"
    strace -f -e trace=write -o calls mq-consume t -e --line-buffered >/dev/null
    same "$(grep -c 'write(1,' calls)" 9
    strace -f -e trace=write -o calls mq-consume t -e >/dev/null
    same "$(grep -c 'write(1,' calls)" 1
}

@test "--events-fd tells of start, partitions and end" {
    seq 1 3 | mq-produce -q t
    mq-consume t -e --events-fd 9 9>events >/dev/null
    same "$(jq -r .event events | tr '\n' ' ')" 'partition started ended '
    same "$(jq -c 'select(.event == "partition") | [.topic, .partition, .from, .until]' events)" '["t",0,0,3]'
    same "$(jq -c 'select(.event == "ended") | [.records, .status]' events)" '[3,0]'
}
