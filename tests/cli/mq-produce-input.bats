# Every form of input of mq-produce, as mq-consume reads it back.
load helpers

show() { mq-consume "$1" -e -f '%k=%s|' "${@:2}"; }
# Lengths tell null (-1) from empty.
sizes() { mq-consume "$1" -e -f '%K %S|' "${@:2}"; }

# All byte values, twice in another order, with every separator that occurs here.
all_bytes() { python3 -c 'import sys; b = bytes(range(256)); sys.stdout.buffer.write(b + b[::-1] + b"\\\\n\\N\n\n\0::,")'; }

@test "wish 2: length-prefixed frames of any bytes come back as they went in" {
    all_bytes >in
    python3 - <<'PYTHON'
import struct
records = [open("in", "rb").read(), b"", b"x" * 70000, b"\n"]
def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])
forms = {
    "u32be": lambda r: struct.pack(">I", len(r)) + r,
    "u32le": lambda r: struct.pack("<I", len(r)) + r,
    "varint": lambda r: varint(len(r)) + r,
    "netstring": lambda r: b"%d:%s," % (len(r), r),
}
for name, frame in forms.items():
    open(name, "wb").write(b"".join(map(frame, records)))
PYTHON
    for framing in u32be u32le varint netstring; do
        mq-produce -q "t-$framing" "$framing" --framing "$framing"
        same "$(mq-consume "t-$framing" -e -f '%S ')" "$(stat -c %s in) 0 70000 1 "
        cmp in <(mq-consume "t-$framing" -o 0:1 -d '')
    done
    # A frame that the input ends inside of, and what is no frame.
    head -c 100 u32be >cut
    status_of 65 mq-produce u cut --framing u32be
    says 'cut: the input ends inside a frame at byte 0'
    printf '2:ab;' >bad
    status_of 65 mq-produce u bad --framing netstring --on-error skip
    says 'bad: a netstring does not end with a comma at byte 4'
}

@test "--framing file: every file is a record; --key-from filename" {
    all_bytes >a
    printf 'two\nlines\n' >b
    : >c
    mq-produce -q t a b c --framing file --key-from filename
    same "$(mq-consume t -e -f '%k %S|')" "a $(stat -c %s a)|b 10|c 0|"
    cmp a <(mq-consume t -o 0:1 -d '')
    mq-produce -q u --framing file - <b
    same "$(show u)" $'=two\nlines\n|'
    mq-produce -q v a b c --framing file --skip-empty
    same "$(mq-consume v -e --count-only)" 2
}

@test "keys and headers by delimiters; names alone have null values" {
    printf 'h1:x,h2:,h3\tk:v\n\tk2:v2\nno headers\n' >in
    mq-produce -q t in -K: --header-delimiter '\t' -H last=1
    same "$(mq-consume t -e --json | jq -c '[.key, .value, [.headers[] | [.key, .value]]]')" \
        '["k","v",[["h1","x"],["h2",""],["h3",null],["last","1"]]]
["k2","v2",[["last","1"]]]
[null,"no headers",[["last","1"]]]'
}

@test "wish 4: --escape: separators inside of keys, values and headers, reversible" {
    printf 'h\\x2C\\x3A:\\t\tk\\x3A\\n:v\\0\\\\\n\\N:\\N\n' >in
    mq-produce -q t in -K: --header-delimiter '\t' --escape
    same "$(mq-consume t -e --json | jq -c '[.key, .value, [.headers[] | [.key, .value]]]')" \
        '["k:\n","v\u0000\\",[["h,:","\t"]]]
[null,null,[]]'
    printf 'fine\nbad\\q\n' >in
    status_of 65 mq-produce t in --escape
    says 'in: an escape is none of'
    says ', line 2 at byte 8'
}

@test "encodings of keys and values" {
    printf '00ff:aGk=\n61:\n' >in
    mq-produce -q t in -K: --key-encoding hex --value-encoding base64
    same "$(mq-consume t -e -f '%k{hex}=%s|')" '00ff=hi|61=|'
    printf '0:aGk=\n' >in
    status_of 65 mq-produce t in -K: --key-encoding hex
    says 'half a byte of hexadecimal digits, line 1 at byte 1'
    printf '0011:aG*k\n' >in
    status_of 65 mq-produce t in -K: --value-encoding base64
    says 'not base64, line 1 at byte 7'
}

@test "wish 17: null is not \"null\", only when asked" {
    printf 'null:null\n' | mq-produce -q t -K:
    same "$(sizes t)" '4 4|'
    printf 'null:NULL\nNULL:\n' | mq-produce -q u -K: --null-marker NULL
    same "$(sizes u)" '4 -1|-1 0|'
    printf ':\n' | mq-produce -q v -K: -Z
    same "$(sizes v)" '-1 -1|'
}

@test "wish 22: empty lines are messages" {
    printf '\n\n' | mq-produce -q t
    same "$(sizes t)" '-1 0|-1 0|'
}

