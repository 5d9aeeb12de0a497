// Draws openapi.json, which stands beside the page. Whatever is in it becomes text, never markup: nodes are made one by
// one and filled with text. A document that lacks parts gives a page that lacks them.
"use strict";

// A node with attributes and children; children may be nodes, texts and lists of both, and null for none.
function node(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {}))
        if (value !== undefined)
            made.setAttribute(name, value);
    made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
    return made;
}

const code = text => node("code", null, text);

// What an object or a list holds; nothing for what is neither.
const entries = value => value !== null && typeof value === "object" ? Object.entries(value) : [];
const list = value => Array.isArray(value) ? value : [];
const part = (value, name) => value !== null && typeof value === "object" ? value[name] : undefined;

// A description: `words` are code, line ends are kept.
function prose(text) {
    return String(text === undefined ? "" : text).split("`").map((words, i) => i % 2 === 1 ? code(words)
        : words.split("\n").map((line, k) => k === 0 ? line : [node("br"), line]));
}

const paragraph = text => text === undefined ? null : node("p", null, prose(text));

function exampleOf(value) {
    if (value === undefined)
        return null;
    return node("details", null, node("summary", null, "Example"), node("pre", null, JSON.stringify(value, null, 2)));
}

// ---- references

let api; // the document

// The last part of "#/components/schemas/User"; undefined for what is no reference.
const referred = value => typeof part(value, "$ref") === "string" ? value.$ref.split("/").pop() : undefined;

// What a reference into the components names; what is none is itself.
function resolve(kind, value) {
    const name = referred(value);
    return name === undefined ? value : part(part(api.components, kind), name);
}

// ---- schemas

const TYPES = {string: "text", integer: "whole number", number: "number", boolean: "true or false", object: "object"};

const hasType = (schema, name) => [part(schema, "type")].flat().includes(name);

// A type in a line: "text, uuid", "list of Member, or null".
function typeOf(schema) {
    const name = referred(schema), said = [];
    if (name !== undefined)
        return [node("a", {href: "#schema-" + name}, name)];
    if (hasType(schema, "array"))
        said.push("list of ", typeOf(part(schema, "items")));
    said.push(...Object.keys(TYPES).filter(type => hasType(schema, type)).map(type => TYPES[type]));
    if (part(schema, "format") !== undefined)
        said.push(", " + schema.format);
    const open = list(part(schema, "x-extensible-enum"));
    [...list(part(schema, "enum")), ...open].forEach((value, i) => said.push(i === 0 ? " " : " | ", code(String(value))));
    if (open.length > 0)
        said.push(" | …");
    if (part(schema, "minimum") !== undefined)
        said.push(", from " + schema.minimum);
    if (part(schema, "maximum") !== undefined)
        said.push(" to " + schema.maximum);
    if (part(schema, "default") !== undefined)
        said.push(", default ", code(JSON.stringify(schema.default)));
    if (hasType(schema, "null"))
        said.push(", or null");
    return said;
}

// An object's members, each with its own below it.
function membersOf(schema) {
    const inner = hasType(schema, "array") ? part(schema, "items") : schema;
    const members = entries(part(inner, "properties"));
    if (members.length === 0)
        return null;
    return node("dl", null, members.map(([name, member]) => [
        node("dt", null, code(name), " ", node("span", {class: "quiet"}, typeOf(member),
            list(part(inner, "required")).includes(name) ? ", required" : null,
            part(member, "readOnly") === true ? ", read only" : null)),
        node("dd", null, prose(part(member, "description")), membersOf(member))]));
}

function schemas() {
    return [node("h2", {id: "schemas"}, "Schemas"), entries(part(api.components, "schemas")).map(([name, schema]) =>
        node("article", {id: "schema-" + name}, node("h3", null, name), paragraph(part(schema, "description")),
            membersOf(schema)))];
}

// ---- operations

// Who may: one way in after the other, with its scopes or roles.
function credentialsOf(operation) {
    const ways = list(operation.security).map(way => entries(way).length === 0 ? ["in the body"]
        : entries(way).map(([scheme, needs]) => [node("a", {href: "#credentials-" + scheme}, scheme),
            list(needs).map(need => [" ", code(String(need))])]));
    return node("p", {class: "quiet"}, "Credentials: ", ways.length === 0 ? "none"
        : ways.map((way, i) => [i > 0 ? "; or " : null, way]));
}

function parametersOf(operation) {
    const parameters = list(operation.parameters).map(one => resolve("parameters", one))
        .filter(one => part(one, "name") !== undefined);
    if (parameters.length === 0)
        return null;
    return [node("h4", null, "Parameters"), node("dl", null, parameters.map(one => [
        node("dt", null, code(one.name), " ", node("span", {class: "quiet"}, one.in, ", ", typeOf(one.schema),
            one.required === true ? ", required" : null)),
        node("dd", null, prose(one.description))]))];
}

