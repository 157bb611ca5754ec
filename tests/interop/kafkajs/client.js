// What kafkajs does with a broker: client.js HOST:PORT records|idempotent|transaction|admin|group|leave|seek
'use strict';
const assert = require('assert');
const { spawnSync } = require('child_process');
const { Kafka, CompressionCodecs, CompressionTypes, ConfigResourceTypes, logLevel } = require('kafkajs');

const [brokers, what] = process.argv.slice(2);
const kafka = new Kafka({
    clientId: 'js',
    brokers: [brokers],
    logLevel: logLevel.ERROR,
    connectionTimeout: 30000, // 1 s by itself
    retry: { initialRetryTime: 50 },
});

// kafkajs itself has gzip alone, and takes the others from whoever has them: here, from python3-kafka.
function codec(name) {
    const run = (direction, input) => {
        const script = 'import sys, kafka.codec as c; sys.stdout.buffer.write(getattr(c, sys.argv[1])(sys.stdin.buffer.read()))';
        const done = spawnSync('/usr/bin/python3', ['-c', script, `${name}_${direction}`], { input, maxBuffer: 1 << 26 });
        assert.strictEqual(done.status, 0, String(done.stderr));
        return done.stdout;
    };
    return () => ({
        compress: async (encoder) => run('encode', encoder.buffer),
        decompress: async (buffer) => run('decode', buffer),
    });
}
CompressionCodecs[CompressionTypes.Snappy] = codec('snappy');
CompressionCodecs[CompressionTypes.LZ4] = codec('lz4');
CompressionCodecs[CompressionTypes.ZSTD] = codec('zstd');

async function withAdmin(work) {
    const admin = kafka.admin();
    await admin.connect();
    try {
        return await work(admin);
    } finally {
        await admin.disconnect();
    }
}

const make = (topic, numPartitions) =>
    withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }));

// Runs consumers of one group until `count` records have come to all of them together.
async function consume(topic, groupId, count, members = 1) {
    const consumers = [];
    const records = [];
    const joined = [];
    let done;
    const enough = new Promise((resolve) => { done = resolve; });
    for (let i = 0; i < members; ++i) {
        const consumer = kafka.consumer({ groupId, sessionTimeout: 60000, heartbeatInterval: 100 });
        consumers.push(consumer);
        await consumer.connect();
        await consumer.subscribe({ topics: [topic], fromBeginning: true });
        joined.push(new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, (event) => resolve(event.payload))));
        await consumer.run({
            eachMessage: async ({ partition, message }) => {
                records.push({ member: i, partition, ...message });
                if (records.length === count) done();
            },
        });
    }
    await Promise.all(joined);
    await enough;
    for (const consumer of consumers) await consumer.disconnect();
    return records;
}

