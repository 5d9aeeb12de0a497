// Records as the JavaScript SDK of CloudEvents sees them: as cloudevents_run.py, but for tombstones, which this SDK
// refuses whatever their headers say.
import {createInterface} from "node:readline";
import {isDeepStrictEqual} from "node:util";
import {Kafka} from "cloudevents";

function faults({name, key, headers, text, numbered, json}) {
    let event;
    try {
        event = Kafka.toEvent({key, headers, value: Buffer.from(text)});
        event.validate();
    } catch (wrong) {
        return [`${name}: ${wrong} ${JSON.stringify(wrong.errors ?? "").slice(0, 200)}`];
    }
    const due = ["id", "type", "source", "subject", "specversion"].filter(n => event[n] !== headers["ce_" + n]);
    if (event.time.slice(0, 19) !== headers["ce_time"].slice(0, 19))
        due.push("time");
    if (event.datacontenttype !== headers["content-type"])
        due.push("datacontenttype");
    if (numbered && event.sequence !== headers["usher-seq"])
        due.push("sequence");
    if (json && !isDeepStrictEqual(event.data, JSON.parse(text)))
        due.push("data");
    return due.map(n => `${name}: ${n} is ${JSON.stringify(event[n])}`);
}

const groups = new Map();
for await (const line of createInterface({input: process.stdin})) {
    const record = JSON.parse(line);
    if (record.text === null)
        continue;
    const seen = groups.get(record.group) ?? {count: 0, wrong: []};
    seen.count++;
    seen.wrong.push(...faults(record));
    groups.set(record.group, seen);
}
for (const [group, {count, wrong}] of [...groups].sort())
    console.log(JSON.stringify({check: `${group} (JavaScript)`, ok: wrong.length === 0,
        detail: wrong.slice(0, 3).join("; ") || `${count} records`}));
