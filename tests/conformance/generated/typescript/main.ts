// A client of openapi-fetch with the types that openapi-typescript has made of usher's OpenAPI document. One JSON line
// for each check. USHER_URL and USHER_TOKEN say where.
import createClient from "openapi-fetch";
import type { components, paths } from "./usher.js";

const client = createClient<paths>({
    baseUrl: process.env.USHER_URL, headers: {Authorization: `Bearer ${process.env.USHER_TOKEN}`}});
const users: components["schemas"]["User"][] = [];
let room: components["schemas"]["Room"];

async function check(name: string, body: () => Promise<void>) {
    try {
        await body();
        console.log(JSON.stringify({check: name, ok: true}));
    } catch (wrong) {
        console.log(JSON.stringify({check: name, ok: false, detail: String(wrong)}));
    }
}

function want(good: boolean, what: unknown): asserts good {
    if (!good)
        throw new Error(JSON.stringify(what));
}

await check("create users", async () => {
    for (let i = 0; i < 5; i++) {
        const address = `ts${i}@generated.example`, email: components["schemas"]["Email"] = {value: address, type: "work"};
        const {data, error} = await client.POST("/api/v1/users", {body: {userName: address, emails: [email]}});
        want(data !== undefined && data.active && data.emails?.[0]?.value === address, error);
        users.push(data);
    }
});

await check("a userName that is taken", async () => {
    const {error} = await client.POST("/api/v1/users", {body: {userName: users[0].userName}});
    want(error?.type === "urn:usher:problem:uniqueness" && error.errors?.[0]?.path === "userName", error);
});

await check("find by active", async () => {
    for (const active of [true, false]) {
        const {data} = await client.GET("/api/v1/users", {params: {query: {active, userName: users[0].userName}}});
        want(data?.items.length === (active ? 1 : 0), data);
    }
});

await check("create a room", async () => {
    const {data, error} = await client.POST("/api/v1/rooms", {body: {displayName: "Room of TypeScript"}});
    want(data !== undefined, error);
    room = data;
});

await check("put members, who may transmit or not", async () => {
    for (const [i, user] of users.entries()) {
        const {data, response} = await client.PUT("/api/v1/rooms/{room}/members/{user}", {
            params: {path: {room: room.id, user: user.id}}, body: {transmit: i % 2 === 0}});
        want(response.status === 201 && data?.transmit === (i % 2 === 0), data);
    }
});

await check("page through the members", async () => {
    const found = new Map<string, boolean>();
    let cursor: string | undefined;
    do {
        const {data, error} = await client.GET("/api/v1/rooms/{room}/members", {
            params: {path: {room: room.id}, query: {limit: 2, cursor}}});
        want(data !== undefined && data.items.length <= 2, error);
        data.items.forEach(member => found.set(member.user, member.transmit));
        cursor = data.next ?? undefined;
    } while (cursor !== undefined);
    want(found.size === users.length && users.every((user, i) => found.get(user.id) === (i % 2 === 0)), [...found]);
});
