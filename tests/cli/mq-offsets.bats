# What mq-offsets shows and prints. --plain and --json are frozen: a change here is a change for scripts.
load helpers

# Ten records in t-0, five in t-1, of group g: 3 and 5.
fill() {
    mq-topics -q create t -p 2
    seq 1 10 | mq-produce -q t -p 0 --timestamp 1700000000000
    seq 1 5 | mq-produce -q t -p 1 --timestamp 1700000000000
    mq-offsets -q set g t:0=3 t:1=5 >/dev/null
}
golden() {
    cp -r "$MQ_GOLDEN_DIR/offsets" data
    chmod -R u+w data
    rm -f data/*.txt
}
# What the dump of Kafka's own tool says was committed last: group, topic, partition, offset. One group committed in
# transactions, the last of which was aborted.
dumped_offsets() {
    cat "$MQ_GOLDEN_DIR"/offsets/*.log.offsets-decoder.dump.txt | awk '
        match($0, /offset_commit::group=.*,partition=/) {
            split($0, parts, /offset_commit::group=|,partition=| payload: /)
            key = parts[2] "\t" parts[3]
            if (parts[4] ~ /DELETE/ || parts[4] ~ /aborted/) { if (parts[4] ~ /DELETE/) delete last[key] }
            else { sub(/^offset=/, "", parts[4]); sub(/,.*/, "", parts[4]); last[key] = parts[4] }
        }
        END { for (key in last) print key "\t" last[key] }' | sed -E 's/\t(.*)-([0-9]+)\t/\t\1\t\2\t/' | LC_ALL=C sort
}

@test "what a Kafka broker committed is what its dump tool says" {
    golden
    dumped_offsets >expected
    [[ $(wc -l <expected) -eq 34 ]]
    mq-offsets describe --all --plain --fields group,topic,partition,current_offset 2>/dev/null | LC_ALL=C sort | diff expected -
    mq-offsets export --all --format tsv | LC_ALL=C sort | diff expected -
    cut -f1 expected | uniq | LC_ALL=C sort -u | diff - <(mq-offsets list --names | LC_ALL=C sort)
}

