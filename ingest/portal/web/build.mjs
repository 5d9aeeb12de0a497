// Builds the pages into out/: page.html and docs.html, the files that they load, each named by its content and packed
// with gzip, and files.json, the list that becomes C (ops/build/embed_portal.py).
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const TYPES = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", txt: "text/plain; charset=utf-8" };
const files = [];

function put(name, kind, content) {
  files.push({ name, type: TYPES[kind] });
  writeFileSync(`out/${name}.gz`, gzipSync(content, { level: 9 }));
}

// Puts the file in, and gives the name under which a page loads it.
function add(stem, kind, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const name = `${stem}-${hash}.${kind}`;
  put(name, kind, content);
  return name;
}

// Gives the names of what the page loads at once. What a script imports when it is needed is a file of its own; esbuild
// names it by its content, because other files name it.
async function bundle(entry, define = {}) {
  const done = await build({
    entryPoints: [entry], bundle: true, minify: true, write: false, outdir: "out", format: "esm", target: "es2022",
    splitting: true, chunkNames: "[name]-[hash]", metafile: true,
    jsx: "automatic", jsxImportSource: "preact", legalComments: "none", logLevel: "warning", loader: { ".svg": "dataurl" }, define,
  });
  if (done.warnings.length > 0)
    throw new Error("a warning is an error here");
  const stem = entry.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const names = { js: [], css: [] };
  for (const file of done.outputFiles) {
    const name = file.path.split("/").pop(), kind = name.split(".").pop();
    if (name === `${stem}.${kind}`)
      names[kind].push(add(stem, kind, Buffer.from(file.contents)));
    else
      put(name, kind, Buffer.from(file.contents));
  }
  const main = Object.entries(done.metafile.outputs).find(([path]) => path.endsWith(`/${stem}.js`))[1];
  if (main.imports.some((i) => i.kind === "import-statement"))
    throw new Error("the page would need one file to learn of another one; let what is loaded later import nothing of ours");
  return names;
}

// The licences of what is in the bundles. All of it allows this, and wants its text to come along.
function licences(packages) {
  const texts = packages.map((name) => {
    const about = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
    const file = readdirSync(`node_modules/${name}`).find((f) => /^licen[cs]e/i.test(f));
    const text = file ? readFileSync(`node_modules/${name}/${file}`, "utf8") : `Licence: ${about.license}\n`;
    return `${name} ${about.version} (${about.license})\n\n${text}`;
  });
  return texts.join("\n\n----------\n\n");
}

function page(title, names, body) {
  const styles = names.css.map((n) => `<link rel="stylesheet" href="/portal/assets/${n}">`);
  const scripts = names.js.map((n) => `<script type="module" src="/portal/assets/${n}"></script>`);
  return ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">', '<meta name="color-scheme" content="light dark">',
    `<title>${title}</title>`, '<link rel="icon" href="data:,">', ...styles, ...scripts, "</head>", "<body>", body,
    "<noscript><p>This page needs JavaScript. The same can be done with usherctl and the admin API.</p></noscript>",
    "</body>", "</html>", ""].join("\n");
}

rmSync("out", { recursive: true, force: true });
mkdirSync("out");
const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const notices = add("licences", "txt", Buffer.from(licences([...Object.keys(dependencies), "@preact/signals-core"])));
const app = await bundle("src/main.jsx", { LICENCES: JSON.stringify(`/portal/assets/${notices}`) });
const docs = await bundle("src/docs.js");
writeFileSync("out/page.html", page("usher", app, '<div id="app"></div>'));
writeFileSync("out/docs.html", page("usher API", docs, '<div id="docs"></div>'));
writeFileSync("out/files.json", JSON.stringify({ files }, null, 1) + "\n");
