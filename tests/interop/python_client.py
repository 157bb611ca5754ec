#!/usr/bin/python3
"""What python3-kafka does with a broker: python_client.py HOST:PORT records|admin|group|seek"""

import sys
import threading

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

BROKERS = sys.argv[1]


# It would take the broker for none, or its member for gone, where the machine stands still for a moment.
PATIENCE = {"bootstrap_servers": BROKERS, "api_version_auto_timeout_ms": 60000}


def admin_client():
    return KafkaAdminClient(**PATIENCE)


def make(topic, partitions=1):
    admin = admin_client()
    admin.create_topics([NewTopic(topic, partitions, 1)])
    admin.close()


def consumer(*topics, **settings):
    settings = {"auto_offset_reset": "earliest", "consumer_timeout_ms": 60000, **settings}
    return KafkaConsumer(*topics, **PATIENCE, **settings)


def take(reader, count):
    found = []
    for record in reader:
        found.append(record)
        if len(found) == count:
            break
    assert len(found) == count, f"{len(found)} records instead of {count}"
    return found


def records():
    make("records", 2)
    sent = [
        (b"key", b"value", [("h", b"1"), ("h", b"2"), ("empty", b"")], 1600000000000),
        (None, b"no key", [], 1600000000001),
        (b"deleted", None, [], 1600000000002),
        (bytes(range(256)), bytes(range(256)) * 1000, [("bytes", bytes(range(256)))], 1500000000000),
    ]
    codecs = [None, "gzip", "snappy", "lz4", "zstd"]
    for number, codec in enumerate(codecs):
        producer = KafkaProducer(**PATIENCE, compression_type=codec, acks="all", linger_ms=50)
        answers = [
            producer.send("records", value=value, key=key, headers=headers, partition=1, timestamp_ms=time)
            for key, value, headers, time in sent
        ]
        producer.flush()
        for i, answer in enumerate(answers):
            assert answer.get(60).offset == number * len(sent) + i, (codec, i)
        producer.close()
    reader = consumer(group_id=None, check_crcs=True)
    reader.assign([TopicPartition("records", 1)])
    reader.seek_to_beginning()
    for i, record in enumerate(take(reader, len(codecs) * len(sent))):
        key, value, headers, time = sent[i % len(sent)]
        assert (record.key, record.value, record.headers, record.timestamp) == (key, value, headers, time), record
    reader.close()


def admin():
    client = admin_client()
    client.create_topics([NewTopic("made", 2, 1, topic_configs={"retention.ms": "12345"})])
    try:
        client.create_topics([NewTopic("made", 2, 1)])
        raise AssertionError("made twice")
    except TopicAlreadyExistsError:
        pass
    assert "made" in client.list_topics()
    client.create_partitions({"made": NewPartitions(4)})
    (described,) = client.describe_topics(["made"])
    assert len(described["partitions"]) == 4, described
    resource = ConfigResource(ConfigResourceType.TOPIC, "made")
    (answer,) = client.describe_configs([resource])
    settings = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert settings["retention.ms"] == "12345", settings
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "made", configs={"retention.ms": "54321"})])
    (answer,) = client.describe_configs([resource])
    assert {entry[0]: entry[1] for entry in answer.resources[0][4]}["retention.ms"] == "54321"
    assert client.describe_cluster()["brokers"], "no broker"
    client.delete_topics(["made"])
    try:
        client.delete_topics(["made"])
        raise AssertionError("deleted twice")
    except UnknownTopicOrPartitionError:
        pass
    client.close()


def group():
    make("shared", 4)
    settings = {"group_id": "pythons", "session_timeout_ms": 120000, "heartbeat_interval_ms": 100,
                "enable_auto_commit": False}
    members = [consumer("shared", **settings) for _ in range(2)]
    stop = threading.Event()
    settled = threading.Barrier(3)
    found = [[], []]
    trouble = []

    def run(number):
        member = members[number]
        told = False
        try:
            while not stop.is_set():
                for batch in member.poll(100).values():
                    found[number] += [record.value for record in batch]
                if not told and len(member.assignment()) == 2:
                    told = True
                    settled.wait(60)
            member.commit()
        except Exception as error:
            trouble.append(error)
            settled.abort()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    settled.wait(60)
    producer = KafkaProducer(**PATIENCE)
    for i in range(40):
        producer.send("shared", value=b"%d" % i, partition=i % 4)
    producer.flush()
    clock = threading.Event()
    for _ in range(600):
        if len(found[0]) + len(found[1]) >= 40 or trouble:
            break
        clock.wait(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    assert not trouble, trouble
    assert len(found[0]) == 20 and len(found[1]) == 20, found
    assert sorted(found[0] + found[1], key=int) == [b"%d" % i for i in range(40)]
    client = admin_client()
    assert ("pythons", "consumer") in client.list_consumer_groups()
    (described,) = client.describe_consumer_groups(["pythons"])
    assert described.state == "Stable" and len(described.members) == 2, described
    for member in members:
        member.close(autocommit=False)
    offsets = client.list_consumer_group_offsets("pythons")
    assert {place.partition: offset.offset for place, offset in offsets.items()} == {i: 10 for i in range(4)}, offsets
    producer.send("shared", value=b"next", partition=0)
    producer.flush()
    successor = consumer("shared", **settings)
    assert take(successor, 1)[0].value == b"next"
    successor.commit({TopicPartition("shared", 0): OffsetAndMetadata(11, "seen")})
    assert successor.committed(TopicPartition("shared", 0), metadata=True).metadata == "seen"
    successor.close(autocommit=False)
    client.close()


def seek():
    make("timed")
    producer = KafkaProducer(**PATIENCE)
    for i in range(10):
        producer.send("timed", value=b"%d" % i, partition=0, timestamp_ms=1000 * i)
        producer.flush()
    place = TopicPartition("timed", 0)
    reader = consumer(group_id=None)
    reader.assign([place])
    assert reader.beginning_offsets([place])[place] == 0
    assert reader.end_offsets([place])[place] == 10
    found = reader.offsets_for_times({place: 3500})[place]
    assert (found.offset, found.timestamp) == (4, 4000), found
    assert reader.offsets_for_times({place: 9001})[place] is None
    reader.seek(place, 7)
    assert take(reader, 1)[0].value == b"7"
    reader.seek_to_beginning(place)
    assert take(reader, 10)[9].value == b"9"
    reader.close()


{"records": records, "admin": admin, "group": group, "seek": seek}[sys.argv[2]]()