@test "members and states of a Kafka broker's groups are shown" {
    golden
    same "$(mq-offsets list --plain --state stable)" $'static-group\tStable\tClassic\t1\t4'
    same "$(mq-offsets describe --state managed-StickyAssignor static-group --plain)" $'managed-StickyAssignor\t-\tEmpty\t0\t4\t4\nstatic-group\trange\tStable\t1\t1\t4'
    member=$(grep -ah -o 'instance-1-[0-9a-f-]*' "$MQ_GOLDEN_DIR"/offsets/*decoder.dump.txt | head -1)
    same "$(mq-offsets describe --members static-group --json)" '{"group":"static-group","consumer_id":"'"$member"'","host":"/127.0.0.1","client_id":"consumer-static-group-instance-1","partitions":4,"group_instance_id":"instance-1","pid":null,"assignment":["grp-0","grp-1","grp-2","grp-3"],"next_assignment":[],"topics":["grp"]}'
    same "$(mq-offsets describe static-group --plain --fields partition,consumer_id | head -1)" $'0\t'"$member"
}

@test "metadata and commit times of a Kafka broker are shown with -v" {
    golden
    same "$(mq-offsets describe simple-group --plain --fields partition,metadata,commit_timestamp)" \
        $'0\t-\t1795292413081\n3\twith leader epoch\t1795292413081' ||
        same "$(mq-offsets describe simple-group --plain --fields partition,metadata)" $'0\t-\n3\twith leader epoch'
    mq-offsets describe simple-group -v | head -1 | grep -q 'LEADER-EPOCH.*COMMITTED.*METADATA.*NOTE'
    mq-offsets describe txn-group --json 2>/dev/null | jq -e '.current_offset == 7 and .metadata == "txn offset" and .log_end_offset == null' >/dev/null
}

@test "groups of a Kafka broker can be reset, compacted and deleted" {
    golden
    mq-offsets reset managed-StickyAssignor grp --to 5 -y >/dev/null
    mq-offsets delete kcat-group -y >/dev/null
    mq-offsets compact --plain | cut -f1 | uniq | grep -qx __consumer_offsets
    same "$(mq-offsets describe managed-StickyAssignor --plain --fields partition,current_offset)" $'0\t5\n1\t5\n2\t5\n3\t5'
    status_of 66 mq-offsets describe kcat-group
    same "$(mq-offsets describe managed-RangeAssignor --plain --fields current_offset | uniq)" 50
    mq-offsets -q fsck
}

@test "list" {
    fill
    mq-offsets -q set other t:1=1 >/dev/null
    mq-topics -q create u
    mq-offsets -q set third u:0=0 >/dev/null
    same "$(mq-offsets list)" $'GROUP  STATE  TYPE     MEMBERS  PARTITIONS\ng      Empty  Classic        0           2\nother  Empty  Classic        0           1\nthird  Empty  Classic        0           1'
    same "$(mq-offsets list --names)" $'g\nother\nthird'
    same "$(mq-offsets list --names -r '.*r.*')" $'other\nthird'
    same "$(mq-offsets list --names -r 'g|x')" g
    same "$(mq-offsets list --names --topic u)" third
    same "$(mq-offsets list --names --state Empty,stable)" $'g\nother\nthird'
    same "$(mq-offsets list --names --state stable)" ''
    same "$(mq-offsets list --names --type consumer)" ''
    same "$(mq-offsets list g --json)" '{"group":"g","state":"Empty","type":"Classic","members":0,"partitions":2}'
    status_of 66 mq-offsets list nosuch
}

@test "wish 12: describe is frozen in --plain and --json" {
    fill
    mq-offsets describe g --json >rows
    same "$(jq -c 'del(.time_lag_ms, .commit_timestamp)' rows | head -1)" '{"group":"g","topic":"t","partition":0,"current_offset":3,"log_end_offset":10,"lag":7,"consumer_id":null,"host":null,"client_id":null,"log_start_offset":0,"leader_epoch":0,"metadata":null,"note":null}'
    jq -es '.[0].time_lag_ms > 86400000 and .[1].time_lag_ms == 0' rows >/dev/null
    same "$(mq-offsets describe g --plain | cut -f1-6,8-12)" $'g\tt\t0\t3\t10\t7\t-\t-\t-\t0\t0\ng\tt\t1\t5\t5\t0\t-\t-\t-\t0\t0'
    same "$(mq-offsets describe g --fields topic,partition,lag)" $'TOPIC  PARTITION  LAG\nt              0    7\nt              1    0'
    mq-offsets describe g | head -1 | grep -qx 'GROUP  TOPIC  PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG  *TIME-LAG  CONSUMER-ID  HOST  CLIENT-ID'
    same "$(mq-offsets describe g --only-lag --plain --fields partition)" 0
    same "$(mq-offsets describe -r '[gx]' --plain --fields partition)" $'0\n1'
}

@test "lag does not count what was dropped below the log start, and says that the offset is gone" {
    fill
    mq-topics -q trim t --before 6 -y -p 0 >/dev/null
    status_of 0 mq-offsets describe g --plain --fields partition,current_offset,lag,note
    same "$output" $'0\t3\t4\tthe group has committed offset 3, which is gone: going on at the start of the log, 6\n1\t5\t0\t-'
    says "group 'g': t-0: the group has committed offset 3, which is gone"
}

# A directory whose log is another than the one that the commits are of: $1 records, and this history of epochs.
other_log() {
    seq 1 "$1" | mq-produce -q t -p 0 -D short --create=2
    mkdir lost
    cp -r short/t-0 short/t-1 short/mq-topics.json lost
    cp -r data/__consumer_offsets-* lost
    [[ -z ${2-} ]] || printf '%s' "$2" >lost/t-0/leader-epoch-checkpoint
}

@test "REC-3: a commit behind the end of the log is shown as such" {
    fill
    mq-offsets -q set g t:0=10 -y >/dev/null
    other_log 4
    status_of 0 mq-offsets describe g -D lost --json
    same "$(jq -c '[.partition, .current_offset, .lag, .note]' <<<"$output" | head -1)" '[0,10,0,"the group has committed offset 10, which lies behind the end of the log, 4: going on there"]'
    says 'which lies behind the end of the log, 4' 2
}

@test "REC-3: a commit behind the end of its leader epoch is shown as such" {
    fill
    mq-offsets -q set g t:0=10 -y >/dev/null
    other_log 20 $'0\n2\n0 0\n1 6\n'
    status_of 0 mq-offsets describe g -D lost --json
    same "$(jq -c '[.partition, .current_offset, .lag, .note]' <<<"$output" | head -1)" '[0,10,14,"the group has committed offset 10, but a crash of the machine cut the log at 6: going on there"]'
}

@test "export: the two shapes of kafka-consumer-groups, byte for byte" {
    fill
    same "$(mq-offsets export g | od -c | head -1)" "$(printf 't,0,3\nt,1,5\n' | od -c | head -1)"
    mq-offsets -q set 'two words' t:0=1 >/dev/null
    mq-offsets -q set a-name-of-25-characters-xx t:0=2 >/dev/null
    mq-offsets export --all >all
    diff all - <<<'"a-name-of-25-characters-xx",t,0,2
g,t,0,3
g,t,1,5
"two words",t,0,1'
    same "$(mq-offsets export g 'two words' --format tsv)" $'g\tt\t0\t3\ng\tt\t1\t5\ntwo words\tt\t0\t1'
    same "$(mq-offsets export g --format json | jq -c 'del(.commit_timestamp)' | head -1)" '{"group":"g","topic":"t","partition":0,"offset":3,"leader_epoch":0,"metadata":""}'
}

@test "import takes back what export wrote, in every format" {
    fill
    for format in csv tsv json; do
        mq-offsets export --all --format $format >file
        mq-offsets -q delete g -y >/dev/null
        same "$(mq-offsets import file --plain)" $'g\tt\t0\t3\t-\ng\tt\t1\t5\t-'
        mq-offsets export g --format csv >short
        mq-offsets -q delete g -y >/dev/null
        mq-offsets -q import - --group g <short >/dev/null
        same "$(mq-offsets export g)" $'t,0,3\nt,1,5'
    done
    printf 'g,t,0,4\nh,t,1,2\n' >two
    mq-offsets -q import two -y >/dev/null
    same "$(mq-offsets export --all)" $'g,t,0,4\ng,t,1,5\nh,t,1,2'
    printf 't,0,-1\n' | mq-offsets -q import - -g g -y >/dev/null
    same "$(mq-offsets export g)" 't,1,5'
}

@test "peek" {
    fill
    same "$(mq-offsets peek g t:0 -B 2 -A 1 --plain --fields offset,read,value)" $'1\tyes\t2\n2\tyes\t3\n3\tno\t4'
    same "$(mq-offsets peek g t -B 1 -A 1 --plain --fields partition,offset,read)" $'0\t2\tyes\n0\t3\tno\n1\t4\tyes'
    mq-topics -q create holes -C cleanup.policy=compact
    printf 'a:1\nb:2\na:3\na:4\na:5\na:6\na:7\nc:8\n' | mq-produce -q holes -K:
    mq-topics -q compact holes >/dev/null
    mq-offsets -q set g holes:0=7 >/dev/null
    same "$(mq-offsets peek g holes -B 2 -A 5 --json | jq -c '[.offset, .read, .key]')" $'[1,true,"b"]\n[6,true,"a"]\n[7,false,"c"]'
}

@test "lag: limits, Nagios, Prometheus" {
    fill
    same "$(mq-offsets lag g --plain --fields group,lag,partitions,status)" $'g\t7\t2\tok'
    status_of 0 mq-offsets lag g --warn 7 --crit 8
    status_of 1 mq-offsets lag g --warn 6 --plain --fields status
    same "$output" warning
    status_of 1 mq-offsets lag g --warn 3 --crit 6 --plain --fields status
    same "$output" critical
    status_of 0 mq-offsets lag g --topic u --warn 0
    status_of 0 mq-offsets lag g --nagios --warn 7 --crit 8
    same "$output" "LAG OK - g: 7 records | 'g'=7;7;8;0"
    status_of 1 mq-offsets lag g --nagios --warn 6 --crit 8
    same "$output" "LAG WARNING - g: 7 records | 'g'=7;6;8;0"
    status_of 2 mq-offsets lag g --nagios --crit 6
    same "$output" "LAG CRITICAL - g: 7 records | 'g'=7;;6;0"
    status_of 3 mq-offsets lag nosuch --nagios
    same "$output" "LAG UNKNOWN - group 'nosuch': no such group"
    status_of 3 mq-offsets lag g --nagios -D nosuch
    mq-offsets -q set 'say "hi"' t:0=9 >/dev/null
    mq-offsets lag --all --prometheus | grep -v seconds >text
    diff text - <<'END'
# HELP kafka_consumergroup_current_offset Offset that the group has committed.
# TYPE kafka_consumergroup_current_offset gauge
kafka_consumergroup_current_offset{consumergroup="g",topic="t",partition="0"} 3
kafka_consumergroup_current_offset{consumergroup="g",topic="t",partition="1"} 5
kafka_consumergroup_current_offset{consumergroup="say \"hi\"",topic="t",partition="0"} 9
# HELP kafka_consumergroup_log_end_offset Offset of the next record of the partition.
# TYPE kafka_consumergroup_log_end_offset gauge
kafka_consumergroup_log_end_offset{consumergroup="g",topic="t",partition="0"} 10
kafka_consumergroup_log_end_offset{consumergroup="g",topic="t",partition="1"} 5
kafka_consumergroup_log_end_offset{consumergroup="say \"hi\"",topic="t",partition="0"} 10
# HELP kafka_consumergroup_lag Records that the group has not read.
# TYPE kafka_consumergroup_lag gauge
kafka_consumergroup_lag{consumergroup="g",topic="t",partition="0"} 7
kafka_consumergroup_lag{consumergroup="g",topic="t",partition="1"} 0
kafka_consumergroup_lag{consumergroup="say \"hi\"",topic="t",partition="0"} 1
END
}

@test "wait ends when the group has read its topics, and with 124 when it does not" {
    fill
    status_of 124 mq-offsets wait g --timeout 10ms
    says "group 'g': 7 records left"
    status_of 0 mq-offsets wait g --lag 7
    mq-offsets wait g --timeout 1m &
    waiter=$!
    mq-offsets -q set g t:0=9 -y >/dev/null
    mq-offsets -q set g t:0=end -y >/dev/null
    wait $waiter
}

@test "fsck, compact, expire" {
    fill
    for i in {1..5}; do mq-offsets -q set g t:0=$i -y >/dev/null; done
    status_of 0 mq-offsets fsck
    same "$output" ''
    says '0 problems'
    same "$(mq-offsets compact --plain | cut -f1,3,4)" $'__consumer_offsets\t7\t2'
    same "$(mq-offsets export g)" $'t,0,5\nt,1,5'
    mq-offsets -q fsck
    same "$(mq-offsets expire -n)" ''
    same "$(mq-offsets expire -n --older-than 0 --plain)" $'g\tt\t0\ng\tt\t1'
    status_of 64 mq-offsets expire --older-than 0
    says 'forget t-0' 3
    same "$(mq-offsets expire -y --older-than 1h --plain)" ''
    same "$(mq-offsets expire -y --older-than 0 --plain)" $'g\tt\t0\ng\tt\t1'
    same "$(mq-offsets list --names)" ''
}

@test "a topic that is deleted is forgotten by its groups: made again it is read from its start" {
    fill
    mq-topics -q create u
    mq-offsets -q set g u:0=0 >/dev/null
    mq-topics -q delete t -y
    same "$(mq-offsets export g)" 'u,0,0'
    mq-topics -q create t -p 2
    same "$(mq-offsets export g)" 'u,0,0'
}

@test "Kafka's spelling: list, describe" {
    fill
    same "$(mq-offsets --bootstrap-server= --list 2>/dev/null || mq-offsets --list)" g
    same "$(mq-offsets --list --state)" "$(mq-offsets list)"
    same "$(mq-offsets --list --state=Stable)" ''
    status_of 0 mq-offsets --describe --group g --timeout 5000
    same "$output" $'GROUP  TOPIC  PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG  CONSUMER-ID  HOST  CLIENT-ID\ng      t              0               3              10    7  -            -     -\ng      t              1               5               5    0  -            -     -'
    says "Consumer group 'g' has no active members."
    same "$(mq-offsets --describe --all-groups --state --plain)" $'g\t-\tEmpty\t0\t0\t2'
    status_of 0 mq-offsets --describe --group g --members
    status_of 66 mq-offsets --describe --group nosuch
    says "group 'nosuch': no such group"
}

@test "Kafka's spelling destroys no more than Kafka's tool: --reset-offsets without --execute is a dry run" {
    fill
    before=$(mq-offsets export g)
    for to in --to-earliest --to-latest '--to-offset 1' '--shift-by -1' '--to-datetime 2023-11-14T00:00:00.000' '--by-duration PT1H'; do
        status_of 0 mq-offsets --reset-offsets --group g --all-topics $to
        status_of 0 mq-offsets --reset-offsets --group g --topic t:0 $to --dry-run
        same "$(mq-offsets export g)" "$before"
    done
    same "$(mq-offsets --reset-offsets --group g --topic t:0,1 --to-offset 2 --execute)" $'GROUP  TOPIC  PARTITION  NEW-OFFSET  OLD-OFFSET\ng      t              0           2           3\ng      t              1           2           5'
    same "$(mq-offsets --reset-offsets --group g --all-topics --to-current --export 2>/dev/null)" $'t,0,2\nt,1,2'
    same "$(mq-offsets --reset-offsets --all-groups --all-topics --to-current --export 2>/dev/null)" $'g,t,0,2\ng,t,1,2'
    printf 't,0,7\nt,1,1\n' >plan
    same "$(mq-offsets --reset-offsets --group g --from-file plan --execute --plain)" $'g\tt\t0\t7\t2\ng\tt\t1\t1\t2'
    mq-offsets -q --reset-offsets --group new --topic t --to-earliest --execute >/dev/null
    same "$(mq-offsets export new)" $'t,0,0\nt,1,0'
    mq-offsets -q --delete-offsets --group g --topic t:1 >/dev/null
    same "$(mq-offsets export g)" 't,0,7'
    same "$(mq-offsets --delete --group new)" "Deletion of requested consumer groups ('new') was successful."
    status_of 66 mq-offsets --delete --group '.*'
    same "$(mq-offsets list --names)" g
}