const tests = {
    async records() {
        await make('records', 2);
        const producer = kafka.producer();
        await producer.connect();
        const messages = [
            { key: 'k', value: 'v', headers: { h: 'one', many: ['a', 'b'] }, timestamp: '1600000000000', partition: 1 },
            { key: null, value: 'no key', timestamp: '1600000000001', partition: 1 },
            { key: 'deleted', value: null, timestamp: '1600000000002', partition: 1 },
            { key: 'large', value: 'x'.repeat(200000), timestamp: '1600000000003', partition: 1 },
        ];
        for (const compression of Object.values(CompressionTypes)) {
            const [answer] = await producer.send({ topic: 'records', acks: -1, compression, messages });
            assert.strictEqual(answer.errorCode, 0);
            assert.strictEqual(answer.partition, 1);
        }
        await producer.disconnect();
        const found = await consume('records', 'readers', 20);
        found.forEach((record, i) => {
            const sent = messages[i % 4];
            assert.strictEqual(record.offset, String(i));
            assert.strictEqual(record.key && record.key.toString(), sent.key);
            assert.strictEqual(record.value && record.value.toString(), sent.value);
            assert.strictEqual(record.timestamp, sent.timestamp);
        });
        assert.strictEqual(found[4].headers.h.toString(), 'one');
        assert.deepStrictEqual(found[4].headers.many.map(String), ['a', 'b']);
    },

    async idempotent() {
        await make('once', 1);
        const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
        await producer.connect();
        for (let i = 0; i < 20; ++i) {
            await producer.send({
                topic: 'once',
                acks: -1,
                messages: Array.from({ length: 50 }, (_, j) => ({ value: String(50 * i + j) })),
            });
        }
        await producer.disconnect();
        const found = await consume('once', 'readers', 1000);
        found.forEach((record, i) => assert.strictEqual(record.value.toString(), String(i)));
    },

    async transaction() {
        await make('paid', 1);
        const producer = kafka.producer({ transactionalId: 'payments', maxInFlightRequests: 1, idempotent: true });
        await producer.connect();
        await assert.rejects(producer.transaction(), (error) => {
            assert.strictEqual(error.type, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', String(error.stack));
            assert.strictEqual(error.retriable, false);
            return true;
        });
        await producer.disconnect();
    },

    async seek() {
        await make('timed', 1);
        const producer = kafka.producer();
        await producer.connect();
        const messages = Array.from({ length: 10 }, (_, i) => ({ value: String(i), timestamp: String(1000 * (i + 1)) }));
        await producer.send({ topic: 'timed', messages });
        await producer.disconnect();
        const [{ offset }] = await withAdmin((admin) => admin.fetchTopicOffsetsByTimestamp('timed', 3500));
        assert.strictEqual(offset, '3');
        const consumer = kafka.consumer({ groupId: 'seekers', heartbeatInterval: 100 });
        await consumer.connect();
        await consumer.subscribe({ topics: ['timed'], fromBeginning: true });
        const found = [];
        let done;
        const enough = new Promise((resolve) => { done = resolve; });
        await consumer.run({
            eachMessage: async ({ message }) => {
                found.push(Number(message.offset));
                // All that is there; then from the time on; then from an offset on.
                if (found.length === 10) consumer.seek({ topic: 'timed', partition: 0, offset });
                if (found.length === 17) consumer.seek({ topic: 'timed', partition: 0, offset: '8' });
                if (found.length === 19) done();
            },
        });
        await enough;
        await consumer.disconnect();
        assert.deepStrictEqual(found, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 4, 5, 6, 7, 8, 9, 8, 9]);
    },

    async leave() {
        await make('shared', 4);
        const producer = kafka.producer();
        await producer.connect();
        const records = [];
        const members = [];
        let joins = 0;
        let changed = () => {};
        const until = async (condition) => {
            while (!condition()) await new Promise((resolve) => { changed = resolve; });
        };
        for (let i = 0; i < 2; ++i) {
            const consumer = kafka.consumer({ groupId: 'crew', sessionTimeout: 60000, heartbeatInterval: 100 });
            const member = { consumer, owned: [] };
            members.push(member);
            consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
                member.owned = payload.memberAssignment.shared || [];
                changed();
            });
            await consumer.connect();
            await consumer.subscribe({ topics: ['shared'], fromBeginning: true });
            await consumer.run({
                eachMessage: async ({ partition, message }) => {
                    records.push({ member: i, partition, value: String(message.value) });
                    changed();
                },
            });
        }
        await until(() => members.every((member) => member.owned.length === 2));
        const send = (text) => producer.send({
            topic: 'shared',
            messages: [0, 1, 2, 3].map((partition) => ({ partition, value: `${text} ${partition}` })),
        });
        await send('to');
        await until(() => records.length === 4);
        for (const record of records) assert.ok(members[record.member].owned.includes(record.partition), String(record));
        await members[1].consumer.disconnect();
        await until(() => members[0].owned.length === 4);
        await send('again');
        await until(() => records.length === 8);
        assert.deepStrictEqual(records.slice(4).map((record) => record.member), [0, 0, 0, 0]);
        assert.deepStrictEqual(records.slice(4).map((record) => record.value).sort(), [0, 1, 2, 3].map((i) => `again ${i}`));
        await members[0].consumer.disconnect();
        await producer.disconnect();
    },

    async admin() {
        await withAdmin(async (admin) => {
            const created = await admin.createTopics({
                topics: [{ topic: 'made', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '12345' }] }],
            });
            assert.strictEqual(created, true);
            assert.strictEqual(await admin.createTopics({ topics: [{ topic: 'made' }] }), false);
            assert.ok((await admin.listTopics()).includes('made'));
            await admin.createPartitions({ topicPartitions: [{ topic: 'made', count: 4 }] });
            const { topics } = await admin.fetchTopicMetadata({ topics: ['made'] });
            assert.strictEqual(topics[0].partitions.length, 4);
            const describe = async () => {
                const { resources } = await admin.describeConfigs({
                    includeSynonyms: false,
                    resources: [{ type: ConfigResourceTypes.TOPIC, name: 'made', configNames: ['retention.ms'] }],
                });
                return resources[0].configEntries.map((entry) => [entry.configName, entry.configValue]);
            };
            assert.deepStrictEqual(await describe(), [['retention.ms', '12345']]);
            await admin.alterConfigs({
                resources: [{
                    type: ConfigResourceTypes.TOPIC,
                    name: 'made',
                    configEntries: [{ name: 'retention.ms', value: '54321' }],
                }],
            });
            assert.deepStrictEqual(await describe(), [['retention.ms', '54321']]);
            const cluster = await admin.describeCluster();
            assert.strictEqual(cluster.brokers.length, 1);
            assert.strictEqual(cluster.controller, cluster.brokers[0].nodeId);

            const producer = kafka.producer();
            await producer.connect();
            await producer.send({
                topic: 'made',
                messages: [1000, 2000, 3000].map((time) => ({ value: 'x', partition: 0, timestamp: String(time) })),
            });
            await producer.disconnect();
            const at = async (time) => (await admin.fetchTopicOffsetsByTimestamp('made', time))
                .find(({ partition }) => partition === 0).offset;
            assert.strictEqual(await at(1500), '1');
            await admin.deleteTopicRecords({ topic: 'made', partitions: [{ partition: 0, offset: '2' }] });
            const offsets = await admin.fetchTopicOffsets('made');
            const first = offsets.find(({ partition }) => partition === 0);
            assert.deepStrictEqual([first.low, first.high], ['2', '3']);
            await admin.deleteTopics({ topics: ['made'] });
            assert.ok(!(await admin.listTopics()).includes('made'));
        });
    },

    async group() {
        await make('shared', 4);
        const producer = kafka.producer();
        await producer.connect();
        const send = (from, to) => producer.send({
            topic: 'shared',
            messages: Array.from({ length: to - from }, (_, i) => ({ value: String(from + i), partition: (from + i) % 4 })),
        });
        await send(0, 40);
        const values = (records) => records.map((record) => Number(record.value)).sort((a, b) => a - b);
        const all = await consume('shared', 'crew', 40);
        assert.deepStrictEqual(values(all), Array.from({ length: 40 }, (_, i) => i));
        await withAdmin(async (admin) => {
            const { groups } = await admin.listGroups();
            assert.ok(groups.some(({ groupId }) => groupId === 'crew'));
            const [topic] = await admin.fetchOffsets({ groupId: 'crew', topics: ['shared'] });
            assert.deepStrictEqual(topic.partitions.map(({ offset }) => offset), ['10', '10', '10', '10']);
        });
        await send(40, 80);
        const rest = await consume('shared', 'crew', 40, 2);
        assert.deepStrictEqual(values(rest), Array.from({ length: 40 }, (_, i) => 40 + i));
        await producer.disconnect();
        await withAdmin(async (admin) => {
            const { groups } = await admin.describeGroups(['crew']);
            assert.strictEqual(groups[0].state, 'Empty');
            await admin.setOffsets({ groupId: 'crew', topic: 'shared', partitions: [{ partition: 0, offset: '3' }] });
            const [topic] = await admin.fetchOffsets({ groupId: 'crew', topics: ['shared'] });
            assert.strictEqual(topic.partitions.find(({ partition }) => partition === 0).offset, '3');
            await admin.deleteGroups(['crew']);
            assert.ok(!(await admin.listGroups()).groups.some(({ groupId }) => groupId === 'crew'));
        });
    },
};

tests[what]().catch((error) => {
    console.error(error);
    process.exit(1);
});