@test "keys of a file, from -k, and 0, 1, 2 again and again" {
    printf 'a\nb' >key
    echo x | mq-produce -q t --key-file key
    same "$(show t)" $'a\nb=x|'
    status_of 66 mq-produce t --key-file missing
    seq 5 | mq-produce -q u --repeating-keys 2
    same "$(show u)" '0=1|1=2|0=3|1=4|0=5|'
}

@test "JSON: what mq-consume --json writes" {
    cat >in <<'JSON'
{"topic":"other","partition":1,"offset":99,"timestamp":1700000000000,"key":"k","value":"/wA=","value_encoding":"base64","headers":[{"key":"b","value":"1"},{"key":"a","value":null},{"key":"b","value":""}]}

{"value":null,"partition":0}
{"value":{"inline":[1, 2]},"key":null,"partition":0}
JSON
    mq-produce -q t in --json --create=2
    same "$(mq-consume t -e -p 1 --json)" \
        '{"topic":"t","partition":1,"offset":0,"timestamp":1700000000000,"key":"k","value":"/wA=","value_encoding":"base64","headers":[{"key":"b","value":"1"},{"key":"a","value":null},{"key":"b","value":""}]}'
    same "$(sizes t -p 0)" '-1 -1|-1 17|'
}

@test "65: malformed JSON is told with its line and byte; what came before stays" {
    printf '{"value":"1"}\n{"value":"2"}\n{"value":3"}\n{"value":"4"}\n' >in
    status_of 65 mq-produce t in --json
    says 'in: malformed JSON: '
    says ', line 3 at byte 38 (offset 1 of t-0 was the last accepted)'
    same "$(show t)" '=1|=2|'
    printf '{"key":"only"}\n' >in
    status_of 65 mq-produce t in --json
    says 'no "value", line 1 at byte 0'
    printf '{"value":"","partition":3}\n' >in
    status_of 66 mq-produce t in --json
    says 'there is no partition 3'
}

@test "wish 1 and 3: consume into produce into consume gives the same bytes, keys, headers, timestamps, partitions" {
    python3 - >in <<'PYTHON'
import base64, json, random
random.seed(7)
def field(name, raw):
    if raw is None: return {name: None}
    return {name: base64.b64encode(raw).decode(), name + "_encoding": "base64"}
def some():
    return random.choice([None, b"", b"\n", b"\0", bytes(random.randrange(256) for _ in range(random.randrange(40)))])
for i in range(2000):
    record = {"partition": random.randrange(3), "timestamp": 1700000000000 + random.randrange(10**9)}
    record |= field("key", some()) | field("value", some())
    record["headers"] = [field("key", some() or b"h") | field("value", some()) for _ in range(random.randrange(4))]
    print(json.dumps(record))
PYTHON
    mq-topics create A -p 3 -C retention.ms=-1 2>/dev/null || mq-produce -q A --create=3 </dev/null
    mq-topics create B -p 3 -C retention.ms=-1 2>/dev/null || mq-produce -q B --create=3 </dev/null
    mq-topics create C -p 3 -C retention.ms=-1 2>/dev/null || mq-produce -q C --create=3 </dev/null
    mq-produce -q A in --json -z zstd
    same "$(mq-consume A -e --count-only | tail -1)" "$(mq-consume A -e --count-only | tail -1)"
    canonical() { mq-consume "$1" -e --json | sed "s/\"topic\":\"$1\"/\"topic\":\"\"/" | sort; }
    mq-consume A -e --json | mq-produce -q B --json
    cmp <(canonical A) <(canonical B)
    mq-consume A -e --framing kbatch | mq-produce -q C --framing kbatch
    cmp <(canonical A) <(canonical C)
    [[ $(canonical A | wc -l) -eq 2000 ]]
}

@test "--framing kbatch: batches whole, restamped, their checksums verified" {
    seq 1 1000 | mq-produce -q a -z gzip -H h=1
    seq 1001 2000 | mq-produce -q a
    cp data/a-0/00000000000000000000.log in
    echo before | mq-produce -q b
    mq-produce -q b in --framing kbatch
    cmp <(mq-consume b -e -o 1:) <(seq 1 2000)
    mq-dump-segment --check data/b-0
    same "$(mq-consume b -o 1:2 -f '%a %h %o')" 'gzip h=1 1'
    python3 - <<'PYTHON'
data = bytearray(open("in", "rb").read())
data[100] ^= 1
open("bad", "wb").write(data)
PYTHON
    status_of 65 mq-produce b bad --framing kbatch
    says 'bad: stored crc'
    printf 'no batch at all, but long enough to hold the header of one, or is it not?' >bad
    status_of 65 mq-produce b bad --framing kbatch
    says 'at byte 0'
}

