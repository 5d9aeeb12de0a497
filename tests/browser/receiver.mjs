import http from "node:http";

// A receiver on this machine. `status` is what it answers next.
export async function receiver(status = 200, says = "thanks") {
  const r = { status, came: [] };
  const server = http.createServer((asked, given) => {
    let body = "";
    asked.on("data", (part) => { body += part; }).on("end", () => {
      r.came.push(body);
      given.writeHead(r.status, { "Content-Type": "text/plain" });
      given.end(says);
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  server.unref();
  return Object.assign(r, { url: `http://127.0.0.1:${server.address().port}/hook`, close: () => server.close() });
}