// Media types with what they hold: the schema and the example of the first that has one.
function contentOf(content) {
    const types = entries(content);
    const first = name => types.map(([, type]) => part(type, name)).find(value => value !== undefined);
    const schema = first("schema"), example = first("example");
    return [types.map(([name], i) => [i === 0 ? " " : ", ", code(name)]),
        schema === undefined ? null : [": ", typeOf(schema), membersOf(schema)], exampleOf(example)];
}

function bodyOf(operation) {
    const body = operation.requestBody;
    if (body === undefined)
        return null;
    return [node("h4", null, "Body"), node("div", null, prose(part(body, "description")),
        part(body, "required") === true ? null : " May be left out.", contentOf(part(body, "content")))];
}

// The answers that many operations share are shown whole once, in a section of their own.
function answerOf(answer) {
    const shared = referred(answer), headers = entries(part(answer, "headers"));
    if (shared !== undefined)
        return [prose(part(resolve("responses", answer), "description")), " ",
            node("a", {href: "#answer-" + shared}, shared)];
    return [prose(part(answer, "description")), contentOf(part(answer, "content")), headers.length === 0 ? null
        : node("div", {class: "quiet"}, "Headers:", headers.map(([name], i) => [i === 0 ? " " : ", ", code(name)]))];
}

function answersOf(operation) {
    return [node("h4", null, "Answers"), node("dl", null, entries(operation.responses).map(([status, answer]) =>
        [node("dt", null, code(status)), node("dd", null, answerOf(answer))]))];
}

const heading = ({method, path}) => [node("span", {class: "method " + method}, method), " ", code(path)];

function operationNode(one) {
    const operation = one.operation;
    return node("article", {id: operation.operationId}, node("h3", null, heading(one)),
        node("p", null, node("b", null, operation.summary)), paragraph(operation.description),
        credentialsOf(operation), parametersOf(operation), bodyOf(operation), answersOf(operation));
}

// Those of one tag, in the document's order.
function operationsOf(tag) {
    return entries(api.paths)
        .flatMap(([path, item]) => entries(item).map(([method, operation]) => ({path, method, operation})))
        .filter(({operation}) => list(part(operation, "tags"))[0] === tag.name);
}

// ---- the page

const named = tags => list(tags).filter(tag => part(tag, "name") !== undefined);

function contents() {
    const link = (address, text) => node("a", {href: address}, text);
    const ofTag = tag => [node("b", null, link("#tag-" + tag.name, tag.name)), node("ul", null, operationsOf(tag).map(
        one => node("li", null, link("#" + one.operation.operationId, heading(one)), " ", one.operation.summary)))];
    return [named(api.tags).map(ofTag), node("p", null, link("#credentials", "Credentials"), " · ",
        link("#answers", "Shared answers"), " · ", link("#schemas", "Schemas"), " · ",
        link("openapi.json", "openapi.json"))];
}

function credentials() {
    const schemes = entries(part(api.components, "securitySchemes"));
    return [node("h2", {id: "credentials"}, "Credentials"), node("dl", null, schemes.map(([name, scheme]) => [
        node("dt", {id: "credentials-" + name}, code(name)),
        node("dd", null, prose(part(scheme, "description")))]))];
}

function sharedAnswers() {
    const answers = entries(part(api.components, "responses"));
    return [node("h2", {id: "answers"}, "Shared answers"), answers.map(([name, answer]) =>
        node("article", {id: "answer-" + name}, node("h3", null, name), node("div", null, answerOf(answer))))];
}

const tagged = tag => [node("h2", {id: "tag-" + tag.name}, tag.name), paragraph(tag.description),
    operationsOf(tag).map(operationNode)];

function draw(info) {
    const title = part(info, "title") || "";
    document.title = title + " API";
    document.querySelector("header").replaceWith(node("header", null,
        node("h1", null, title, " ", node("span", {class: "quiet"}, part(info, "version"))),
        paragraph(part(info, "description"))));
    document.querySelector("nav").append(...contents().flat(Infinity));
    document.querySelector("main").replaceWith(node("main", null, named(api.tags).map(tagged), credentials(),
        sharedAnswers(), schemas()));
    if (location.hash !== "")
        location.replace(location.hash); // what the address names is there only now
}

async function start() {
    const state = document.getElementById("state");
    state.textContent = "Reading openapi.json …";
    try {
        const answer = await fetch("openapi.json");
        if (!answer.ok)
            throw new Error("status " + answer.status);
        api = Object(await answer.json());
    } catch (error) {
        state.textContent = "openapi.json cannot be read (" + error.message + "). Please try again.";
        return;
    }
    draw(api.info);
}

start();
