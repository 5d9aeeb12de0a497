// Ory Polis as a SCIM server, for the benchmark: its npm package behind Node's own HTTP server.
// node polis.js PACKAGE_FOLDER PORT POSTGRES_URL; prints one line of JSON when it is ready: the directory's path and secret.
const http = require('http');
const [folder, port, url] = process.argv.slice(2);
const jackson = require(require.resolve('@boxyhq/saml-jackson', { paths: [folder] }));

function options() {
    return {
        externalUrl: `http://127.0.0.1:${port}`, samlPath: '/acs', scimPath: '/api/scim/v2.0', samlAudience: 'bench', noAnalytics: true,
        db: { engine: 'sql', type: 'postgres', url, pagination: { strict: false } },
        dsync: { callback: async () => {} },
        logger: { info: () => {}, warn: () => {}, error: (message) => console.error(message) },
    };
}

function answer(res, status, data) {
    const text = data === undefined || data === null ? '' : JSON.stringify(data);
    const headers = { 'Content-Type': 'application/scim+json', 'Content-Length': Buffer.byteLength(text) };
    if (status === 201 && data) headers.Location = `/${data.id}`;
    res.writeHead(status, headers);
    res.end(text);
}

async function serve(requests, req, res, body) {
    const { pathname, searchParams } = new URL(req.url, 'http://x');
    const [directoryId, resourceType, resourceId] = pathname.split('/').slice(4);
    const count = searchParams.get('count'), startIndex = searchParams.get('startIndex');
    const found = await requests.handle({
        method: req.method, body: body ? JSON.parse(body) : undefined, directoryId, resourceType, resourceId,
        apiSecret: (req.headers.authorization || '').slice('Bearer '.length),
        query: { count: count ? Number(count) : undefined, startIndex: startIndex ? Number(startIndex) : undefined,
                 filter: searchParams.get('filter') || undefined },
    });
    answer(res, found.status, found.data);
}

async function main() {
    const { directorySyncController: sync } = await jackson.default(options());
    const { data, error } = await sync.directories.create({ tenant: 'bench', product: 'bench', name: 'bench', type: 'okta-scim-v2' });
    if (error) throw new Error(error.message);
    const server = http.createServer((req, res) => {
        const parts = [];
        req.on('data', (part) => parts.push(part));
        req.on('end', () => serve(sync.requests, req, res, Buffer.concat(parts).toString())
            .catch((e) => answer(res, 500, { detail: String(e) })));
    });
    server.keepAliveTimeout = 600000;
    server.listen(Number(port), '127.0.0.1', () => console.log(JSON.stringify({ path: data.scim.path, secret: data.scim.secret })));
}

main().catch((e) => { console.error(e); process.exit(1); });
