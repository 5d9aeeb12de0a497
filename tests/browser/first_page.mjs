// How long the portal's first page takes on a slow phone: for tests/bench/portal, which gives an owner's token. The last
// line is JSON: for each page the medians of its first text, of all being there, and the kilobytes that came over the line.
import { closeBrowser, launch, MODES, URL_, Visitor } from "./harness.mjs";

// As Lighthouse has a phone: https://github.com/GoogleChrome/lighthouse, docs/throttling.md
const LINE = { offline: false, latency: 150, downloadThroughput: (1.6 * 1024 * 1024) / 8, uploadThroughput: (0.75 * 1024 * 1024) / 8 };
const SLOWER = 4, ROUNDS = 9;
const PHONE = MODES.find((m) => m.name.startsWith("phone"));

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// One visit with nothing cached; the times count from the moment the address is asked for.
async function visit(cookies) {
  const v = await Visitor.open(PHONE);
  try {
    await v.context.addCookies(cookies);
    const phone = await v.context.newCDPSession(v.page);
    await phone.send("Network.enable");
    await phone.send("Network.emulateNetworkConditions", LINE);
    await phone.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
    let bytes = 0;
    phone.on("Network.loadingFinished", (e) => { bytes += e.encodedDataLength; });
    await v.page.addInitScript(() => {
      globalThis.thereAt = 0;
      const look = () => {
        if (document.querySelector("h1") !== null && document.querySelector(".loading") === null)
          globalThis.thereAt ||= performance.now();
        else
          globalThis.thereAt = 0;
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await v.page.goto(URL_ + "/portal");
    await v.settled();
    const [first, all] = await v.page.evaluate(() => [performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0, globalThis.thereAt]);
    return { first, all, kb: bytes / 1000 };
  } finally {
    await v.close();
  }
}

export async function measure() {
  await launch();
  const v = await Visitor.open(PHONE);
  await v.signIn(process.env.PORTAL_OWNER);
  const signedIn = await v.context.cookies();
  await v.close();
  const pages = [];
  for (const [what, cookies] of [["sign-in", []], ["overview, signed in", signedIn]]) {
    const visits = [];
    for (let n = 0; n < ROUNDS; n++)
      visits.push(await visit(cookies));
    pages.push({ what, ...Object.fromEntries(["first", "all", "kb"].map((k) => [k, median(visits.map((one) => one[k]))])) });
  }
  await closeBrowser();
  console.log(JSON.stringify(pages));
}
