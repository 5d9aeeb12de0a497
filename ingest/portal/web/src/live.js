// The live view: server-sent events, read with fetch, so that the page can say where to go on after a break
// (Last-Event-ID), also after the service was away altogether.
import { ADMIN, ended, session } from "./api.js";

const AGAIN_MS = 1000;

// Calls onEvent({id, data}) for each event and onState("live" | "waiting" | "connecting"). Gives a function that stops it.
export function follow(onEvent, onState, after) {
  const abort = new AbortController();
  let last = after;

  function take(block) {
    let id, data = "", name = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("id:"))
        id = line.slice(3).trim();
      else if (line.startsWith("event:"))
        name = line.slice(6).trim();
      else if (line.startsWith("data:"))
        data += (data === "" ? "" : "\n") + line.slice(5).replace(/^ /, "");
    }
    if (id !== undefined)
      last = id;
    if (data === "" || name !== "")
      return; // a place without a change, or the reason why the stream ends
    try {
      onEvent({ id, data: JSON.parse(data) });
    } catch {
      // What is no JSON is none of ours.
    }
  }

  async function read() {
    const response = await fetch(`${ADMIN}/changes`, {
      signal: abort.signal, credentials: "same-origin", cache: "no-store",
      headers: { Accept: "text/event-stream", ...(last === undefined ? {} : { "Last-Event-ID": String(last) }) },
    });
    if (response.status === 401) {
      ended.value = true;
      session.value = null;
      abort.abort();
      return;
    }
    if (!response.ok)
      return;
    onState("live");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done)
        return;
      text += value.replaceAll("\r", "");
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        take(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
  }

  (async () => {
    onState("connecting");
    while (!abort.signal.aborted) {
      try {
        await read();
      } catch {
        // The connection broke: it is made again below.
      }
      if (abort.signal.aborted)
        return;
      onState("waiting");
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  })();
  return () => abort.abort();
}
