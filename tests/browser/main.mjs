import { closeBrowser, launch, runTests } from "./harness.mjs";
import "./docs.mjs";
import "./signin.mjs";
import "./oidc.mjs";
import "./deliveries.mjs";
import "./keys.mjs";
import "./pages.mjs";
import "./audit.mjs";
import "./live.mjs";
import { measure } from "./first_page.mjs";

if (process.argv[2] === "--measure") {
  await measure();
  process.exit(0);
}

await launch();
const ok = await runTests(process.argv.slice(2));
await closeBrowser();
process.exit(ok ? 0 : 1);