@test "templates: the verbs of mq-consume's formats, the other way round" {
    printf 'a,1\nb,2,3\n' | mq-produce -q t -f '%k,%v\n'
    same "$(show t)" 'a=1|b=2,3|'
    mq-consume t -e -f '%K{u32be}%S{u32be}%k%s' >framed
    mq-produce -q u framed -f '%K{u32be}%S{u32be}%k%s'
    same "$(show u)" 'a=1|b=2,3|'
    printf '1 1700000000000 x=1,y=, 6b:dg==\n' >in
    mq-produce -q v in --create=2 -f '%p %T %h{%k=%v,} %k{hex}:%v{base64}\n'
    same "$(mq-consume v -e -f '%p %T %h %k %s')" '1 1700000000000 x=1,y= k v'
    printf 'abc123\nx9\n' | mq-produce -q w -f '%k{re[[a-z]+]}%v{re[[0-9]+]}'
    same "$(show w)" 'abc=123|x=9|'
    printf '{"a":\n1} [2]\n' | mq-produce -q x -f '%k{json} %v{json}\n'
    same "$(show x)" $'{"a":\n1}=[2]|'
    printf 'a,1\nbroken\n' >in
    status_of 65 mq-produce y in -f '%k,%v\n'
    says 'in: the input ends inside a record'
}

@test "Kafka's spellings: parse.key, parse.headers, null.marker; aliases" {
    printf 'h:1\tk|v\n' | mq-produce -q -t t --property parse.key=true --property key.separator='|' --property parse.headers=true
    same "$(mq-consume t -e -f '%h %k %s')" 'h=1 k v'
    printf 'k\tNULL\n' | mq-produce -q --topic u --reader-property parse.key=true --property null.marker=NULL \
        --request-required-acks -1 --message-send-max-retries 3 --timeout 1000 --compression-codec gzip
    same "$(mq-consume u -e -f '%k %S %a')" 'k -1 gzip'
    printf 'no key\n' >in
    status_of 65 mq-produce u in --property parse.key=true
    says 'no key separator, line 1 at byte 0'
    mq-produce -q u in --property parse.key=true --property ignore.error=true
    same "$(mq-consume u -o -1:end)" 'no key'
}

@test "-F and -X: keys that mean something count, others are named, options beat them" {
    printf '# a comment\ncompression.type=zstd\nlinger.ms=1\nbatch.size=16384\nacks=all\nbuffer.memory=33554432\n' >producer.properties
    seq 1000 >in
    mq-produce t in -F producer.properties -X client.id=me 2>words
    grep 'setting buffer.memory has no meaning here' words
    grep 'setting client.id has no meaning here' words
    [[ $(wc -l <words) -eq 3 ]]
    same "$(mq-consume t -o 0:1 -f %a)" zstd
    mq-produce -q u in --producer.config producer.properties -z none
    same "$(mq-consume u -o 0:1 -f %a)" none
    mq-produce -q v in -F producer.properties -X compression.type=lz4
    same "$(mq-consume v -o 0:1 -f %a)" lz4
    status_of 66 mq-produce t in -F missing.properties
    status_of 65 mq-produce t in -X max.request.size=70
}

@test "--on-error: skip and file go on with the next record, and the tool exits with 1" {
    printf '{"value":"1"}\nbad\n{"value":"3"}\n' >in
    status_of 1 mq-produce t in --json --on-error skip
    [[ $stderr == *'passed over: in: malformed JSON'*', line 2 at byte 14'* ]]
    [[ $stderr == *'2 records, 2 bytes, 1 partition, flushed; 1 record passed over' ]]
    same "$(show t)" '=1|=3|'
    status_of 1 mq-produce u in --json --on-error file:errors
    same "$(cat errors)" bad
    { echo first; head -c 3000000 /dev/zero | tr '\0' x; echo; echo last; } >in
    status_of 1 mq-produce v in --on-error skip
    [[ $stderr == *"is over the topic's limit of 1048588 bytes"* ]]
    same "$(show v)" '=first|=last|'
}

@test "-c, --repeat, stdin too" {
    seq 10 >in
    mq-produce -q t in -c 3
    same "$(show t)" '=1|=2|=3|'
    printf 'a\nb\n' | mq-produce -q u --repeat 3
    same "$(show u)" '=a|=b|=a|=b|=a|=b|'
    mq-produce -q v in --repeat 2 -c 12
    same "$(mq-consume v -e | wc -l)" 12
}

@test "--generate" {
    mq-produce -q t --generate seq -c 4 --repeating-keys 3
    same "$(show t)" '0=1|1=2|2=3|0=4|'
    mq-produce -q u --generate random:11 -c 100
    same "$(mq-consume u -e | grep -cE '^[A-Z]{11}$')" 100
    [[ $(mq-consume u -e | sort -u | wc -l) -gt 90 ]]
    printf 'one\ntwo\n' >lines
    mq-produce -q v --generate file:lines -c 50
    same "$(mq-consume v -e | sort -u)" $'one\ntwo'
    status_of 66 mq-produce v --generate file:missing -c 1
}
