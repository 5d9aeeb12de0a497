import { closeBrowser, launch, runTests } from "./harness.mjs";
import "./docs.mjs";
import "./signin.mjs";
import "./oidc.mjs";
import "./deliveries.mjs";
import "./keys.mjs";
import "./pages.mjs";
import "./audit.mjs";
import "./live.mjs";

await launch();
const ok = await runTests(process.argv.slice(2));
await closeBrowser();
process.exit(ok ? 0 : 1);
